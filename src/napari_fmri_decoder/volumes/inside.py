"""Which voxels an image marks: those of a mask, of regions, of a map above its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FUZZY = "This mask "
"""How the note of a volume begins that is such a mask."""
_WHOLE = 1e-3
"""How far values may be from whole numbers that were stored as fractions or resampled."""


def inside(values: NDArray[Any]) -> tuple[NDArray[np.bool_], str | None]:
    """Find the voxels that a mask marks.

    Parameters
    ----------
    values : array
        NaN counts as 0. Whole numbers (of a mask, or of an atlas' regions) mark all that is not 0, and
        so does a map that is exactly 0 outside of clear edges, such as a thresholded one. Anything else
        is a mask that was resampled or smoothed, and marks what exceeds half of its maximum.

    Returns
    -------
    keep : bool array
    doubt : str or None
        What was made of values that are not those of a mask; a sentence without its subject.

    Examples
    --------
    >>> keep, doubt = inside(np.array([1e-7, 0.2, 0.9999]))
    >>> keep.tolist(), doubt[:13]
    ([False, False, True], 'is not binary')
    """
    if values.dtype.kind in "iub":
        return values != 0, None
    filled = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    sizes = np.abs(filled)
    top = float(sizes.max(initial=0.0))
    if top == 0 or bool(((filled == 0) | (sizes == top)).all()):
        return filled != 0, None
    rounded = np.round(filled)
    far = float(np.abs(filled - rounded).max())
    if far == 0:
        return filled != 0, None
    if far <= _WHOLE and top > 0.5:
        return rounded != 0, (
            f"holds no whole numbers ({_range(filled)}), by at most {far:.2g}: they were rounded."
        )
    present = sizes[filled != 0]
    if present.size < 0.7 * filled.size and present.min() >= 0.1 * top:
        return filled != 0, (
            f"is not binary ({_range(filled)}): all voxels that are not 0 count, {present.size} of "
            f"{filled.size}."
        )
    keep = filled > top / 2
    return keep, (
        f"is not binary ({_range(filled)}): voxels above {top / 2:g}, half of its maximum, count, "
        f"{int(keep.sum())} of {keep.size}."
    )


def whole(values: NDArray[Any]) -> NDArray[Any]:
    """Round values that are whole numbers but for their storage; NaN becomes 0."""
    if values.dtype.kind != "f":
        return values
    filled = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    rounded = np.round(filled)
    return np.asarray(np.where(np.abs(filled - rounded) <= _WHOLE, rounded, filled))


def _range(values: NDArray[Any]) -> str:
    return f"values from {values.min():.4g} to {values.max():.4g}"
