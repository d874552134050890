"""Voxel scaling, fitted on the training part alone and applied to both parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

SCALED = 1e-3
"""So near to 0 and 1 lie the means and deviations of voxels that were standardised."""
_CHUNK = 8192
"""Features at a time, so that no second copy of X stands in memory in float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """(x - mean) / std, voxel by voxel.

    Attributes
    ----------
    mean : (features,) float32 array
    std : (features,) float32 array
        1 where the voxel is constant.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def apply(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale (n, features) samples into a new float32 array.

        Raises
        ------
        InputError
            If X has another number of features than the scaler was fitted on.
        """
        if X.shape[-1] != len(self.mean):
            raise InputError(
                f"Samples must have the {len(self.mean)} features that the scaler was fitted on, "
                f"got {X.shape[-1]}. Use the mask and slab of the training."
            )
        return np.asarray((X - self.mean) / self.std, dtype=np.float32)


def fit_scaler(X: NDArray[np.float32]) -> Scaler:
    """Fit means and standard deviations (dividing by n, as `StandardScaler` does).

    Parameters
    ----------
    X : (n, features) float32 array
        The training part alone.

    Returns
    -------
    Scaler

    Examples
    --------
    >>> fit_scaler(np.array([[1, 5], [3, 5]], dtype=np.float32)).apply(np.array([[5, 5]])).tolist()
    [[3.0, 0.0]]
    """
    mean = np.empty(X.shape[1], dtype=np.float32)
    std = np.empty(X.shape[1], dtype=np.float32)
    for start in range(0, X.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        values = X[:, part].astype(np.float64)
        constant = values.max(axis=0) == values.min(axis=0)
        mean[part] = np.where(constant, values[0], values.mean(axis=0))
        std[part] = np.where(constant, 1.0, values.std(axis=0))
    # A spread too small for float32 would divide by zero.
    std[std == 0] = 1
    return Scaler(mean, std)


def identity(n_features: int) -> Scaler:
    """Make a scaler that changes nothing."""
    return Scaler(np.zeros(n_features, dtype=np.float32), np.ones(n_features, dtype=np.float32))


def scaled_over_runs(X: NDArray[np.float32], groups: NDArray[np.str_]) -> bool:
    """Whether voxels were scaled over all samples together, and not run by run.

    Parameters
    ----------
    X : (n, features) float32 array
    groups : (n,) str array
        The run of each sample.

    Returns
    -------
    bool
        False where there is one run: both are then the same.

    Examples
    --------
    >>> X = np.array([[0], [1], [8], [9]], dtype=np.float32)
    >>> runs = np.array(["1", "1", "2", "2"])
    >>> scaled_over_runs(X, runs), scaled_over_runs((X - X.mean()) / X.std(), runs)
    (False, True)
    """
    runs = set(groups.tolist())
    if len(runs) < 2:
        return False
    moving = X.max(axis=0) > X.min(axis=0)
    if not moving.any() or not _scaled(X[:, moving]):
        return False
    return not all(_scaled(X[groups == run][:, moving]) for run in runs)


def _scaled(X: NDArray[np.float32]) -> bool:
    """Whether all voxels are standardised, or run from 0 to 1."""
    if len(X) < 2:
        return False
    if np.abs(X.min(axis=0)).max() < SCALED and np.abs(X.max(axis=0) - 1).max() < SCALED:
        return True
    if np.abs(X.mean(axis=0, dtype=np.float64)).max() >= SCALED:
        return False
    # over n or over n - 1
    deviations = np.array([X.std(axis=0, ddof=ddof, dtype=np.float64) for ddof in (0, 1)])
    return bool(np.abs(deviations - 1).max(axis=1).min() < SCALED)
