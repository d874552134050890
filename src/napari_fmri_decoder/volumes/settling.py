"""What an image is taken for: what is stated, else what is found out; and in words, what was assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Kind

STATED, OURS, ASSUMED, HEADER = "stated", "file", "assumed", "its header"
"""Values of `Volume.kind_from` and `Volume.step_from`."""
GUESSED = ", a guess"
"""How `Volume.kind_from` ends where nothing is certain."""
HOW_KIND = "State it: data.kind in a recipe, --kind on the command line, Kind in the tab Header."
HOW_TR = "State it: data.tr in a recipe, --tr on the command line."


_DOUBTS = ("not certain", "State it:", "contradict", "milliseconds", "not binary", "is assumed")


def is_doubt(note: str) -> bool:
    """Whether a note says that something about an image is uncertain, so that every output must repeat it."""
    return any(word in note for word in _DOUBTS)


class Settled(NamedTuple):
    """What an image is taken for; see `Volume`."""

    kind: Kind
    kind_from: str
    step: float | None
    step_from: str
    notes: tuple[str, ...]


def settle(
    facts: ImageFacts,
    kind: Kind | None = None,
    tr: float | None = None,
    own: Kind | None = None,
    timed: bool = False,
) -> Settled:
    """Decide kind and TR of an image.

    Parameters
    ----------
    facts : ImageFacts
    kind, tr : optional
        What the user states.
    own : Kind, optional
        What this program wrote into the file.
    timed : bool
        Whether it wrote that the last axis is time, whatever the kind.
    """
    if tr is not None and kind is None and facts.series:
        kind = own or "bold"  # seconds between volumes are those of a series in time
    if kind is not None or own is not None:
        shown = kind or own or "anatomy"
        by, sure = (STATED if kind is not None else OURS), True
    else:
        guess = guess_kind(facts)
        shown, sure = guess.kind, guess.sure
        by = guess.by if sure else f"{guess.by}{GUESSED}"
    if not facts.series:
        return Settled(shown, by, None, "", ())
    if tr is not None:
        return Settled(shown, by, tr, STATED, ())
    in_time = shown == "bold" or (timed and kind is None)
    step = facts.step if in_time else None
    step_from = "" if step is None else HEADER if facts.step_sure else ASSUMED
    return Settled(shown, by, step, step_from, _assumptions(facts, shown, by, sure, step))


def _assumptions(facts: ImageFacts, kind: Kind, by: str, sure: bool, step: float | None) -> tuple[str, ...]:
    """Say what was assumed of a series."""
    notes = []
    if step is None and kind == "bold" and not sure:
        notes.append(
            "The header has no TR, and nothing says whether the volumes are a series in time: they are "
            f"taken for a stack of images, and are not detrended or standardized by default. {HOW_TR}"
        )
    elif step is None and kind == "bold":
        notes.append(f"This is a BOLD series by {by}, but its header has no TR. {HOW_TR}")
    elif step is not None and not facts.step_sure:
        notes.append(
            f"A TR of {step:g} s is assumed: the header has pixdim[4] = 1 without a unit of time, which is "
            f"what programs write where no TR is known. {HOW_TR} For a stack of maps state the kind, stat."
        )
    elif kind == "stat" and not sure:
        notes.append(
            "The volumes are taken for a stack of maps, not for a series in time, by "
            f"{by.removesuffix(GUESSED)}. {HOW_KIND}"
        )
    elif kind == "stat" and by != STATED and facts.step is not None and facts.step_sure and facts.step != 1:
        notes.append(
            f"The volumes are taken for a stack of maps by {by}, but the header has a TR of {facts.step:g} "
            f"s, which is ignored. {HOW_KIND}"
        )
    if step is not None and step >= 100:
        notes.append(
            f"By its header the TR is {step:g} s; most likely these are milliseconds, and times here are a "
            f"thousand times too long. Correct the header: its unit of time, or pixdim[4]. {HOW_TR}"
        )
    elif step is not None and step < 0.02:
        notes.append(
            f"By its header the TR is {step:g} s; most likely its unit of time is wrong, and times here are "
            f"a thousand times too short. Correct the header: its unit of time, or pixdim[4]. {HOW_TR}"
        )
    return tuple(notes)
