"""ANOVA screening: the voxels that best separate the classes, computed in the training set alone."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

_CHUNK = 8192
"""Voxels at a time, to avoid a float64 copy of X in memory."""


def screen(X: NDArray[np.float32], y: NDArray[np.int64], keep: float) -> NDArray[np.bool_]:
    """Find the voxels with the highest F, as `sklearn.feature_selection.SelectKBest` does.

    Parameters
    ----------
    X : (n, features) float32 array
        The training set alone: F values of all samples would leak the test set.
    y : (n,) int64 array
    keep : float
        1 or more is a number of voxels, at most all; below 1 a fraction of them, at least one voxel.

    Returns
    -------
    (features,) bool array
        A voxel that is constant within each class has no F and ranks last.

    Examples
    --------
    >>> X = np.array([[0, 5], [1, 1], [0, 5], [1, 2]], dtype=np.float32)
    >>> screen(X, np.array([0, 1, 0, 1]), 1).tolist()
    [False, True]
    """
    from sklearn.feature_selection import f_classif

    n = X.shape[1]
    wanted = min(n, int(keep) if keep >= 1 else max(1, round(keep * n)))
    F = np.empty(n)
    for start in range(0, n, _CHUNK):
        part = slice(start, start + _CHUNK)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of constant voxels, which rank last below
            F[part] = f_classif(X[:, part].astype(np.float64), y)[0]
    F[~np.isfinite(F)] = -1
    selected = np.zeros(n, dtype=bool)
    selected[np.argsort(F, kind="stable")[n - wanted :]] = True
    return selected
