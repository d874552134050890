"""Operations on masks: combine two, grow or shrink one, keep its largest piece."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
How = Literal["and", "or", "minus"]
"""Voxels in both masks; in either; in the first and not in the second."""


def combine(first: Mask, second: Mask, how: How) -> Mask:
    """Combine two masks of one shape.

    Examples
    --------
    >>> a, b = np.array([True, True, False]), np.array([True, False, True])
    >>> combine(a, b, "minus").tolist()
    [False, True, False]
    """
    if how == "and":
        return first & second
    return first | second if how == "or" else first & ~second


def grow(mask: Mask, mm: float, voxel_mm: NDArray[np.float64]) -> Mask:
    """Grow a mask, or shrink it if `mm` is negative; outside the image counts as inside the mask.

    Parameters
    ----------
    mask : (x, y, z) bool array
    mm : float
        Adds voxels whose center is at most this far from the center of a voxel inside; if negative,
        removes voxels whose center is at most this far from that of a voxel outside.
    voxel_mm : (3,) array
        Size of a voxel along each axis.
    """
    if mm == 0 or mask.all() or not mask.any():
        return mask
    from scipy import ndimage  # here, so that parsing a recipe does not load SciPy

    measured = mask if mm < 0 else ~mask
    distance = ndimage.distance_transform_edt(measured, sampling=voxel_mm)
    near = np.asarray(distance) <= abs(mm) + 1e-6
    return mask & ~near if mm < 0 else mask | near


def largest_piece(mask: Mask) -> Mask:
    """Keep the largest piece of voxels that are connected by faces."""
    from scipy import ndimage

    pieces, n = ndimage.label(mask)
    if n < 2:
        return mask
    return np.asarray(pieces == 1 + np.bincount(pieces.ravel())[1:].argmax())
