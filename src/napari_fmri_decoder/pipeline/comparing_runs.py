"""Finished runs next to each other: a row per run, and two runs in detail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.headline import Headline, run_headline
from napari_fmri_decoder.evaluation.paired import PairedCounts, paired_counts
from napari_fmri_decoder.evaluation.predictions import run_accuracy
from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.pipeline.inputs import recorded_images
from napari_fmri_decoder.pipeline.recipe_differences import Difference, recipe_differences, varying_options
from napari_fmri_decoder.pipeline.run_files import RECIPE
from napari_fmri_decoder.pipeline.saved_run import SavedRun, read_saved_run
from napari_fmri_decoder.recipe import load_recipe, rebased

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe

COLUMNS = ("run", "score", "lda", "linear", "dummy", "chance", "p", "decoder", "measure", "differs in")
"""Columns of the table of runs."""


@dataclass(frozen=True, slots=True, eq=False)
class RunRow:
    """A finished run in the table of runs.

    Attributes
    ----------
    folder : Path
    recipe : Recipe
        With absolute paths.
    scores : Scores
    headline : Headline
    """

    folder: Path
    recipe: Recipe
    scores: Scores
    headline: Headline


def read_rows(folders: Iterable[Path]) -> tuple[list[RunRow], list[str]]:
    """Read scores and recipe of several run folders.

    Returns
    -------
    rows : list of RunRow
    messages : list of str
        One per folder that cannot be read.
    """
    rows, messages = [], []
    for folder in folders:
        try:
            recipe = rebased(load_recipe(folder / RECIPE), folder, None)
            scores = read_scores(folder)
        except (InputError, OSError) as error:
            messages.append(f"{folder.name}: {error}")
            continue
        rows.append(RunRow(folder, recipe, scores, run_headline(scores)))
    return rows, messages


def runs_table(rows: list[RunRow]) -> pd.DataFrame:
    """Make the table of runs, in their order.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`; numbers that do not exist are NaN. "differs in" lists the options that are
        not the same in all of these runs, without the decoder.
    """
    differing = varying_options([row.recipe for row in rows])
    names = [row.folder.name for row in rows]
    content = [
        (
            row.folder.name if names.count(row.folder.name) == 1 else str(row.folder),
            row.scores.score,
            *(row.scores.baseline.get(name, float("nan")) for name in ("lda", "linear", "dummy")),
            row.scores.chance,
            row.scores.permutation.p if row.scores.permutation else float("nan"),
            row.recipe.decoder.name,
            row.scores.headline.replace("_", " "),
            ", ".join(f"{name} {value}" for name, value in options.items() if name != "Network"),
        )
        for row, options in zip(rows, differing, strict=True)
    ]
    return pd.DataFrame(content, columns=list(COLUMNS))


@dataclass(frozen=True, slots=True, eq=False)
class RunComparison:
    """Two runs side by side.

    Attributes
    ----------
    first, second : SavedRun
    differences : list of Difference
        Of their recipes.
    by_run : DataFrame
        Score of each run of the scan (columns "first" and "second"); NaN where one did not hold it out.
    paired : PairedCounts or None
        None unless both held out the same samples, each once.
    """

    first: SavedRun
    second: SavedRun
    differences: list[Difference]
    by_run: pd.DataFrame
    paired: PairedCounts | None


def compare_runs(first: Path, second: Path) -> RunComparison:
    """Compare two run folders.

    Raises
    ------
    InputError
        If one contains no finished run, or is damaged.
    """
    ours, theirs = read_saved_run(first), read_saved_run(second)
    by_run = pd.DataFrame(
        {
            side: run_accuracy(run.predictions, run.scores.headline)
            for side, run in (("first", ours), ("second", theirs))
        }
    )
    order = list(dict.fromkeys([*_runs(ours), *_runs(theirs)]))
    paired = paired_counts(ours.predictions, theirs.predictions) if _same_images(ours, theirs) else None
    return RunComparison(
        ours, theirs, recipe_differences(ours.recipe, theirs.recipe), by_run.reindex(order), paired
    )


def _runs(run: SavedRun) -> list[str]:
    return [str(name) for name in run_accuracy(run.predictions).index]


def _same_images(first: SavedRun, second: SavedRun) -> bool:
    """Whether two runs decoded the same images: by their recorded hashes, or else by their paths."""
    ours, theirs = (recorded_images(run.folder, run.recipe) for run in (first, second))
    if ours and theirs:
        return ours == theirs
    return first.recipe.data.images == second.recipe.data.images
