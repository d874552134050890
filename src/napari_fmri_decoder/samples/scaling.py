"""Voxel scaling, fitted on the training set only and applied to training and test sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

SCALED = 1e-3
"""Tolerance within which the means and deviations of standardized voxels equal 0 and 1."""
_CHUNK = 8192
"""Features at a time, so that memory never holds a float64 copy of X."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """(x - mean) / std, voxel by voxel.

    Attributes
    ----------
    mean : (features,) float32 array
    std : (features,) float32 array
        1 for voxels that are constant.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def apply(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale (n, features) samples into a new float32 array.

        Raises
        ------
        InputError
            If X does not have the number of features that the scaler was fitted on.
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
        The training set only.

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
    # A deviation too small for float32 would divide by zero.
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
        False if there is only one run: both are then the same.

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
    varying = np.flatnonzero(X.max(axis=0) > X.min(axis=0))
    if not len(varying) or not _is_scaled(X, varying):
        return False
    return not all(_is_scaled(X[groups == run], varying) for run in runs)


def _is_scaled(X: NDArray[np.float32], columns: NDArray[np.int64]) -> bool:
    """Whether some voxels are all standardized, or all range from 0 to 1; no copy of all of X is made."""
    n = len(X)
    if n < 2:
        return False
    if max(np.abs(X.min(axis=0)[columns]).max(), np.abs(X.max(axis=0)[columns] - 1).max()) < SCALED:
        return True
    if np.abs(X.mean(axis=0, dtype=np.float64)[columns]).max() >= SCALED:
        return False
    parts = np.array_split(columns, -(-len(columns) // _CHUNK))
    deviations = np.concatenate([X[:, part].std(axis=0, dtype=np.float64) for part in parts])
    by_one_less = deviations * np.sqrt(n / (n - 1))  # dividing by n - 1 instead of n
    return bool(min(np.abs(deviations - 1).max(), np.abs(by_one_less - 1).max()) < SCALED)
