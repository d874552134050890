"""Determine kind and TR of an image: as stated by the user, else inferred, with notes on assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Kind, Volume

STATED, OURS, ASSUMED, HEADER = "stated", "file", "assumed", "its header"
"""Values of `Volume.kind_from` and `Volume.step_from`."""
GUESSED = ", a guess"
"""End of `Volume.kind_from` if the kind is not certain."""
HOW_KIND = "State it: data.kind in a recipe, --kind on the command line, Kind in the tab Header."
HOW_TR = "State it: data.tr in a recipe, --tr on the command line."
_DOUBTS = ("not certain", "State it:", "contradict", "milliseconds", "not binary", "is assumed")


def is_doubt(note: str) -> bool:
    """Whether a note reports an uncertainty about an image, which every output must repeat."""
    return any(word in note for word in _DOUBTS)


def stated_kind(series: Volume) -> Kind | None:
    """Kind of a series if the user stated it, else None."""
    return series.kind if series.kind_from == STATED else None


class KindAndTR(NamedTuple):
    """Kind and TR of an image, and how they were determined; see `Volume`."""

    kind: Kind
    kind_from: str
    step: float | None
    step_from: str
    notes: tuple[str, ...]


def determine_kind_and_tr(
    facts: ImageFacts,
    kind: Kind | None = None,
    tr: float | None = None,
    own: Kind | None = None,
    timed: bool = False,
) -> KindAndTR:
    """Determine kind and TR of an image.

    Parameters
    ----------
    facts : ImageFacts
    kind, tr : optional
        As stated by the user.
    own : Kind, optional
        As this program wrote it into the file.
    timed : bool
        Whether this program recorded that the last axis is time, whatever the kind.
    """
    if tr is not None and kind is None and facts.series:
        kind = own or "bold"  # only a time series has seconds between volumes
    if kind is not None or own is not None:
        image_kind = kind or own or "anatomy"
        by, sure = (STATED if kind is not None else OURS), True
    else:
        guess = guess_kind(facts)
        image_kind, sure = guess.kind, guess.sure
        by = guess.by if sure else f"{guess.by}{GUESSED}"
    if not facts.series:
        return KindAndTR(image_kind, by, None, "", ())
    if tr is not None:
        return KindAndTR(image_kind, by, tr, STATED, ())
    in_time = image_kind == "bold" or (timed and kind is None)
    step = facts.step if in_time else None
    step_from = "" if step is None else HEADER if facts.step_sure else ASSUMED
    return KindAndTR(image_kind, by, step, step_from, _assumptions(facts, image_kind, by, sure, step))


def _assumptions(facts: ImageFacts, kind: Kind, by: str, sure: bool, step: float | None) -> tuple[str, ...]:
    """Describe the assumptions about a series."""
    notes = []
    if step is None and kind == "bold" and not sure:
        notes.append(
            "The header has no TR, and nothing indicates whether the volumes are a time series: they are "
            f"treated as a stack of images, and are not detrended or standardized by default. {HOW_TR}"
        )
    elif step is None and kind == "bold":
        notes.append(f"This is a BOLD series according to {by}, but its header has no TR. {HOW_TR}")
    elif step is not None and not facts.step_sure:
        notes.append(
            f"A TR of {step:g} s is assumed: the header has pixdim[4] = 1 without a unit of time, which "
            f"programs write if the TR is unknown. {HOW_TR} For a stack of maps state the kind, stat."
        )
    elif kind == "stat" and not sure:
        notes.append(
            "The volumes are treated as a stack of maps, not as a time series, because of "
            f"{by.removesuffix(GUESSED)}. {HOW_KIND}"
        )
    elif kind == "stat" and by != STATED and facts.step is not None and facts.step_sure and facts.step != 1:
        notes.append(
            f"The volumes are treated as a stack of maps because of {by}; the TR of {facts.step:g} s in the "
            f"header is ignored. {HOW_KIND}"
        )
    if step is not None and step >= 100:
        notes.append(
            f"According to the header the TR is {step:g} s. These are most likely milliseconds, which makes "
            f"all times 1000 times too long. Correct the header: its unit of time, or pixdim[4]. {HOW_TR}"
        )
    elif step is not None and step < 0.02:
        notes.append(
            f"According to the header the TR is {step:g} s. Its unit of time is most likely wrong, "
            "which makes all times 1000 times too short. Correct the header: its unit of time, or pixdim[4]. "
            f"{HOW_TR}"
        )
    return tuple(notes)
