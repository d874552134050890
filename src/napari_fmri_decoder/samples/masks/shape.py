"""What is done to a mask, whatever it came from: turned round, grown, its largest piece; two combined."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
How = Literal["and", "or", "minus"]
"""Voxels in both; in either; in the first and not in the second."""


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
    """Grow a mask, or shrink it where `mm` is negative; what lies beyond the image counts as inside.

    Parameters
    ----------
    mask : (x, y, z) bool array
    mm : float
        Voxels whose centre is at most this far from one inside join; with -mm, those whose centre is
        at most this far from one outside leave.
    voxel_mm : (3,) array
        Size of a voxel along each axis.
    """
    if mm == 0 or mask.all() or not mask.any():
        return mask
    from_here = mask if mm < 0 else ~mask
    distance = ndimage.distance_transform_edt(from_here, sampling=voxel_mm)
    near = np.asarray(distance) <= abs(mm) + 1e-6
    return mask & ~near if mm < 0 else mask | near


def largest_piece(mask: Mask) -> Mask:
    """Keep the largest piece of voxels that touch by a face."""
    pieces, n = ndimage.label(mask)
    if n < 2:
        return mask
    return np.asarray(pieces == 1 + np.bincount(pieces.ravel())[1:].argmax())
