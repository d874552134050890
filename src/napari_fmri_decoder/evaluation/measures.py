"""Confusion matrices, and the accuracies computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.training.events import FoldResult


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class over all test sets; None if it was never predicted (precision) or never occurs (recall)."""

    name: str
    n: int
    precision: float | None
    recall: float | None


def confusion(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count how often each class was predicted as each class.

    Parameters
    ----------
    y : (n,) int64 array
        True classes.
    probabilities : (n, classes) float32 array
        The prediction is the class with the largest probability, the first if several are equal.

    Returns
    -------
    (classes, classes) int64 array
        Rows are the true classes, columns the predicted ones.

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], np.float32)).tolist()
    [[1, 0], [1, 1]]
    """
    n = probabilities.shape[1]
    counts = np.zeros((n, n), dtype=np.int64)
    np.add.at(counts, (y, probabilities.argmax(axis=1)), 1)
    return counts


def accuracy(counts: NDArray[np.int64]) -> float:
    """Fraction of correct predictions, from a confusion matrix of counts; NaN if it is empty."""
    total = int(counts.sum())
    return float(np.trace(counts)) / total if total else float("nan")


def balanced_accuracy(counts: NDArray[np.int64]) -> float:
    """Mean recall of the classes that occur, from a confusion matrix of counts."""
    n = counts.sum(axis=1)
    present = n > 0
    return float((np.diag(counts)[present] / n[present]).mean()) if present.any() else float("nan")


def per_class(classes: tuple[str, ...], counts: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Precision and recall of each class, from a confusion matrix of counts."""
    correct, n_true, n_predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return tuple(
        ClassScore(
            name,
            n=int(n_true[i]),
            precision=float(correct[i] / n_predicted[i]) if n_predicted[i] else None,
            recall=float(correct[i] / n_true[i]) if n_true[i] else None,
        )
        for i, name in enumerate(classes)
    )


def require_folds(results: Sequence[FoldResult]) -> None:
    """Raise an InputError if no fold has finished."""
    if not results:
        raise InputError(
            "At least one fold must finish before there is a score, but none has. Let training run longer."
        )
