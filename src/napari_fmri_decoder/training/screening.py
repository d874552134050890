"""ANOVA screening: the voxels that tell the classes apart, found in the training part alone."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

_CHUNK = 8192
"""Voxels at a time, so that no second copy of X stands in memory in float64."""


def screen(X: NDArray[np.float32], y: NDArray[np.int64], keep: float) -> NDArray[np.bool_]:
    """Find the voxels with the highest F, as `sklearn.feature_selection.SelectKBest` does.

    Parameters
    ----------
    X : (n, features) float32 array
        The training part alone: F values of all samples would already know the test part.
    y : (n,) int64 array
    keep : float
        From 1 on how many voxels, at most all; below 1 the fraction of them, at least one voxel.

    Returns
    -------
    (features,) bool array
        A voxel that is constant within each class has no F and comes last.

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
            warnings.simplefilter("ignore")  # of constant voxels, which come last below
            F[part] = f_classif(X[:, part].astype(np.float64), y)[0]
    F[~np.isfinite(F)] = -1
    chosen = np.zeros(n, dtype=bool)
    chosen[np.argsort(F, kind="stable")[n - wanted :]] = True
    return chosen
