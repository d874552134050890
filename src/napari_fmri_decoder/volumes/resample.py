"""Grid to grid: whole, one slab, or lazily piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine, Grid
    from napari_fmri_decoder.volumes.volume import ArrayLike

Interpolation = Literal["continuous", "linear", "nearest"]
"""Cubic spline (its overshoot clipped to the data's range), trilinear, or nearest voxel."""

_ORDER: dict[Interpolation, Literal[0, 1, 3]] = {"nearest": 0, "linear": 1, "continuous": 3}


def resample(
    data: ArrayLike,
    affine: Affine,
    grid: Grid,
    interpolation: Interpolation = "linear",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Resample a volume or a series onto a grid; only the grid's own voxels are computed.

    Agrees with `nilearn.image.resample_img` (SciPy's interpolation, 0 outside of the data, clipped
    to the range of data and 0). A voxel is NaN where the nearest voxel of the data is.

    Parameters
    ----------
    data : (x, y, z) or (x, y, z, n) array
        Read one volume at a time.
    affine : (4, 4) array
        Of `data`.
    grid : Grid
        In the same space as `affine`.
    interpolation : {"continuous", "linear", "nearest"}
    progress : callable, optional
        Called with (volumes done, volumes in all) after each volume.

    Returns
    -------
    grid.shape or (*grid.shape, n) float32 array
    """
    if data.ndim == 3:
        volume = np.asarray(data[...], dtype=np.float32)
        return _clipped(_resample_one(volume, affine, grid, interpolation), [_range(volume)])
    n = data.shape[3]
    out = np.empty((*grid.shape, n), dtype=np.float32)
    ranges = []
    for i in range(n):
        volume = np.asarray(data[..., i], dtype=np.float32)
        ranges.append(_range(volume))
        out[..., i] = _resample_one(volume, affine, grid, interpolation)
        if progress is not None:
            progress(i + 1, n)
    return _clipped(out, ranges)


def _resample_one(
    volume: NDArray[np.float32], affine: Affine, grid: Grid, interpolation: Interpolation
) -> NDArray[np.float32]:
    # Rounding keeps an unrotated edge from falling outside by a rounding error.
    transform = (np.linalg.inv(affine) @ grid.affine).round(10)
    missing = ~np.isfinite(volume)
    order = _ORDER[interpolation]

    def interpolate(values: NDArray[np.float32], by: Literal[0, 1, 3]) -> NDArray[np.float32]:
        return ndimage.affine_transform(
            values, transform[:3, :3], transform[:3, 3], grid.shape, output=np.float32, order=by
        )

    if not missing.any():
        return interpolate(volume, order)
    out = interpolate(np.where(missing, np.float32(0), volume), order)
    out[interpolate(missing.astype(np.float32), 0) > 0.5] = np.nan
    return out


def _range(volume: NDArray[np.float32]) -> tuple[float, float]:
    finite = volume[np.isfinite(volume)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _clipped(out: NDArray[np.float32], ranges: list[tuple[float, float]]) -> NDArray[np.float32]:
    low = min([0.0, *(a for a, _ in ranges)])
    high = max([0.0, *(b for _, b in ranges)])
    return np.clip(out, low, high, out=out)


class LazyResampled:
    """A volume or series on another grid, computed piece by piece as it is sliced.

    Looks like an array of shape ``(*grid.shape, *lead)``; each `__getitem__` with integers and
    slices computes just those voxels, by linear interpolation or nearest voxel.

    Parameters
    ----------
    read : callable
        Takes one position per axis of `lead`, gives the (x, y, z) array there; it may cache.
    lead : tuple of int
        Lengths of the axes after x, y, z: ``()`` for one image, ``(n,)`` for a series.
    affine : (4, 4) array
        Of the volumes that `read` gives.
    grid : Grid
    dtype : numpy dtype
    interpolation : {"linear", "nearest"}
    """

    def __init__(
        self,
        read: Callable[..., NDArray[Any]],
        lead: tuple[int, ...],
        affine: Affine,
        grid: Grid,
        dtype: np.dtype[Any],
        interpolation: Literal["linear", "nearest"] = "linear",
    ) -> None:
        self._read = read
        self._transform = (np.linalg.inv(affine) @ grid.affine).round(10)
        self._order = _ORDER[interpolation]
        self.shape: tuple[int, ...] = (*grid.shape, *lead)
        self.ndim = len(self.shape)
        self.dtype = dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Compute the voxels of `key`."""
        picked = [range(n)[k] for k, n in zip(full_key(key, self.ndim), self.shape, strict=True)]
        boxes = [p if isinstance(p, range) else range(p, p + 1) for p in picked]
        out = np.empty([len(b) for b in boxes], dtype=self.dtype)
        for at in np.ndindex(*out.shape[3:]):
            lead = (box[i] for box, i in zip(boxes[3:], at, strict=True))
            out[(..., *at)] = self._piece(self._read(*lead), boxes[:3])
        return np.asarray(out[tuple(slice(None) if isinstance(p, range) else 0 for p in picked)])

    def _piece(self, volume: NDArray[Any], boxes: list[range]) -> NDArray[Any]:
        matrix = self._transform[:3, :3] * [b.step for b in boxes]
        offset = self._transform[:3, :3] @ [b.start for b in boxes] + self._transform[:3, 3]
        shape = tuple(len(b) for b in boxes)
        return np.asarray(
            ndimage.affine_transform(volume, matrix, offset, shape, output=self.dtype, order=self._order)
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Compute all of it."""
        return np.asarray(self[...], dtype=dtype)


def full_key(key: Any, ndim: int) -> tuple[Any, ...]:
    """Write an index out: one entry per axis.

    Examples
    --------
    >>> full_key((..., 3), 3)
    (slice(None, None, None), slice(None, None, None), 3)
    """
    keys = key if isinstance(key, tuple) else (key,)
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    rest = keys[at + 1 :]
    return (*keys[:at], *[slice(None)] * (ndim - at - len(rest)), *rest)
