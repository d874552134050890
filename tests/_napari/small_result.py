"""A finished run on the small series, without a folder: quick enough for every test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from small import series, write_small

from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.pipeline import RunResult, prepare_run
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FoldDone
from napari_fmri_decoder.training.refitting import refit

CNN = {"name": "cnn2d", "filters": [3, 4], "dense": [6]}
SLAB = {"rotate_x": 20.0, "rotate_z": 5.0, "axis": "z", "start": 2, "stop": 5, "interpolation": "linear"}


def small_result(folder: Path, decoder: dict[str, Any] | None = None, **sections: Any) -> RunResult:
    """Run the recipe of `write_small`, with other sections, up to the last fit."""
    torch.set_num_threads(1)
    recipe = write_small(folder)
    content = load_recipe(recipe).model_dump(mode="json", exclude_none=True)
    content |= {"decoder": decoder or CNN, "training": {"epochs": 2, "threads": 1}, **sections}
    prepared = prepare_run(make_recipe(content), folder)
    config = prepared.recipe.training
    run = prepared.recipe.decoder, prepared.samples
    events = list(cross_validate(*run, prepared.splits, config))
    folds = tuple(event.result for event in events if isinstance(event, FoldDone))
    (model,) = (event.model for event in refit(*run, config) if isinstance(event, FitDone))
    return RunResult(folder, prepared, folds, score_folds(folds, prepared.samples), model)


def table_with_rest(folder: Path) -> Path:
    """Write the small table with two volumes of rest at the start of each run."""
    _, table = series()
    table.loc[pd.Series(range(len(table))) % 16 < 2, "label"] = "rest"
    path = folder / "rest.tsv"
    table.to_csv(path, sep="\t", index=False)
    return path
