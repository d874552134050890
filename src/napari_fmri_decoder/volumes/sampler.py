"""Interpolating many volumes at the same positions, with one sparse matrix that is computed once.

The interpolation weights of a voxel depend on its position, and not on the volume. The weights of a slab
are therefore computed once and applied to each volume, and only to the voxels that they use; SciPy would
compute them again for each of several hundred volumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine, Grid

MOST_WEIGHTS = 2**25
"""Maximum number of weights of a sampler; with 8 bytes each, 256 MB."""


class Sampler:
    """Interpolates the voxels of a grid from volumes that all have one other grid.

    Agrees with `scipy.ndimage.affine_transform` (``mode="constant"``) up to the rounding of float32.

    Parameters
    ----------
    shape : (3,) tuple of int
        That of the volumes.
    affine : (4, 4) array
        That of the volumes.
    grid : Grid
        In the same space.
    order : {0, 1, 3}
        Nearest voxel, linear, or cubic spline; a spline may overshoot the range of the volume.
    keep : (x, y, z) bool array
        On `grid`: only these voxels are computed, in the order of ``values[keep]``.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        affine: Affine,
        grid: Grid,
        order: int,
        keep: NDArray[np.bool_],
    ) -> None:
        from scipy import sparse

        positions = _positions(affine, grid, keep)
        last = np.array(shape)[:, None] - 1
        inside = np.asarray(((positions >= 0) & (positions <= last)).all(axis=0))
        self._inside = np.flatnonzero(inside)
        positions = positions[:, inside]
        self._nearest = _flat_index(
            [_spline_weights(p, n, 0)[0] for p, n in zip(positions, shape, strict=True)], shape
        )
        pairs = [_spline_weights(p, n, order) for p, n in zip(positions, shape, strict=True)]
        taps, (wx, wy, wz) = [index for index, _ in pairs], [weight for _, weight in pairs]
        self._filters: list[NDArray[np.float32]] = []
        if order > 1 and len(self._inside):
            # The spline coefficients are needed only in this box, and are exact there.
            box = [slice(int(t.min()), int(t.max()) + 1) for t in taps]
            self._filters = [
                _spline_filter(n)[rows].astype(np.float32) for n, rows in zip(shape, box, strict=True)
            ]
            taps = [t - t.dtype.type(rows.start) for t, rows in zip(taps, box, strict=True)]
            shape = tuple(len(f) for f in self._filters)
        columns = _flat_index(taps, shape)
        weights = (wz[:, :, None, None] * wy[:, None, :, None] * wx[:, None, None, :]).ravel()
        touched = np.zeros(int(np.prod(shape)), dtype=bool)
        touched[columns] = True
        self._touched = np.flatnonzero(touched)
        renumbered = np.cumsum(touched, dtype=np.int32) - 1
        starts = np.append(0, np.cumsum(inside * _per_voxel(order)))
        self._weights = sparse.csr_array(
            (weights, renumbered[columns], starts.astype(np.int32)), shape=(len(inside), len(self._touched))
        )

    @staticmethod
    def fits(n_voxels: int, order: int) -> bool:
        """Whether there are few enough weights for this many voxels."""
        return bool(n_voxels * _per_voxel(order) <= MOST_WEIGHTS)

    def __call__(self, volume: NDArray[Any]) -> NDArray[np.float32]:
        """Interpolate.

        Parameters
        ----------
        volume : (x, y, z) or (x, y, z, n) array

        Returns
        -------
        (voxels,) or (voxels, n) float32 array
            0 outside the volume; NaN if the nearest voxel is not finite. Other voxels that are not
            finite count as 0.
        """
        if volume.ndim == 4 and self._filters:
            return np.stack([self(volume[..., i]) for i in range(volume.shape[3])], axis=1)
        flat = volume.reshape(-1, *volume.shape[3:], order="F")
        values = (flat if self._filters else flat[self._touched]).astype(np.float32, copy=False)
        finite = np.isfinite(values)
        all_finite = bool(finite.all())
        if not all_finite:
            values = np.where(finite, values, np.float32(0))
        if self._filters:
            values = self._coefficients(values, volume.shape)[self._touched]
        out = np.asarray(self._weights @ values)
        if not all_finite:
            out[self._inside] = np.where(np.isfinite(flat[self._nearest]), out[self._inside], np.nan)
        return out

    def _coefficients(self, flat: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Compute the spline coefficients in the box that is needed."""
        nx, ny, nz = shape
        along_x, along_y, along_z = self._filters
        values = (along_z @ flat.reshape(nz, ny * nx)).reshape(-1, ny, nx)
        return np.asarray(along_y @ values @ along_x.T).reshape(-1)


def _positions(affine: Affine, grid: Grid, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(3, voxels) positions of the voxels of a grid, in voxels of `affine`.

    They are rounded so that no rounding error puts an unrotated edge outside.
    """
    transform = np.linalg.inv(affine) @ grid.affine
    return np.asarray((transform[:3, :3] @ np.nonzero(keep) + transform[:3, 3:]).round(9))


def _spline_weights(
    position: NDArray[np.float64], n: int, order: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(voxels, taps) indices along an axis of length n, mirrored at its ends, and their weights."""
    if order == 0:
        return np.floor(position + 0.5).astype(np.int32)[:, None], np.ones((len(position), 1), np.float32)
    below = np.floor(position)
    t = position - below
    if order == 1:
        # Only the last voxel has no next one; at its position, that one would have the weight 0.
        index = np.minimum(below[:, None] + np.arange(2), n - 1)
        return index.astype(np.int32), np.stack([1 - t, t], axis=1).astype(np.float32)
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3], axis=1
    )
    weights /= 6
    index = below[:, None] + np.arange(4) - 1
    return _mirrored(index, n).astype(np.int32), weights.astype(np.float32)


def _per_voxel(order: int) -> int:
    """Number of voxels that an interpolated voxel depends on."""
    return 1 if order == 0 else (order + 1) ** 3


def _flat_index(taps: list[NDArray[np.int32]], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Flat indices of each voxel's taps in an array of `shape`, in Fortran order, as files are stored."""
    x, y, z = taps
    nx, ny, _ = shape
    return np.asarray(((z[:, :, None, None] * ny + y[:, None, :, None]) * nx + x[:, None, None, :]).ravel())


def _mirrored(index: NDArray[Any], n: int) -> NDArray[Any]:
    """Indices reflected about the centers of the first and last voxels, as often as needed."""
    period = max(2 * (n - 1), 1)
    folded = np.abs(index) % period
    return np.asarray(np.minimum(folded, period - folded))


def _spline_filter(n: int) -> NDArray[np.float64]:
    """(n, n) matrix from values to the coefficients of their cubic B-spline, mirrored at the ends."""
    values = np.zeros((n, n))
    rows = np.arange(n)
    for offset, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        np.add.at(values, (rows, _mirrored(rows + offset, n)), weight)
    return np.asarray(np.linalg.inv(values))
