"""The predictions for held-out samples (predictions.tsv), and the score of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.scores import require_folds
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

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
