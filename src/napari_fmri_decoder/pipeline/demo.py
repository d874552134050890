"""The whole job on the built-in phantom: written to disk, then run like any other data."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from napari_fmri_decoder.pipeline.events import PipelineEvent, Stage
from napari_fmri_decoder.pipeline.folder import claim
from napari_fmri_decoder.pipeline.run import run
from napari_fmri_decoder.recipe import Recipe, make_recipe
from napari_fmri_decoder.samples.phantom import N_RUNS, PHANTOM_SLAB, write_phantom

QUICK_RUNS, QUICK_EPOCHS = 3, 100
"""Of the quick demo."""
EPOCHS = 40
"""Enough for the phantom; the notebook's network had 125."""


def demo_recipe() -> Recipe:
    """Make the recipe of the demo; its paths start from the demo's folder."""
    return make_recipe(
        {
            "data": {
                "images": "data/bold.nii.gz",
                "mask": "data/mask.nii.gz",
                "anatomy": "data/anatomy.nii.gz",
            },
            "labels": {"source": "table", "table": "data/volumes.tsv"},
            "slab": PHANTOM_SLAB,
            "decoder": {"name": "cnn2d"},
            "training": {"epochs": EPOCHS},
        },
        "the demo's recipe",
    )


def quick_recipe() -> Recipe:
    """Make the recipe of the quick demo: `linear`, and a small `mlp` on the same folds."""
    content = demo_recipe().model_dump(mode="json", exclude_none=True)
    beside = {
        "decoder": {"name": "mlp", "hidden": 64},
        "training": {"epochs": QUICK_EPOCHS, "threads": 1},
    }
    return make_recipe(
        content | {"decoder": {"name": "linear"}, "training": {"threads": 1}, "compare": [beside]},
        "the recipe of the quick demo",
    )


def run_demo(out: Path, *, quick: bool = False) -> Generator[PipelineEvent, None, None]:
    """Write the phantom to `out/data`, its recipe beside it, and run it into `out/run`.

    Parameters
    ----------
    out : Path
    quick : bool
        Half of the phantom's runs, and no convolutional network.

    Yields
    ------
    PipelineEvent
        As `run` does.
    """
    claim(out / "run")
    yield Stage("Making the phantom")
    write_phantom(out / "data", runs=QUICK_RUNS if quick else N_RUNS)
    recipe = quick_recipe() if quick else demo_recipe()
    (out / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    yield from run(recipe, out, out / "run")
