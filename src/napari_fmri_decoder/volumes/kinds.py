"""Infer the kind of an image from its name, its header and its values, in this order.

Only whole words of a name count (see `kind_names`). The result includes the reason and whether it is
certain, so that notes can explain how to state the kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.volumes.kind_names import NameHint, name_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import Kind

# NIfTI-1 intent codes: 2 to 24 are statistics (z score 5, t test 3, p-value 22 ...), 1001 estimate.
ESTIMATE = 1001
"""Intent code of an estimate: any kind of map."""
_STAT_INTENTS = {*range(2, 25), ESTIMATE}
_LABEL_INTENTS = {1002, 1003}  # label, NeuroName
_VECTOR_INTENTS = {1004, 1005, 1006, 1007, 1008}  # matrices, displacements, vectors, points
_TIME_INTENT = 2001


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known about an image before its kind is inferred.

    Attributes
    ----------
    name : str
        File name or layer name.
    values : (x, y, z) array
        The first volume.
    series : bool
        Whether there is more than one volume.
    intent : int
        NIfTI intent code; 0 if there is none.
    step : float or None
        Seconds between volumes, according to the header.
    step_sure : bool
        Whether the header's TR is reliable: programs write 1 without a unit if the TR is unknown.
    vector : bool
        Whether the values are along a fifth axis, as for vectors and AFNI's sub-bricks.
    second : (x, y, z) array or None
        The second volume of a series.
    """

    name: str
    values: NDArray[Any]
    series: bool = False
    intent: int = 0
    step: float | None = None
    step_sure: bool = True
    vector: bool = False
    second: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """The inferred kind of an image.

    Attributes
    ----------
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}
    by : str
        Reason, such as "its BIDS suffix (bold)".
    sure : bool
        False if only the values, or an unreliable header, decided.
    """

    kind: Kind
    by: str
    sure: bool


def kind_of(name: str, intent: int, values: NDArray[Any], *, series: bool) -> Kind:
    """Infer the kind of an image; `guess_kind` also gives the reason.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 27).reshape(3, 3, 3)
    >>> [kind_of(n, 0, ramp, series=False) for n in ("sub-1_stat-z_x.nii", "face_zmap.nii.gz", "T1.nii")]
    ['stat', 'stat', 'anatomy']
    """
    return guess_kind(ImageFacts(name, values, series, intent)).kind


def guess_kind(facts: ImageFacts) -> Guess:
    """Infer the kind of an image.

    Parameters
    ----------
    facts : ImageFacts

    Returns
    -------
    Guess
        A series without a time axis is "stat", a stack of maps, unless its name indicates otherwise.
        Field maps and diffusion images are "anatomy": scans to view.
    """
    hint = name_hint(facts.name)
    if hint is not None and hint.rank == "bids":
        return _named(facts, hint, f"its BIDS suffix ({hint.word})") or _unnamed(facts)
    if facts.intent in _STAT_INTENTS:
        return Guess("stat", f"its NIfTI intent ({facts.intent})", True)
    if facts.intent in _VECTOR_INTENTS:
        return Guess("stat", f"its NIfTI intent ({facts.intent})", True)
    if facts.intent == _TIME_INTENT and facts.series:
        return Guess("bold", "its NIfTI intent (time series)", True)
    timed = facts.series and facts.step is not None and facts.step_sure
    if hint is not None and not (hint.rank == "weak" and timed):
        named = _named(facts, hint, f"the word {hint.word} in its name")
        if named is not None:
            return named
    return _unnamed(facts)


def _named(facts: ImageFacts, hint: NameHint, by: str) -> Guess | None:
    """Infer the kind from a name; None if the values contradict it."""
    whole = _integers(facts.values)
    match hint.shows:
        case "time":
            return Guess("bold" if facts.series else "anatomy", by, hint.rank != "weak")
        case "scan":
            return Guess("anatomy", by, True)
        case "stat":
            # a map of cluster numbers is named after the statistical map
            if "mask" in facts.name.lower() and whole is not None and not facts.series:
                return None
            return Guess("stat", by, True)
        case "probability":
            return Guess("stat", by, True) if facts.series else None
        case "mask":
            if _like_mask(facts.values):
                return Guess("mask", by, True)
            if facts.series or whole is None or not (_like_labels(whole) and _is_piecewise_constant(whole)):
                return None  # FreeSurfer's brainmask.mgz is a skull-stripped scan
            return Guess("atlas", by, True)
        case "labels":
            if _like_labels(whole):
                return Guess("atlas", by, True)
            return Guess("stat", by, True) if facts.series else None


def _unnamed(facts: ImageFacts) -> Guess:
    """Infer the kind from the header's TR, then from the values."""
    if facts.series:
        return _series(facts)
    if facts.intent in _LABEL_INTENTS and _like_labels(_integers(facts.values)):
        return Guess("atlas", f"its NIfTI intent ({facts.intent})", True)
    return Guess(_kind_of_values(facts.values), "its values", False)


