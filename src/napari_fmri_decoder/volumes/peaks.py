"""Peaks of a map: its highest and lowest voxel, and local peaks that lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import apply_affine

Of = Literal["absolute", "highest", "lowest"]
"""Which value makes a peak: the one farthest from zero, the highest or the lowest."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak.

    Attributes
    ----------
    value : float
    point : (3,) tuple of float
        Centre of its voxel, in the millimetres of the affine.
    """

    value: float
    point: tuple[float, float, float]


def peak(values: ArrayLike, affine: ArrayLike, of: Of = "absolute") -> Peak:
    """Find the one voxel that lies farthest from zero, highest or lowest; of equal ones, a middle one.

    Parameters
    ----------
    values : (x, y, z) array-like
        NaN and infinity do not count.
    affine : (4, 4) array-like
        Voxel index to millimetres.
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
        raise InputError("A map must hold a finite voxel to have a peak, found none. Choose another volume.")
    return _at(array, affine, _middles(height == height.max())[0])


def local_peaks(
    values: ArrayLike, affine: ArrayLike, *, of: Of = "absolute", apart_mm: float = 8.0, most: int = 10
) -> list[Peak]:
    """Find voxels that no neighbour exceeds, the farthest from zero first, none close to one before it.

    Parameters
    ----------
    values : (x, y, z) array-like
        NaN and infinity do not count.
    affine : (4, 4) array-like
    of : {"absolute", "highest", "lowest"}
        Only values above 0 ("lowest": below 0) are peaks.
    apart_mm : float
        Least distance of two peaks.
    most : int
        How many at most.

    Returns
    -------
    list of Peak
        A voxel is compared with its 26 neighbours. Equal ones that touch, as where a map was cut off
        at some value, are one peak, in their middle.
    """
    array = np.asarray(values)
    height = _height(array, of)
    # The filter compares with what lies within the array alone: outside counts as lowest.
    top = ndimage.maximum_filter(height, size=3, mode="constant", cval=-np.inf)
    voxels = _middles((height == top) & (height > 0))
    voxels = voxels[np.argsort(-height[tuple(voxels.T)], kind="stable")]
    points = apply_affine(affine, voxels)
    kept: list[int] = []
    left = np.ones(len(points), dtype=bool)
    for i in range(len(points)):
        if not left[i]:
            continue
        kept.append(i)
        if len(kept) == most:
            break
        left &= np.linalg.norm(points - points[i], axis=1) >= apart_mm
    return [_at(array, affine, voxels[i]) for i in kept]


def _middles(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find the voxel closest to the middle of each connected part, (n, 3)."""
    voxels = np.argwhere(mask)
    part = ndimage.label(mask, np.ones((3, 3, 3)))[0][tuple(voxels.T)] - 1
    sums = np.stack([np.bincount(part, weights) for weights in voxels.T], axis=1)
    away = np.linalg.norm(voxels - (sums / np.bincount(part)[:, None])[part], axis=1)
    order = np.lexsort((away, part))
    return np.asarray(voxels[order[np.unique(part[order], return_index=True)[1]]])


def _height(values: NDArray[np.generic], of: Of) -> NDArray[np.float32]:
    """What is to be highest at a peak; lowest of all where a value is not finite."""
    height = values.astype(np.float32)
    height = {"absolute": np.abs, "highest": np.positive, "lowest": np.negative}[of](height)
    height[~np.isfinite(height)] = -np.inf
    return height


def _at(values: NDArray[np.generic], affine: ArrayLike, voxel: NDArray[np.int64]) -> Peak:
    x, y, z = (float(mm) for mm in apply_affine(affine, voxel))
    return Peak(float(values[tuple(voxel)]), (x, y, z))
