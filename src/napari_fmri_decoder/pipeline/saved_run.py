"""A finished run, read from its folder, without its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.permutation_scores import stored_permutations
from napari_fmri_decoder.evaluation.permutations import PermutationsDone
from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.resume import TASKS
from napari_fmri_decoder.pipeline.run_files import HISTORY, LAYERS, PREDICTIONS, RECIPE, check_run_folder
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.training.tasks.store import TaskStore

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe

TEXTS = ("subject", "session", "run", "true", "predicted")
"""Columns of predictions.tsv that are text."""


@dataclass(frozen=True, slots=True, eq=False)
class SavedRun:
    """What the folder of a finished run holds.

    Attributes
    ----------
    folder : Path
        Absolute.
    recipe : Recipe
        With absolute paths.
    scores : Scores
    predictions : DataFrame
        As `predictions_table` returns it; probabilities have six digits.
    history : DataFrame
        As `history_table` returns it.
    permutations : PermutationsDone or None
        None if there was no permutation test, or its scores are no longer in the folder.
    notes : tuple of str
        Files that were moved.
    missing : str
        Why it is shown without its images, in one sentence; "" if nobody has tried.
    """

    folder: Path
    recipe: Recipe
    scores: Scores
    predictions: pd.DataFrame
    history: pd.DataFrame
    permutations: PermutationsDone | None = None
    notes: tuple[str, ...] = ()
    missing: str = ""

    @property
    def layers(self) -> list[Path]:
        """The images in its folder `layers`: the mask, and mean activations of the filters."""
        return sorted((self.folder / LAYERS).glob("*.nii.gz"))


def read_saved_run(folder: Path) -> SavedRun:
    """Read the folder of a finished run.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        If it contains no finished run, or a file is damaged.
    """
    folder = check_run_folder(folder)
    recipe, moved = found_again(load_recipe(folder / RECIPE), folder)
    recipe, scores = rebased(recipe, folder, None), read_scores(folder)
    return SavedRun(
        folder,
        recipe,
        scores,
        read_predictions(folder, scores.classes),
        read_history(folder),
        _permutations(folder, recipe, scores),
        tuple(moved),
    )


def read_predictions(folder: Path, classes: tuple[str, ...]) -> pd.DataFrame:
    """Read predictions.tsv of a run folder, with the columns of `predictions_table`.

    Raises
    ------
    InputError
        If the file is missing, or does not have these columns.
    """
    columns = ["volume", *TEXTS[:3], "fold", *TEXTS[3:], *(f"p_{name}" for name in classes)]
    table = _table(folder / PREDICTIONS, "table of predictions", columns)
    numbers = [name for name in columns if name not in TEXTS]
    return _numeric(table[columns], numbers, ("volume", "fold"), folder / PREDICTIONS)


def read_history(folder: Path) -> pd.DataFrame:
    """Read history.tsv of a run folder, with the columns of `history_table`.

    Raises
    ------
    InputError
        If the file is missing, or does not have these columns.
    """
    columns = ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    table = _table(folder / HISTORY, "table of epochs", columns)
    return _numeric(table[columns], columns, ("fold", "epoch"), folder / HISTORY)


def _table(path: Path, what: str, columns: list[str]) -> pd.DataFrame:
    path = check_regular(path, what)
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' errors are ValueErrors
        raise _damaged(path, str(error)) from error
    if absent := [name for name in columns if name not in table]:
        raise _damaged(path, f"no column {absent[0]}")
    return table


def _numeric(table: pd.DataFrame, numbers: list[str], whole: tuple[str, ...], path: Path) -> pd.DataFrame:
    try:
        values = {name: pd.to_numeric(table[name].replace("n/a", "nan")).astype(float) for name in numbers}
        return table.assign(**values).astype(dict.fromkeys(whole, np.int64))
    except (ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, found: str) -> InputError:
    return InputError(
        f"{path.name} must be as the run has written it, but that in {printable(path.parent)} is not: "
        f"{printable(found)[:200]}. Use another copy of the folder, or train again."
    )


def _permutations(folder: Path, recipe: Recipe, scores: Scores) -> PermutationsDone | None:
    """Read the scores of all permutations from the stored tasks."""
    summary = scores.permutation
    if summary is None:
        return None
    config = recipe.training.resolved(recipe.decoder)
    values = np.full(summary.n, np.nan)
    for stored in stored_permutations(TaskStore(folder / TASKS), recipe.decoder, config):
        known = (stored.numbers >= 1) & (stored.numbers <= summary.n)
        values[stored.numbers[known] - 1] = stored.scores[known]
    complete = bool(np.isfinite(values).all())
    return PermutationsDone(values, scores.score, summary) if complete else None
