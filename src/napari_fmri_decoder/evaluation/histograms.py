"""Histograms: counts that any plotting library can draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts between edges; `floor` is the threshold below which a mask excludes voxels, or None."""

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    floor: float | None = None


def histogram(values: NDArray[Any], bins: int = 50, floor: float | None = None) -> Histogram:
    """Count finite values.

    Parameters
    ----------
    values : array
    bins : int
    floor : float or None
        Threshold to draw in the figure.

    Examples
    --------
    >>> histogram(np.array([0.0, 1.0, 1.0, np.nan]), bins=2).counts.tolist()
    [1, 2]
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, bins=bin_edges(flat, bins))
    return Histogram(edges, counts.astype(np.int64), floor)


def bin_edges(
    values: NDArray[Any], bins: int, limits: tuple[float, float] | None = None
) -> NDArray[np.float64]:
    """Compute edges of equal bins, also for values that differ only by rounding, where NumPy fails.

    Parameters
    ----------
    values : (n,) array
        Finite.
    bins : int
    limits : (float, float), optional
        First and last edge; those of the values by default.

    Examples
    --------
    >>> bin_edges(np.array([0.5, 0.5 + 1e-16]), 2).tolist()
    [0.0, 0.5, 1.0]
    """
    if limits is None and len(values):
        low, high = float(values.min()), float(values.max())
        size = max(abs(low), abs(high))
        if high - low <= 1e-9 * size:
            middle, half = (low + high) / 2, max(0.5, 1e-6 * size)
            limits = middle - half, middle + half
    return np.histogram_bin_edges(values, bins, limits)


def voxel_statistics(X: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute mean and standard deviation of each voxel.

    Parameters
    ----------
    X : (n, features) array

    Returns
    -------
    means, stds : (features,) float64 arrays
    """
    return np.mean(X, axis=0, dtype=np.float64), np.std(X, axis=0, dtype=np.float64)


def probability_histograms(
    predictions: pd.DataFrame, classes: Sequence[str], bins: int = 20
) -> dict[str, tuple[Histogram, Histogram]]:
    """Count the predicted probabilities of each class.

    Parameters
    ----------
    predictions : DataFrame
        As returned by `predictions_table`.
    classes : sequence of str
    bins : int
        Between 0 and 1.

    Returns
    -------
    dict of str to (Histogram, Histogram)
        Over the samples of the class, and over all others.
    """
    edges = np.linspace(0, 1, bins + 1)
    histograms = {}
    for name in classes:
        values = np.clip(predictions[f"p_{name}"].to_numpy(dtype=np.float64), 0, 1)
        own = (predictions["true"] == name).to_numpy(dtype=bool)
        counts = [np.histogram(values[part], bins=edges)[0].astype(np.int64) for part in (own, ~own)]
        histograms[name] = (Histogram(edges, counts[0]), Histogram(edges, counts[1]))
    return histograms
