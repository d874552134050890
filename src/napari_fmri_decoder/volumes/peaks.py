"""Find peaks of a map: its highest or lowest voxel, and local peaks with a minimum distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import apply_affine

Of = Literal["absolute", "highest", "lowest"]
"""Which values are peaks: those farthest from zero, the highest or the lowest."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak.

    Attributes
    ----------
    value : float
    point : (3,) tuple of float
        Center of its voxel, in millimeters of the affine.
    """

    value: float
    point: tuple[float, float, float]


def peak(values: ArrayLike, affine: ArrayLike, of: Of = "absolute") -> Peak:
    """Find the voxel that is farthest from zero, highest or lowest; of equal neighbors, the middle one.

    Parameters
    ----------
    values : (x, y, z) array-like
        NaN and infinity are ignored.
    affine : (4, 4) array-like
        Voxel index to millimeters.
    of : {"absolute", "highest", "lowest"}

    Raises
    ------
    InputError
        If no voxel is finite.

    Examples
    --------
    >>> values = np.zeros((3, 3, 3)); values[0, 1, 2] = -5; values[2, 0, 0] = 4
    >>> peak(values, np.diag([2.0, 2, 2, 1]))
    Peak(value=-5.0, point=(0.0, 2.0, 4.0))
    """
    array = np.asarray(values)
    height = _height(array, of)
    if height.size == 0 or height.max() == -np.inf:
        raise InputError("A map must have a finite voxel to have a peak, found none. Choose another volume.")
    return _peak_at(array, affine, _middles(height == height.max())[0])


def local_peaks(
    values: ArrayLike, affine: ArrayLike, *, of: Of = "absolute", apart_mm: float = 8.0, most: int = 10
) -> list[Peak]:
    """Find voxels that no neighbor exceeds, farthest from zero first, with a minimum distance.

    Parameters
    ----------
    values : (x, y, z) array-like
        NaN and infinity are ignored.
    affine : (4, 4) array-like
    of : {"absolute", "highest", "lowest"}
        Only values above 0 ("lowest": below 0) are peaks.
    apart_mm : float
        Minimum distance between two peaks.
    most : int
        Maximum number of peaks.

    Returns
    -------
    list of Peak
        Each voxel is compared with its 26 neighbors. Touching voxels with equal values, as in a map
        that was clipped, count as one peak in their middle.
    """
    array = np.asarray(values)
    height = _height(array, of)
    # voxels outside of the array count as lowest, so that they never exceed one inside
    top = ndimage.maximum_filter(height, size=3, mode="constant", cval=-np.inf)
    voxels = _middles((height == top) & (height > 0))
    voxels = voxels[np.argsort(-height[tuple(voxels.T)], kind="stable")]
    points = apply_affine(affine, voxels)
    selected: list[int] = []
    candidates = np.ones(len(points), dtype=bool)
    for i in range(len(points)):
        if not candidates[i]:
            continue
        selected.append(i)
        if len(selected) == most:
            break
        candidates &= np.linalg.norm(points - points[i], axis=1) >= apart_mm
    return [_peak_at(array, affine, voxels[i]) for i in selected]


def _middles(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find the voxel closest to the middle of each connected part, (n, 3)."""
    voxels = np.argwhere(mask)
    part = ndimage.label(mask, np.ones((3, 3, 3)))[0][tuple(voxels.T)] - 1
    sums = np.stack([np.bincount(part, weights) for weights in voxels.T], axis=1)
    distances = np.linalg.norm(voxels - (sums / np.bincount(part)[:, None])[part], axis=1)
    order = np.lexsort((distances, part))
    return np.asarray(voxels[order[np.unique(part[order], return_index=True)[1]]])


def _height(values: NDArray[np.generic], of: Of) -> NDArray[np.float32]:
    """Values that are highest at peaks; -inf where a value is not finite."""
    height = values.astype(np.float32)
    height = {"absolute": np.abs, "highest": np.positive, "lowest": np.negative}[of](height)
    height[~np.isfinite(height)] = -np.inf
    return height


def _peak_at(values: NDArray[np.generic], affine: ArrayLike, voxel: NDArray[np.int64]) -> Peak:
    x, y, z = (float(mm) for mm in apply_affine(affine, voxel))
    return Peak(float(values[tuple(voxel)]), (x, y, z))
