"""Whitening: the covariance of voxels within classes, removed from the inputs of any decoder.

Voxels share noise: physiology, motion, spontaneous activity. The covariance within classes is that of `lda`:
the mean over classes of their covariances, each shrunken toward its diagonal by the formula of Ledoit and
Wolf. It is a diagonal plus a sum over samples, D + B'B. Samples are multiplied by D^(-1/2), and then by the
inverse square root of I + C'C with C = B D^(-1/2), which differs from the identity only along as many axes
as there are samples: no matrix of voxels by voxels is stored. The class with the nearest mean is then that
of `lda`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders.lda import covariance_within
from napari_fmri_decoder.decoders.logistic import coordinates
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.one_layer import BIAS, WEIGHT

if TYPE_CHECKING:
    from napari_fmri_decoder.training.events import FittedModel

_AT_ONCE = 2**22
"""Values per step, to limit the memory for float64 copies."""


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Multiplication of samples by a matrix: first by a diagonal, then by the identity plus a sum over axes.

    Attributes
    ----------
    scale : (features,) float32 array
        The diagonal.
    axes : (r, features) float32 array
        Orthogonal, of length 1.
    gains : (r,) float32 array
        The second matrix is I + axes.T @ diag(gains) @ axes.
    """

    scale: NDArray[np.float32]
    axes: NDArray[np.float32]
    gains: NDArray[np.float32]

    def apply(self, X: NDArray[np.floating]) -> NDArray[np.float32]:
        """Whiten (n, features) samples, scaled as the training set, into a new float32 array."""
        out = np.empty(X.shape, dtype=np.float32)
        step = max(1, _AT_ONCE // max(1, X.shape[1]))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            out[rows] = self._along_axes(X[rows].astype(np.float64) * self.scale)
        return out

    def into_weights(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Weights of scaled voxels, (rows, features), from weights of whitened voxels."""
        return np.asarray(self._along_axes(weights.astype(np.float64)) * self.scale, dtype=np.float32)

    def _along_axes(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        axes = self.axes.astype(np.float64)
        return np.asarray(rows + (rows @ axes.T * self.gains) @ axes)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Name its arrays, for a file."""
        return {f"{PREFIX}{name}": getattr(self, name) for name in ("scale", "axes", "gains")}


PREFIX = "whitening."
"""Begins the names of the arrays of a `Whitening` in files."""


def whitening_of(arrays: Mapping[str, NDArray[Any]]) -> Whitening | None:
    """Read `Whitening.arrays` from the arrays of a file; None if they are absent."""
    if not any(name.startswith(PREFIX) for name in arrays):
        return None
    return Whitening(*(arrays[f"{PREFIX}{name}"] for name in ("scale", "axes", "gains")))


def fit_whitening(X: NDArray[np.float32], y: NDArray[np.int64]) -> Whitening:
    """Fit whitening by the shrunken covariance within classes.

    Parameters
    ----------
    X : (n, features) float32 array
        The training set only, scaled.
    y : (n,) int64 array
        Classes; the mean of each is removed.

    Returns
    -------
    Whitening

    Raises
    ------
    InputError
        If no sample differs from the mean of its class.

    References
    ----------
    Ledoit, O. and Wolf, M. (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
    doi:10.1016/S0047-259X(03)00096-4.

    Examples
    --------
    >>> X = np.array([[-4, 0], [4, 0], [0, -2], [0, 2]], dtype=np.float32)
    >>> fit_whitening(X, np.zeros(4, np.int64)).apply(X).astype(float).round(2).tolist()
    [[-1.41, 0.0], [1.41, 0.0], [0.0, -1.41], [0.0, 1.41]]
    """
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    rows = X.astype(np.float64)
    for k in range(len(counts)):
        rows[codes == k] -= rows[codes == k].mean(axis=0)
    if np.abs(rows).max() <= np.finfo(np.float32).eps:
        raise InputError(
            "Whitening needs samples that differ within their class, but each class of the training set has "
            "one sample, or several that are the same. Use more runs, or set whiten = false."
        )
    diagonal, rows = covariance_within(rows, codes, counts / len(y))
    shrunken = bool(diagonal.all())
    scale = 1 / np.sqrt(diagonal) if shrunken else np.ones(len(diagonal))
    along = coordinates(rows * scale)
    # Without shrinkage, directions in which no sample varies are dropped: the pseudo-inverse.
    gains = 1 / np.sqrt(1 + along.squares) - 1 if shrunken else 1 / np.sqrt(along.squares) - 1
    axes = along.voxels(np.eye(len(along.squares)))
    return Whitening(*(np.asarray(values, dtype=np.float32) for values in (scale, axes, gains)))


def whitened(model: FittedModel, whitening: Whitening) -> FittedModel:
    """Make whitening a part of a model that was fitted to whitened inputs.

    A linear layer takes it into its weights, which then are those of scaled voxels; any other network has it
    as a step before its first layer.
    """
    if set(model.state) != {WEIGHT, BIAS}:
        return replace(model, whitening=whitening)
    return replace(model, state={**model.state, WEIGHT: whitening.into_weights(model.state[WEIGHT])})
