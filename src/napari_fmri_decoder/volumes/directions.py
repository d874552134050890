"""Directions in the head, by their letters: which end of a line is left, and which superior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
"""Negative and positive end of the scanner's x, y and z."""


def ends(direction: ArrayLike) -> tuple[str, str]:
    """Find the letters of the two ends of a line: of the scanner axis that it lies closest to.

    Parameters
    ----------
    direction : (3,) array-like
        In scanner RAS+ space; its length does not count.

    Returns
    -------
    behind, ahead : str
        Letters that the direction comes from, and points to.

    Examples
    --------
    >>> ends([0.2, -0.9, 0.1])
    ('A', 'P')
    """
    vector = np.asarray(direction, dtype=float)
    axis = int(np.abs(vector).argmax())
    negative, positive = LETTERS[axis]
    return (negative, positive) if vector[axis] >= 0 else (positive, negative)


def degrees_turned(matrix: ArrayLike) -> float:
    """Angle of a rotation about its own axis, in degrees.

    Parameters
    ----------
    matrix : (3, 3) or (4, 4) array-like
        A rotation, or a rigid move.

    Examples
    --------
    >>> round(degrees_turned([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), 6)
    90.0
    """
    cosine = (np.trace(np.asarray(matrix, dtype=float)[:3, :3]) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))
