"""Events of a run: onsets, durations and labels, and operations on their times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

DIGITS = 6
"""Times are compared to the microsecond, so that rounding moves no volume across an edge."""
MICROSECOND = 10.0**-DIGITS


@dataclass(frozen=True, slots=True)
class Event:
    """A stimulus, trial or block; `onset` and `duration` are in seconds from the first volume of the run.

    `cells` are all columns of its row in the events file but the onset, as text.
    """

    onset: float
    duration: float
    label: str
    cells: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def end(self) -> float:
        """Seconds from the first volume of the run."""
        return self.onset + self.duration

    def __str__(self) -> str:
        """Label, onset and duration."""
        return f"{self.label} at {self.onset:g} s for {self.duration:g} s"


def fill_gaps(events: Sequence[Event], longest: float) -> tuple[list[Event], int]:
    """Join successive events of one label if the gap is short and no other event starts in it.

    Parameters
    ----------
    events : sequence of Event
        By onset.
    longest : float
        Longest gap to fill, in seconds; 0 joins none.

    Returns
    -------
    events : list of Event
    filled : int
        Number of gaps.

    Examples
    --------
    >>> block = [Event(0, 0.5, "face"), Event(2, 0.5, "face"), Event(20, 0.5, "face")]
    >>> print(*fill_gaps(block, 1.5)[0], sep="; ")
    face at 0 s for 2.5 s; face at 20 s for 0.5 s
    """
    joined: list[Event] = []
    filled = 0
    for event in events:
        previous = joined[-1] if joined else None
        gap = round(event.onset - previous.end, DIGITS) if previous else 0.0
        if previous and event.label == previous.label and 0 < gap <= longest + MICROSECOND and longest > 0:
            joined[-1] = replace(previous, duration=event.end - previous.onset)
            filled += 1
        else:
            joined.append(event)
    return joined, filled


def until_next(events: Sequence[Event], end: float) -> list[Event]:
    """Extend each event to the next later onset, and the last one to `end`."""
    onsets = sorted({event.onset for event in events})
    following = dict(zip(onsets, [*onsets[1:], end], strict=True))
    return [replace(e, duration=max(following[e.onset] - e.onset, 0.0)) for e in events]


def find_overlap(events: Sequence[Event], excluded: Callable[[str], bool]) -> tuple[Event, Event] | None:
    """Find two events of different labels that overlap in time, or None."""
    latest: Event | None = None
    for event in (event for event in events if event.duration > 0 and not excluded(event.label)):
        if latest and event.label != latest.label and round(latest.end - event.onset, DIGITS) > 0:
            return latest, event
        if latest is None or event.end >= latest.end:
            latest = event
    return None
