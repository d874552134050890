"""A complete analysis of the built-in phantom: written to disk, then run like any other data."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from napari_fmri_decoder.pipeline.events import PipelineEvent, Stage
from napari_fmri_decoder.pipeline.folder import claim_run_folder
from napari_fmri_decoder.pipeline.running import run
from napari_fmri_decoder.recipe import Recipe, make_recipe
from napari_fmri_decoder.samples.example_data import write_phantom
from napari_fmri_decoder.samples.example_data.phantom import PHANTOM_SLAB
from napari_fmri_decoder.samples.example_data.phantom_design import N_RUNS

QUICK_RUNS, QUICK_EPOCHS = 3, 100
"""Runs and epochs of the quick demo."""
EPOCHS = 40
"""Sufficient for the phantom; the original notebook used 125."""


def demo_recipe() -> Recipe:
    """Make the recipe of the demo; its paths are relative to the demo's folder."""
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
    """Make the recipe of the quick demo: `linear`, compared with a small `mlp` on the same folds."""
    content = demo_recipe().model_dump(mode="json", exclude_none=True)
    compared = {
        "decoder": {"name": "mlp", "hidden": 64},
        "training": {"epochs": QUICK_EPOCHS, "threads": 1},
    }
    return make_recipe(
        content | {"decoder": {"name": "linear"}, "training": {"threads": 1}, "compare": [compared]},
        "the recipe of the quick demo",
    )


def run_demo(out: Path, *, quick: bool = False) -> Generator[PipelineEvent, None, None]:
    """Write the phantom to `out/data` and its recipe to `out`, and run it in `out/run`.

    Parameters
    ----------
    out : Path
    quick : bool
        Use half of the phantom's runs, and no convolutional network.

    Yields
    ------
    PipelineEvent
        As in `run`.
    """
    claim_run_folder(out / "run")
    yield Stage("Making the phantom")
    write_phantom(out / "data", runs=QUICK_RUNS if quick else N_RUNS)
    recipe = quick_recipe() if quick else demo_recipe()
    (out / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    yield from run(recipe, out, out / "run")
