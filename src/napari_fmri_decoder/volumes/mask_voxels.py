"""Find the voxels that an image marks: of a mask, an atlas or a thresholded map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_BINARY = "This mask "
"""Beginning of the note about a mask that is not binary."""
_TOLERANCE = 1e-3
"""Maximum distance from whole numbers of values that were stored as fractions or resampled."""


def marked_voxels(values: NDArray[Any]) -> tuple[NDArray[np.bool_], str | None]:
    """Find the voxels that a mask marks.

    Parameters
    ----------
    values : array
        NaN counts as 0. In whole numbers (a mask or an atlas), and in a map that is exactly 0 outside
        of sharp edges (a thresholded map), all nonzero voxels are marked. Anything else is taken as a mask
        that was resampled or smoothed; voxels above half of its maximum are marked.

    Returns
    -------
    keep : bool array
    doubt : str or None
        How values that are not binary were treated; a sentence without its subject.

    Examples
    --------
    >>> keep, doubt = marked_voxels(np.array([1e-7, 0.2, 0.9999]))
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
    if far <= _TOLERANCE and top > 0.5:
        return rounded != 0, (
            f"has values up to {far:.2g} from whole numbers ({_range(filled)}): they were rounded."
        )
    present = sizes[filled != 0]
    if present.size < 0.7 * filled.size and present.min() >= 0.1 * top:
        return filled != 0, (
            f"is not binary ({_range(filled)}): all nonzero voxels are used, {present.size} of {filled.size}."
        )
    keep = filled > top / 2
    return keep, (
        f"is not binary ({_range(filled)}): voxels above {top / 2:g}, half of its maximum, are used, "
        f"{int(keep.sum())} of {keep.size}."
    )


def rounded_labels(values: NDArray[Any]) -> NDArray[Any]:
    """Round values that differ from whole numbers only through storage; NaN becomes 0."""
    if values.dtype.kind != "f":
        return values
    filled = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    rounded = np.round(filled)
    return np.asarray(np.where(np.abs(filled - rounded) <= _TOLERANCE, rounded, filled))


def _range(values: NDArray[Any]) -> str:
    return f"values from {values.min():.4g} to {values.max():.4g}"
