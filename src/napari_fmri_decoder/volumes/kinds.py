"""What an image shows, decided from what is stated, its name, its header and its values, in this order.

A name counts by whole words alone (see `kind_names`). The result says what decided, and whether that
is certain, so that a reader can be told how to state it.
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
"""Intent of an estimate, which may be any map."""
_STAT_INTENTS = {*range(2, 25), ESTIMATE}
_LABEL_INTENTS = {1002, 1003}  # label, NeuroName
_VECTOR_INTENTS = {1004, 1005, 1006, 1007, 1008}  # matrices, displacements, vectors, points
_TIME_INTENT = 2001


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image before it is interpreted.

    Attributes
    ----------
    name : str
        File name, or that of a layer.
    values : (x, y, z) array
        The first volume.
    series : bool
        Whether there are more volumes.
    intent : int
        NIfTI intent code, 0 if there is none.
    step : float or None
        Seconds between volumes by the header.
    step_sure : bool
        Whether the header means it: a 1 without a unit is what programs write where no TR is known.
    vector : bool
        Whether the values lie along a fifth axis, as those of vectors and AFNI's sub-bricks do.
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
    """What an image shows.

    Attributes
    ----------
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}
    by : str
        What says so, such as "its BIDS suffix (bold)".
    sure : bool
        False where the values alone, or a header that may not mean it, decided.
    """

    kind: Kind
    by: str
    sure: bool


def kind_of(name: str, intent: int, values: NDArray[Any], *, series: bool) -> Kind:
    """Tell what an image shows; `guess_kind` says also why.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 27).reshape(3, 3, 3)
    >>> [kind_of(n, 0, ramp, series=False) for n in ("sub-1_stat-z_x.nii", "face_zmap.nii.gz", "T1.nii")]
    ['stat', 'stat', 'anatomy']
    """
    return guess_kind(ImageFacts(name, values, series, intent)).kind


def guess_kind(facts: ImageFacts) -> Guess:
    """Decide what an image shows.

    Parameters
    ----------
    facts : ImageFacts

    Returns
    -------
    Guess
        A series without time is "stat", a stack of maps, unless its name says otherwise. Field maps
        and diffusion images are "anatomy": scans to look at.
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
    """Take a name at its word, as far as the values allow; None where they do not."""
    whole = _integers(facts.values)
    match hint.shows:
        case "time":
            return Guess("bold" if facts.series else "anatomy", by, hint.rank != "weak")
        case "scan":
            return Guess("anatomy", by, True)
        case "stat":
            # A map of clusters' numbers is named after the map.
            if "mask" in facts.name.lower() and whole is not None and not facts.series:
                return None
            return Guess("stat", by, True)
        case "probability":
            return Guess("stat", by, True) if facts.series else None
        case "mask":
            if _like_mask(facts.values):
                return Guess("mask", by, True)
            if facts.series or whole is None or not (_like_labels(whole) and _is_piecewise_constant(whole)):
                return None  # FreeSurfer's brainmask.mgz is a stripped head
            return Guess("atlas", by, True)
        case "labels":
            if _like_labels(whole):
                return Guess("atlas", by, True)
            return Guess("stat", by, True) if facts.series else None


def _unnamed(facts: ImageFacts) -> Guess:
    """Decide by the header's TR, then by the values."""
    if facts.series:
        return _series(facts)
    if facts.intent in _LABEL_INTENTS and _like_labels(_integers(facts.values)):
        return Guess("atlas", f"its NIfTI intent ({facts.intent})", True)
    return Guess(_kind_of_values(facts.values), "its values", False)


def _series(facts: ImageFacts) -> Guess:
    if facts.vector:
        return Guess("stat", "its fifth axis", True)
    if facts.second is not None and _parts_of_a_whole(facts.values, facts.second):
        return Guess("stat", "its values: each volume covers another place", facts.step is None)
    if facts.step is not None and facts.step_sure:
        return Guess("bold", f"its header's TR ({facts.step:g} s)", True)
    finite = facts.values[np.isfinite(facts.values)]
    if finite.size and _is_signed(facts.values):
        return Guess("stat", "its values, which lie on both sides of 0", False)
    if facts.values.dtype.kind == "f" and finite.size and 0 <= finite.min() < finite.max() <= 1:
        return Guess("stat", "its values, which lie between 0 and 1", False)
    return Guess("bold", "its four axes", False)


def _parts_of_a_whole(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two volumes cover different voxels, as those of a probability atlas do, and of a run do not."""
    with np.errstate(invalid="ignore"):
        if bool((first < 0).any() or (second < 0).any()):
            return False
        here, there = np.nan_to_num(first) > 0, np.nan_to_num(second) > 0
    either = int((here | there).sum())
    return bool(either) and int((here & there).sum()) < 0.5 * either < 0.4 * here.size


def _integers(values: NDArray[Any]) -> NDArray[Any] | None:
    """Give values, NaN as 0, where all are whole numbers; else None."""
    if values.dtype.kind in "iub":
        return values
    filled = np.nan_to_num(values, nan=0.0, posinf=0.5, neginf=0.5)
    return filled if bool((filled == np.round(filled)).all()) else None


def _like_mask(values: NDArray[Any]) -> bool:
    """Whether values are those of a mask: two, or between 0 and 1 and mostly one of these."""
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
    """Whether values lie on both sides of zero as in a contrast; scanners give magnitudes."""
    finite = values[np.isfinite(values) & (values != 0)]
    if not finite.size:
        return False
    share, below, above = (finite < 0).mean(), -float(finite.min()), float(finite.max())
    if above <= 0:
        return True
    # A spline rings below 0 at the edge of the head, at many voxels but never by much.
    return bool((share > 0.1 and below > 0.1 * above) or (share > 0.005 and below > 0.25 * above))


def _is_thresholded(values: NDArray[Any]) -> bool:
    """Whether values are those of a statistic above a threshold, or SPM's: nothing, or NaN, elsewhere."""
    present = np.isfinite(values) & (values != 0)
    kept = np.abs(values[present])
    if not kept.size or kept.max() > 100:
        return False
    if np.isnan(values).mean() > 0.05:  # SPM writes NaN where a map has no value
        return True
    return bool(present.mean() < 0.5 and 1.5 <= kept.min() and kept.max() < 60)


def _is_piecewise_constant(values: NDArray[Any]) -> bool:
    """Whether neighbours that are not background agree, or differ by whole leaps, as in an atlas.

    In a scan of whole numbers neighbours differ by little, and seldom not at all.
    """
    agree = inside_pairs = 0
    leaps: list[NDArray[Any]] = []
    for axis in range(values.ndim):
        if values.shape[axis] < 2:
            continue
        here, there = np.moveaxis(values, axis, 0)[:-1], np.moveaxis(values, axis, 0)[1:]
        inside = (here != 0) & (there != 0)
        differ = np.abs(here.astype(np.float64) - there)[inside]
        inside_pairs += differ.size
        agree += int((differ == 0).sum())
        leaps.append(differ[differ > 0])
    if not inside_pairs:
        return False
    share = agree / inside_pairs
    if share > 0.6:
        return True
    between = np.concatenate(leaps)
    return share > 0.3 and between.size > 0 and float(np.median(between)) > 2