def _series(facts: ImageFacts) -> Guess:
    if facts.vector:
        return Guess("stat", "its fifth axis", True)
    if facts.second is not None and _cover_different_voxels(facts.values, facts.second):
        return Guess("stat", "its values (each volume covers another region)", facts.step is None)
    if facts.step is not None and facts.step_sure:
        return Guess("bold", f"its header's TR ({facts.step:g} s)", True)
    finite = facts.values[np.isfinite(facts.values)]
    if finite.size and _is_signed(facts.values):
        return Guess("stat", "its values (positive and negative)", False)
    if facts.values.dtype.kind == "f" and finite.size and 0 <= finite.min() < finite.max() <= 1:
        return Guess("stat", "its values (between 0 and 1)", False)
    return Guess("bold", "its four axes", False)


def _cover_different_voxels(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two volumes cover different voxels, as in a probability atlas but not in a run."""
    with np.errstate(invalid="ignore"):
        if bool((first < 0).any() or (second < 0).any()):
            return False
        here, there = np.nan_to_num(first) > 0, np.nan_to_num(second) > 0
    either = int((here | there).sum())
    return bool(either) and int((here & there).sum()) < 0.5 * either < 0.4 * here.size


def _integers(values: NDArray[Any]) -> NDArray[Any] | None:
    """Return the values, with NaN as 0, if all are whole numbers; else None."""
    if values.dtype.kind in "iub":
        return values
    filled = np.nan_to_num(values, nan=0.0, posinf=0.5, neginf=0.5)
    return filled if bool((filled == np.round(filled)).all()) else None


def _like_mask(values: NDArray[Any]) -> bool:
    """Whether values look like a mask: two different values, or values between 0 and 1."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return False
    low, high = float(finite.min()), float(finite.max())
    if low == high or (low == 0 and bool(((finite == low) | (finite == high)).all())):
        return True
    return -0.5 < low and 0.5 < high < 1.5


def _like_labels(whole: NDArray[Any] | None) -> bool:
    return whole is not None and whole.size > 0 and whole.min() >= 0 and whole.max() < 2**31


def _kind_of_values(values: NDArray[Any]) -> Kind:
    whole = _integers(values)
    if whole is None:
        return "stat" if _is_signed(values) or _is_thresholded(values) else "anatomy"
    present = np.unique(whole)
    if len(present) == 1 and present[0] in (0, 1, 255):
        return "mask"
    if len(present) == 2 and present[0] == 0 and 0 < present[1] <= 255:
        return "mask"
    if present[0] < 0 or present[-1] >= 2**31 or len(present) > 2000:
        return "anatomy"
    return "atlas" if _is_piecewise_constant(whole) else "anatomy"


def _is_signed(values: NDArray[Any]) -> bool:
    """Whether values are positive and negative, as in a contrast; scanners give magnitudes."""
    finite = values[np.isfinite(values) & (values != 0)]
    if not finite.size:
        return False
    share, below, above = (finite < 0).mean(), -float(finite.min()), float(finite.max())
    if above <= 0:
        return True
    # a spline undershoots 0 at the edge of the head: in many voxels, but never by much
    return bool((share > 0.1 and below > 0.1 * above) or (share > 0.005 and below > 0.25 * above))


def _is_thresholded(values: NDArray[Any]) -> bool:
    """Whether values look like a thresholded statistic, or like SPM's maps: 0 or NaN elsewhere."""
    present = np.isfinite(values) & (values != 0)
    sizes = np.abs(values[present])
    if not sizes.size or sizes.max() > 100:
        return False
    if np.isnan(values).mean() > 0.05:  # SPM writes NaN outside of the mask
        return True
    return bool(present.mean() < 0.5 and 1.5 <= sizes.min() and sizes.max() < 60)


def _is_piecewise_constant(values: NDArray[Any]) -> bool:
    """Whether neighboring nonzero voxels are equal, or differ by large steps, as in an atlas.

    In a scan of whole numbers, neighbors differ slightly and are rarely equal.
    """
    equal = pairs = 0
    steps: list[NDArray[Any]] = []
    for axis in range(values.ndim):
        if values.shape[axis] < 2:
            continue
        here, there = np.moveaxis(values, axis, 0)[:-1], np.moveaxis(values, axis, 0)[1:]
        both_nonzero = (here != 0) & (there != 0)
        differ = np.abs(here.astype(np.float64) - there)[both_nonzero]
        pairs += differ.size
        equal += int((differ == 0).sum())
        steps.append(differ[differ > 0])
    if not pairs:
        return False
    share = equal / pairs
    if share > 0.6:
        return True
    differences = np.concatenate(steps)
    return share > 0.3 and differences.size > 0 and float(np.median(differences)) > 2
