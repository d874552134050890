"""Many volumes at the same places: interpolation as one sparse matrix, made once.

What an interpolated voxel takes from its neighbours depends on where it lies, and not on the volume.
So the weights of a slab are computed once and then applied to volume after volume, only to the
voxels that they touch; SciPy would find them anew for each of a few hundred volumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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
        places = _places(affine, grid, keep)
        last = np.array(shape)[:, None] - 1
        inside = ((places >= 0) & (places <= last)).all(axis=0)
        self._inside = np.flatnonzero(inside)
        taps = [_taps(p, n, order) for p, n in zip(places[:, inside], shape, strict=True)]
        lows, highs = (0, 0, 0), tuple(shape)
        self._filters: list[NDArray[np.float32]] = []
        if order > 1 and len(self._inside):
            # Spline coefficients are needed in this box alone, and are exact there.
            lows = tuple(int(index.min()) for index, _ in taps)  # type: ignore[assignment]
            highs = tuple(int(index.max()) + 1 for index, _ in taps)
            self._filters = [
                _spline_filter(n)[a:b].astype(np.float32) for n, a, b in zip(shape, lows, highs, strict=True)
            ]
        nx, ny, nz = (b - a for a, b in zip(lows, highs, strict=True))
        (x, wx), (y, wy), (z, wz) = (
            (index - a, weight) for (index, weight), a in zip(taps, lows, strict=True)
        )
        columns = ((z[:, :, None, None] * ny + y[:, None, :, None]) * nx + x[:, None, None, :]).ravel()
        weights = (wz[:, :, None, None] * wy[:, None, :, None] * wx[:, None, None, :]).ravel()
        touched = np.zeros(nx * ny * nz, dtype=bool)
        touched[columns] = True
        self._touched = np.flatnonzero(touched)
        renumbered = np.cumsum(touched, dtype=np.int32) - 1
        per_voxel = (1 if order == 0 else order + 1) ** 3
        starts = np.concatenate([[0], np.cumsum(inside * per_voxel)]).astype(np.int32)
        self._weights = sparse.csr_array(
            (weights, renumbered[columns], starts), shape=(len(inside), len(self._touched))
        )
        # Counted as NumPy flattens in Fortran order, as files are stored.
        near = [_taps(p, n, 0)[0][:, 0] for p, n in zip(places[:, inside], shape, strict=True)]
        self._nearest = (near[2] * shape[1] + near[1]) * shape[0] + near[0]

    @staticmethod
    def fits(n_voxels: int, order: int) -> bool:
        """Whether the weights of so many voxels are few enough to be kept."""
        return bool(n_voxels * (1 if order == 0 else order + 1) ** 3 <= MOST_WEIGHTS)

    def __call__(self, volume: NDArray[Any]) -> NDArray[np.float32]:
        """Interpolate.

        Parameters
        ----------
        volume : (x, y, z) array

        Returns
        -------
        (voxels,) float32 array
            0 outside of the volume; NaN where its nearest voxel is not finite, which elsewhere
            counts as 0.
        """
        flat = volume.reshape(-1, order="F")
        if self._filters:
            flat = flat.astype(np.float32, copy=False)
            finite = np.isfinite(flat)
            whole = bool(finite.all())
            values = self._coefficients(
                flat if whole else np.where(finite, flat, np.float32(0)), volume.shape
            )
        else:
            values = flat[self._touched].astype(np.float32, copy=False)
            finite = np.isfinite(values)
            whole = bool(finite.all())
            values = values if whole else np.where(finite, values, np.float32(0))
        out = np.asarray(self._weights @ values)
        if not whole:
            out[self._inside[~np.isfinite(flat[self._nearest])]] = np.nan
        return out

    def _coefficients(self, flat: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Solve for the spline's coefficients, in the box that is needed."""
        nx, ny, nz = shape
        along_x, along_y, along_z = self._filters
        values = (along_z @ flat.reshape(nz, ny * nx)).reshape(-1, ny, nx)
        values = along_y @ values @ along_x.T
        return np.asarray(values.reshape(-1)[self._touched])


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
        weights = np.stack([1 - t, t], axis=1)
    else:
        weights = np.stack(
            [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3], axis=1
        )
        weights /= 6
    index = below[:, None] + np.arange(weights.shape[1]) - (order > 1)
    return _mirrored(index, n).astype(np.int32), weights.astype(np.float32)


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
