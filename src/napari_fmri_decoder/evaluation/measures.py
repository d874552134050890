"""Confusion matrices, and the measures that are read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class over all samples left out; None where nothing was predicted, or is there, to divide by."""

    name: str
    n: int
    precision: float | None
    recall: float | None


def confusion(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count what was taken for what.

    Parameters
    ----------
    y : (n,) int64 array
        True classes.
    probabilities : (n, classes) float32 array
        The largest is the prediction, the first of equal ones.

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
    """Fraction that is right, from a confusion matrix of counts; NaN if it is empty."""
    total = int(counts.sum())
    return float(np.trace(counts)) / total if total else float("nan")


def balanced_accuracy(counts: NDArray[np.int64]) -> float:
    """Mean recall of the classes that occur, from a confusion matrix of counts."""
    n = counts.sum(axis=1)
    there = n > 0
    return float((np.diag(counts)[there] / n[there]).mean()) if there.any() else float("nan")


def per_class(classes: tuple[str, ...], counts: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Precision and recall of each class, from a confusion matrix of counts."""
    right, there, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return tuple(
        ClassScore(
            name,
            n=int(there[i]),
            precision=float(right[i] / said[i]) if said[i] else None,
            recall=float(right[i] / there[i]) if there[i] else None,
        )
        for i, name in enumerate(classes)
    )
