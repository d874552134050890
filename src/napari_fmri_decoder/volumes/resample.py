"""Resample volumes from grid to grid: at once, or lazily piece by piece.

SciPy is imported where it is used: loading it takes longer than opening a scan that needs no resampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.volumes.sampler import Sampler

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine, Grid
    from napari_fmri_decoder.volumes.interpolation import Interpolation
    from napari_fmri_decoder.volumes.volume import ArrayLike

_TOGETHER = 2**23
"""Voxels that are interpolated at a time."""

_ORDER: dict[Interpolation, Literal[0, 1, 3]] = {"nearest": 0, "linear": 1, "continuous": 3}


def resample(
    data: ArrayLike,
    affine: Affine,
    grid: Grid,
    interpolation: Interpolation = "linear",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Resample a volume or a series onto a grid; only the voxels of that grid are computed.

    Agrees with `nilearn.image.resample_img` (SciPy's interpolation, 0 outside of the data, clipped
    to the range of the data and 0). A voxel is NaN if the nearest voxel of the data is.

    Parameters
    ----------
    data : (x, y, z) or (x, y, z, n) array
        Read one volume at a time.
    affine : (4, 4) array
        Affine of `data`.
    grid : Grid
        In the same space as `affine`.
    interpolation : {"continuous", "linear", "nearest"}
    progress : callable, optional
        Called repeatedly with (volumes done, total volumes).

    Returns
    -------
    grid.shape or (*grid.shape, n) float32 array
    """
    if data.ndim == 3:
        volume = np.asarray(data[...], dtype=np.float32)
        return np.clip(_resample_one(volume, affine, grid, interpolation), *value_range(volume))
    n = data.shape[3]
    sample = sampler(data.shape[:3], affine, grid, interpolation)
    out = np.empty((n, *grid.shape), dtype=np.float32)
    low, high = 0.0, 0.0
    # many volumes at a time if they are in memory, one at a time from disk
    step = max(1, _TOGETHER // math.prod(data.shape[:3])) if isinstance(data, np.ndarray) else 1
    for i in range(0, n, step):
        volumes = np.asarray(data[..., i : i + step] if step > 1 else data[..., i])
        out[i : i + step] = sample(volumes).T.reshape(-1, *grid.shape)
        if interpolation == "continuous":
            lowest, highest = value_range(volumes)
            low, high = min(low, lowest), max(high, highest)
        if progress is not None:
            progress(min(i + step, n), n)
    if interpolation == "continuous":
        np.clip(out, low, high, out=out)
    return np.moveaxis(out, 0, -1)


def sampler(
    shape: tuple[int, ...],
    affine: Affine,
    grid: Grid,
    interpolation: Interpolation,
    keep: NDArray[np.bool_] | None = None,
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Make a function that resamples volumes; what they have in common is computed once.

    Parameters
    ----------
    shape : (3,) tuple of int
        Shape of the volumes.
    affine : (4, 4) array
        Affine of the volumes.
    grid : Grid
    interpolation : {"continuous", "linear", "nearest"}
    keep : (x, y, z) bool array, optional
        On `grid`: only these voxels are computed; all if None.

    Returns
    -------
    callable
        Takes an (x, y, z) or (x, y, z, n) array, returns (voxels,) or (voxels, n) float32 values as
        `resample` does, but not clipped.
    """
    mask = np.ones(grid.shape, dtype=bool) if keep is None else keep
    order = _ORDER[interpolation]
    if Sampler.fits(int(mask.sum()), order):
        return Sampler(shape, affine, grid, order, mask)

    def one_by_one(volumes: NDArray[Any]) -> NDArray[np.float32]:
        if volumes.ndim == 4:
            return np.stack([one_by_one(volumes[..., i]) for i in range(volumes.shape[3])], axis=1)
        return _resample_one(volumes.astype(np.float32), affine, grid, interpolation)[mask]

    return one_by_one


def value_range(volume: NDArray[Any]) -> tuple[float, float]:
    """Lowest and highest finite value of a volume, extended to include 0.

    A cubic spline overshoots; resampled values are clipped to this range.
    """
    low, high = volume.min(), volume.max()
    if not np.isfinite([low, high]).all():
        finite = volume[np.isfinite(volume)]
        low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    return min(0.0, float(low)), max(0.0, float(high))


def _resample_one(
    volume: NDArray[np.float32], affine: Affine, grid: Grid, interpolation: Interpolation
) -> NDArray[np.float32]:
    from scipy import ndimage

    # without this, a rounding error could put the edge of an unrotated grid outside of the data
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


class LazyResampled:
    """A volume or series on another grid, computed piece by piece when it is sliced.

    Behaves like an array of shape ``(*grid.shape, *lead)``; each `__getitem__` with integers and
    slices computes only those voxels, by linear interpolation or nearest voxel.

    Parameters
    ----------
    read : callable
        Takes one position per axis of `lead`, returns the (x, y, z) array there; it may cache.
    lead : tuple of int
        Lengths of the axes after x, y, z: ``()`` for one image, ``(n,)`` for a series.
    affine : (4, 4) array
        Affine of the volumes that `read` returns.
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
        from scipy import ndimage

        matrix = self._transform[:3, :3] * [b.step for b in boxes]
        offset = self._transform[:3, :3] @ [b.start for b in boxes] + self._transform[:3, 3]
        shape = tuple(len(b) for b in boxes)
        volume, offset = _thin_part(volume, matrix, offset, shape)
        # SciPy iterates over the last axis fastest; files are stored with the first axis fastest
        piece = ndimage.affine_transform(
            volume.T, matrix[::-1, ::-1], offset[::-1], shape[::-1], output=self.dtype, order=self._order
        )
        return np.asarray(piece).T

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Compute all voxels."""
        return np.asarray(self[...], dtype=dtype)


def _thin_part(
    volume: NDArray[Any], matrix: NDArray[np.float64], offset: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Copy the box of voxels that a thin piece is computed from, and return it with its offset.

    The voxels of a sagittal slice are far apart in memory: it is faster to collect them first.
    """
    corners = [matrix @ [i * (n - 1) for i, n in zip(at, shape, strict=True)] for at in np.ndindex(2, 2, 2)]
    low = np.clip(np.floor(np.min(corners, axis=0) + offset).astype(int) - 1, 0, volume.shape)
    high = np.clip(np.ceil(np.max(corners, axis=0) + offset).astype(int) + 2, 0, volume.shape)
    if not 0 < 8 * np.prod(high - low) <= volume.size:
        return volume, offset
    part = volume[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return part.copy(order="F"), offset - low


def full_key(key: Any, ndim: int) -> tuple[Any, ...]:
    """Expand an index to one entry per axis.

    Examples
    --------
    >>> full_key((..., 3), 3)
    (slice(None, None, None), slice(None, None, None), 3)
    """
    keys = key if isinstance(key, tuple) else (key,)
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    rest = keys[at + 1 :]
    return (*keys[:at], *[slice(None)] * (ndim - at - len(rest)), *rest)
