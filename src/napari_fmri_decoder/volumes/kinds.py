"""What an image shows, told from its header, its name and its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Kind

# NIfTI-1 intent codes: 2 to 24 are statistics (z score 5, t test 3, p-value 22 ...), 1001 estimate.
_STAT_INTENTS = {*range(2, 25), 1001}
_LABEL_INTENTS = {1002, 1005}
_STAT_NAME = re.compile(
    r"(?:^|[^a-z])(?:z_?_?maps?|t_?maps?|f_?maps?|stat[-_]?(?:z|t|f|effect|map)?|[ztf]stats?\d*|"
    r"spm[tf]|con|zscores?)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_MASK_NAME = re.compile(r"(?:^|[^a-z])(?:brain_?)?mask(?:[^a-z]|$)", re.IGNORECASE)
_ATLAS_NAME = re.compile(r"(?:^|[^a-z])(?:atlas|dseg|aparc|aseg|parcellation|labels?)(?:[^a-z]|$)", re.I)


def kind_of(name: str, intent: int, values: NDArray[Any], *, series: bool) -> Kind:
    """Tell what an image shows.

    Parameters
    ----------
    name : str
        File name.
    intent : int
        NIfTI intent code, 0 if there is none.
    values : (x, y, z) array
        The first volume.
    series : bool
        Whether there are more volumes.

    Returns
    -------
    {"anatomy", "bold", "stat", "mask", "atlas"}

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 27).reshape(3, 3, 3)
    >>> [kind_of(n, 0, ramp, series=False) for n in ("sub-1_stat-z_x.nii", "face_zmap.nii.gz", "T1.nii")]
    ['stat', 'stat', 'anatomy']
    """
    if intent in _STAT_INTENTS or (_STAT_NAME.search(name) and not _MASK_NAME.search(name)):
        return "stat"
    if series:
        return "bold"
    return _kind_of_values(name, intent, values)


def _kind_of_values(name: str, intent: int, values: NDArray[Any]) -> Kind:
    if values.dtype.kind == "f" and not bool((values == np.round(values)).all()):
        return "stat" if _is_signed(values) else "anatomy"
    present = np.unique(values)
    if len(present) <= 2 and 0 in present and 0 <= present[0] and present[-1] <= 255:
        return "mask"
    named = intent in _LABEL_INTENTS or _ATLAS_NAME.search(name) is not None
    if present[0] < 0 or present[-1] >= 2**31 or len(present) > 2000:
        return "anatomy"
    return "atlas" if named or _is_piecewise_constant(values) else "anatomy"


def _is_signed(values: NDArray[Any]) -> bool:
    """Whether values lie on both sides of zero as in a contrast; scanners give magnitudes."""
    finite = values[np.isfinite(values) & (values != 0)]
    if not finite.size:
        return False
    return bool((finite < 0).mean() > 0.1 and -finite.min() > 0.1 * finite.max() > 0)


def _is_piecewise_constant(values: NDArray[Any]) -> bool:
    """Whether most neighbours along the first axis that are not background agree, as in an atlas."""
    here, there = values[:-1], values[1:]
    inside = (here != 0) & (there != 0)
    return bool(inside.any()) and bool((here == there)[inside].mean() > 0.6)
