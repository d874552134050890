"""The predictions for held-out samples (predictions.tsv), and the score of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.measures import require_folds
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_fmri_decoder.evaluation.scores import Headline
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.events import FoldResult

SAMPLE_COLUMNS = ("volume", "subject", "session", "run")


def predictions_table(results: Sequence[FoldResult], samples: Samples) -> pd.DataFrame:
    """List the predictions of each fold for its test set.

    Parameters
    ----------
    results : sequence of FoldResult
        At least one.
    samples : Samples

    Returns
    -------
    DataFrame
        Columns volume, subject, session, run, fold, true, predicted, and `p_<class>` with the
        probability of each class, in the order of folds. A sample that several folds hold out has
        several rows.

    Raises
    ------
    InputError
        If there are no results.
    """
    require_folds(results)
    classes = np.array(samples.classes, dtype=object)
    parts = []
    for result in results:
        rows = samples.table.iloc[result.split.test]
        part = rows[list(SAMPLE_COLUMNS)].reset_index(drop=True)
        part["fold"] = result.fold
        part["true"] = rows["label"].to_numpy()
        part["predicted"] = classes[result.probabilities.argmax(axis=1)]
        columns = [f"p_{name}" for name in samples.classes]
        probabilities = pd.DataFrame(result.probabilities, columns=columns)
        parts.append(pd.concat([part, probabilities], axis=1))
    return pd.concat(parts, ignore_index=True)


def listed_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """List each held-out volume once, with the largest probability, for a table that people read.

    Parameters
    ----------
    predictions : DataFrame
        As returned by `predictions_table`.

    Returns
    -------
    DataFrame
        Columns volume, subject and session if there are any, run, fold, true, predicted, probability.
    """
    table = predictions.drop_duplicates("volume").sort_values("volume")
    columns = [name for name in SAMPLE_COLUMNS if name in ("volume", "run") or (table[name] != "").any()]
    largest = table[[name for name in table.columns if str(name).startswith("p_")]].max(axis=1)
    listed = table[[*columns, "fold", "true", "predicted"]].assign(probability=largest)
    return listed.reset_index(drop=True)


def tested_volumes_in_cell(
    predictions: pd.DataFrame, folds: Mapping[int, str], true: str, predicted: str
) -> list[tuple[int, str]]:
    """List the samples in one cell of the confusion matrix of the test sets, as `volumes_in_cell` does.

    Parameters
    ----------
    predictions : DataFrame
        As returned by `predictions_table`.
    folds : mapping of int to str
        Names of the folds.
    true, predicted : str
        Classes.

    Returns
    -------
    list of (int, str)
        Volume, and name of the fold.
    """
    cell = predictions[(predictions["true"] == true) & (predictions["predicted"] == predicted)]
    volumes, numbers = cell["volume"].tolist(), cell["fold"].tolist()
    return [(volume, folds[fold]) for volume, fold in zip(volumes, numbers, strict=True)]


def run_accuracy(predictions: pd.DataFrame, measure: Headline = "accuracy") -> pd.Series[float]:
    """Score each run over its held-out samples.

    Parameters
    ----------
    predictions : DataFrame
        As returned by `predictions_table`.
    measure : {"accuracy", "balanced_accuracy"}
        The fraction of correct predictions, or its mean over the classes that the run contains.

    Returns
    -------
    Series
        By run (keys as returned by `group_keys`), in the order of the series.
    """
    ordered = predictions.sort_values("volume", kind="stable")
    correct = (ordered["true"] == ordered["predicted"]).astype(float)
    runs = group_keys(ordered)
    if measure == "balanced_accuracy":
        recalls = correct.groupby([runs, ordered["true"].to_numpy()], sort=False).mean()
        return recalls.groupby(level=0, sort=False).mean()
    return correct.groupby(runs, sort=False).mean()
