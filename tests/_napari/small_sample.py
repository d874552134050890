"""The sample of the Start page, with fewer runs and a smaller network: the steps are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.guide.samples import PHANTOM_LABELS, phantom_recipe, recipe_data
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.example_data import make_phantom

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.results.session_from_recipe import RecipeData


def two_runs_of_the_phantom() -> RecipeData:
    """Make the phantom with two runs, and one epoch of a small network."""
    made, runs = make_phantom(), 2
    content = phantom_recipe().model_dump(mode="json", exclude_none=True)
    content["labels"] = PHANTOM_LABELS | {"blocks": f"4 closed, 4 open, {8 * runs} times"}
    content["decoder"] = {"name": "cnn2d", "filters": [4], "dense": [8]}
    content["training"] = {"epochs": 1}
    bold = replace(made.bold, data=made.bold.data[..., : 64 * runs])
    return recipe_data(make_recipe(content, "two runs"), bold, made.anatomy)
