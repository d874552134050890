"""Many volumes at the same places: interpolation as one sparse matrix, made once.

What an interpolated voxel takes from its neighbours depends on where it lies, and not on the volume.
So the weights of a slab are computed once and then applied to volume after volume, only to the
voxels that they touch; SciPy would find them anew for each of a few hundred volumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine, Grid

MOST_WEIGHTS = 2**25
"""Of a sampler, 8 bytes each: 256 MB."""


class Sampler:
    """Takes the values of a grid's voxels out of volumes that all lie on one other grid.

    Agrees with `scipy.ndimage.affine_transform` (``mode="constant"``), to float32's rounding.

    Parameters
    ----------
    shape : (3,) tuple of int
        Of the volumes.
    affine : (4, 4) array
        Of the volumes.
    grid : Grid
        In the same space.
    order : {0, 1, 3}
        Nearest voxel, linear, or cubic spline, which may overshoot the volume's range.
    keep : (x, y, z) bool array
        On `grid`: just these voxels, in the order of ``values[keep]``.
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

        places = _places(affine, grid, keep)
        last = np.array(shape)[:, None] - 1
        inside = np.asarray(((places >= 0) & (places <= last)).all(axis=0))
        self._inside = np.flatnonzero(inside)
        places = places[:, inside]
        self._nearest = _counted([_taps(p, n, 0)[0] for p, n in zip(places, shape, strict=True)], shape)
        pairs = [_taps(p, n, order) for p, n in zip(places, shape, strict=True)]
        taps, (wx, wy, wz) = [index for index, _ in pairs], [weight for _, weight in pairs]
        self._filters: list[NDArray[np.float32]] = []
        if order > 1 and len(self._inside):
            # The spline's coefficients are needed in this box alone, and are exact there.
            box = [slice(int(t.min()), int(t.max()) + 1) for t in taps]
            self._filters = [
                _spline_filter(n)[rows].astype(np.float32) for n, rows in zip(shape, box, strict=True)
            ]
            taps = [t - t.dtype.type(rows.start) for t, rows in zip(taps, box, strict=True)]
            shape = tuple(len(f) for f in self._filters)
        columns = _counted(taps, shape)
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
        """Whether the weights of so many voxels are few enough to be kept."""
        return bool(n_voxels * _per_voxel(order) <= MOST_WEIGHTS)

    def __call__(self, volume: NDArray[Any]) -> NDArray[np.float32]:
        """Interpolate.

        Parameters
        ----------
        volume : (x, y, z) or (x, y, z, n) array

        Returns
        -------
        (voxels,) or (voxels, n) float32 array
            0 outside of the volume; NaN where its nearest voxel is not finite, which elsewhere
            counts as 0.
        """
        if volume.ndim == 4 and self._filters:
            return np.stack([self(volume[..., i]) for i in range(volume.shape[3])], axis=1)
        flat = volume.reshape(-1, *volume.shape[3:], order="F")
        values = (flat if self._filters else flat[self._touched]).astype(np.float32, copy=False)
        finite = np.isfinite(values)
        whole = bool(finite.all())
        if not whole:
            values = np.where(finite, values, np.float32(0))
        if self._filters:
            values = self._coefficients(values, volume.shape)[self._touched]
        out = np.asarray(self._weights @ values)
        if not whole:
            out[self._inside] = np.where(np.isfinite(flat[self._nearest]), out[self._inside], np.nan)
        return out

    def _coefficients(self, flat: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Solve for the spline's coefficients, in the box that is needed."""
        nx, ny, nz = shape
        along_x, along_y, along_z = self._filters
        values = (along_z @ flat.reshape(nz, ny * nx)).reshape(-1, ny, nx)
        return np.asarray(along_y @ values @ along_x.T).reshape(-1)


def _places(affine: Affine, grid: Grid, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(3, voxels) places of a grid's voxels, in voxels of `affine`.

    Rounding keeps an unrotated edge from falling outside by a rounding error.
    """
    transform = np.linalg.inv(affine) @ grid.affine
    return np.asarray((transform[:3, :3] @ np.nonzero(keep) + transform[:3, 3:]).round(9))


def _taps(place: NDArray[np.float64], n: int, order: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(voxels, taps) indices along an axis of length n, mirrored at its ends, and their weights."""
    if order == 0:
        return np.floor(place + 0.5).astype(np.int32)[:, None], np.ones((len(place), 1), np.float32)
    below = np.floor(place)
    t = place - below
    if order == 1:
        # No place lies beyond the last voxel, which alone has no other behind it, and no need of one.
        index = np.minimum(below[:, None] + np.arange(2), n - 1)
        return index.astype(np.int32), np.stack([1 - t, t], axis=1).astype(np.float32)
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3], axis=1
    )
    weights /= 6
    index = below[:, None] + np.arange(4) - 1
    return _mirrored(index, n).astype(np.int32), weights.astype(np.float32)


def _per_voxel(order: int) -> int:
    """How many voxels an interpolated one is made of."""
    return 1 if order == 0 else (order + 1) ** 3


def _counted(taps: list[NDArray[np.int32]], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Flat indices of each voxel's taps in an array of `shape`, in Fortran order, as files are stored."""
    x, y, z = taps
    nx, ny, _ = shape
    return np.asarray(((z[:, :, None, None] * ny + y[:, None, :, None]) * nx + x[:, None, None, :]).ravel())


def _mirrored(index: NDArray[Any], n: int) -> NDArray[Any]:
    """Indices reflected about the centres of the first and last voxel, as often as needed."""
    period = max(2 * (n - 1), 1)
    folded = np.abs(index) % period
    return np.asarray(np.minimum(folded, period - folded))


def _spline_filter(n: int) -> NDArray[np.float64]:
    """(n, n) matrix from values to the coefficients of the cubic B-spline through them, ends mirrored."""
    values = np.zeros((n, n))
    rows = np.arange(n)
    for offset, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        np.add.at(values, (rows, _mirrored(rows + offset, n)), weight)
    return np.asarray(np.linalg.inv(values))
