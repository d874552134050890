"""Anatomical directions: letters of the ends of a line, and angles of rotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
"""Negative and positive end of the scanner's x, y and z."""


def ends(direction: ArrayLike) -> tuple[str, str]:
    """Find the letters of the two ends of a line, from the closest scanner axis.

    Parameters
    ----------
    direction : (3,) array-like
        In scanner RAS+ space; its length is ignored.

    Returns
    -------
    behind, ahead : str
        Letters of the side that the direction points away from, and of the side that it points to.

    Examples
    --------
    >>> ends([0.2, -0.9, 0.1])
    ('A', 'P')
    """
    vector = np.asarray(direction, dtype=float)
    axis = int(np.abs(vector).argmax())
    negative, positive = LETTERS[axis]
    return (negative, positive) if vector[axis] >= 0 else (positive, negative)


def letters(direction: ArrayLike, least: float = 0.35) -> str:
    """Name an oblique direction by its letters, the closest axis first.

    Parameters
    ----------
    direction : (3,) array-like
        In scanner RAS+ space.
    least : float
        Smallest part of the unit vector along an axis that gets a letter.

    Examples
    --------
    >>> letters([0.6, -0.8, 0.1]), letters([0, 0, 2])
    ('PR', 'S')
    """
    vector = np.asarray(direction, dtype=float)
    vector = vector / (np.linalg.norm(vector) or 1.0)
    axes = [int(axis) for axis in np.argsort(-np.abs(vector)) if abs(vector[axis]) >= least]
    return "".join(LETTERS[axis][int(vector[axis] > 0)] for axis in axes)


def rotation_angle(matrix: ArrayLike) -> float:
    """Angle of a rotation about its axis, in degrees.

    Parameters
    ----------
    matrix : (3, 3) or (4, 4) array-like
        A rotation, or a rigid transform.

    Examples
    --------
    >>> round(rotation_angle([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), 6)
    90.0
    """
    cosine = (np.trace(np.asarray(matrix, dtype=float)[:3, :3]) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))
