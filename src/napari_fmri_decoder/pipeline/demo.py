"""The whole job on the built-in phantom: written to disk, then run like any other data."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from napari_fmri_decoder.pipeline.events import PipelineEvent, Stage
from napari_fmri_decoder.pipeline.folder import claim
from napari_fmri_decoder.pipeline.run import run
from napari_fmri_decoder.recipe import Recipe, make_recipe
from napari_fmri_decoder.samples.phantom import PHANTOM_SLAB, write_phantom

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


def run_demo(out: Path) -> Generator[PipelineEvent, None, None]:
    """Write the phantom to `out/data`, its recipe beside it, and run it into `out/run`.

    Parameters
    ----------
    out : Path

    Yields
    ------
    PipelineEvent
        As `run` does.
    """
    claim(out / "run")
    yield Stage("Making the phantom")
    write_phantom(out / "data")
    recipe = demo_recipe()
    (out / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    yield from run(recipe, out, out / "run")
