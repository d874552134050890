"""From the events of a run to one label per volume: four ways, and what each makes of short events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Assign = Literal["midpoint", "nearest", "overlap", "until-next"]
Overlap = Literal["error", "none", "first", "last"]

_DIGITS = 6
"""Times are compared to the microsecond, so that rounding moves no volume across an edge."""
_MICRO = 10.0**-_DIGITS


@dataclass(frozen=True, slots=True)
class Event:
    """What happened from `onset` on for `duration`, both in seconds from the run's first volume."""

    onset: float
    duration: float
    label: str

    @property
    def end(self) -> float:
        """Seconds from the run's first volume."""
        return self.onset + self.duration

    def __str__(self) -> str:
        """Say what it is, and when."""
        return f"{self.label} at {self.onset:g} s for {self.duration:g} s"


@dataclass(frozen=True, slots=True)
class Way:
    """How events become labels of volumes; see the options of the same names.

    Attributes
    ----------
    assign : {"midpoint", "nearest", "overlap", "until-next"}
    min_overlap : float
        Seconds.
    overlap : {"error", "none", "first", "last"}
    lag : float
        Seconds.
    """

    assign: Assign = "midpoint"
    min_overlap: float = 0.0
    overlap: Overlap = "error"
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class Assigned:
    """The labels of a run's volumes.

    Attributes
    ----------
    labels : tuple of str
        One per volume; "" for none.
    without : tuple of Event
        Events (of those that are not excluded) that no volume belongs to.
    n_events : int
        Those that are not excluded.
    shared : int
        Volumes that belong to events of different labels.
    clash : (Event, Event), or None
        Two events of different labels that claim one volume where `overlap` is "error".
    """

    labels: tuple[str, ...]
    without: tuple[Event, ...]
    n_events: int
    shared: int
    clash: tuple[Event, Event] | None


def assign(
    events: Sequence[Event], excluded: Callable[[str], bool], n: int, step: float, way: Way
) -> Assigned:
    """Give each volume of a run the label of the event that it belongs to.

    Parameters
    ----------
    events : sequence of Event
        By onset.
    excluded : callable
        Whether a label is excluded: such events give way to all others.
    n : int
        Volumes: the i-th lasts from i to i + 1 steps.
    step : float
        TR in seconds.
    way : Way

    Examples
    --------
    >>> short = [Event(2.2, 0.5, "face"), Event(6.1, 0.5, "house")]
    >>> for how in ("midpoint", "nearest", "until-next"):
    ...     assign(short, lambda label: False, 5, 2.0, Way(how)).labels
    ('', '', '', '', '')
    ('', 'face', '', 'house', '')
    ('', 'face', 'face', 'house', 'house')
    """
    spans = until_next(events, n * step - way.lag) if way.assign == "until-next" else list(events)
    shown = [i for i, event in enumerate(events) if not excluded(event.label)]
    rest = [i for i, event in enumerate(events) if excluded(event.label)]
    rule = _by_share if way.assign == "overlap" else _by_claims
    labels, shared, without, clash = rule(spans, shown, n, step, way)
    # Excluded events count where no other does, not where others cancel out.
    free = (labels == "") & ~shared
    for i in rest:
        labels[free & _held(spans[i], n, step, way.lag)] = spans[i].label
    return Assigned(
        tuple(labels.tolist()),
        tuple(events[i] for i in without),
        len(shown),
        int(shared.sum()),
        None if clash is None else (events[clash[0]], events[clash[1]]),
    )


_Found = tuple[NDArray[np.object_], NDArray[np.bool_], list[int], tuple[int, int] | None]
"""Labels, volumes that are shared, events without a volume, two events that clash."""


def _by_claims(spans: Sequence[Event], shown: Sequence[int], n: int, step: float, way: Way) -> _Found:
    """Let each event claim volumes: those whose midpoint it holds, or else the nearest."""
    labels, owner, shared = np.full(n, "", dtype=object), np.full(n, -1), np.zeros(n, dtype=bool)
    without, clash = [], None
    for i in shown:
        claimed = _held(spans[i], n, step, way.lag)
        at = _volume_at((spans[i].onset + spans[i].end) / 2, n, step, way.lag)
        if way.assign == "nearest" and not claimed.any() and at is not None:
            claimed[at] = True
        if not claimed.any():
            without.append(i)
        taken = claimed & (labels != "")
        other = taken & (labels != spans[i].label)
        if way.overlap == "error" and clash is None and other.any():
            clash = (int(owner[np.flatnonzero(other)[0]]), i)
        shared |= other
        chosen = claimed & ~taken if way.overlap == "first" else claimed
        labels[chosen], owner[chosen] = spans[i].label, i
    if way.overlap == "none":
        labels[shared] = ""
    return labels, shared, without, clash


def _held(event: Event, n: int, step: float, lag: float) -> NDArray[np.bool_]:
    """(n,) volumes whose midpoint lies within an event."""
    times = np.round((np.arange(n) + 0.5) * step - lag, _DIGITS)
    return np.asarray((times >= round(event.onset, _DIGITS)) & (times < round(event.end, _DIGITS)))


def _volume_at(seconds: float, n: int, step: float, lag: float) -> int | None:
    """Volume of a moment, which is also the one of the nearest midpoint; None outside of the run."""
    volume = np.floor(round((seconds + lag) / step, _DIGITS))
    return int(volume) if 0 <= volume < n else None


def _by_share(spans: Sequence[Event], shown: Sequence[int], n: int, step: float, way: Way) -> _Found:
    """Give a volume the label that fills most of it, of several that fill as much the earlier."""
    share: dict[str, NDArray[np.float64]] = {}
    labels, best, shared = np.full(n, "", dtype=object), np.zeros(n), np.zeros(n, dtype=bool)
    edges = np.asarray(np.arange(n + 1) * step - way.lag, dtype=np.float64)
    for low, high, label, several in _pieces(spans, shown, way.overlap):
        filled = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
        shared |= several & (filled > _MICRO)
        if label:
            share[label] = share.get(label, np.zeros(n)) + filled
    for label, filled in share.items():  # in the order in which they first occur
        more = (filled > best + _MICRO) & (filled >= max(way.min_overlap, _MICRO) - _MICRO)
        labels[more], best[more] = label, filled[more]
    labels, tied = _ties(labels, share, best, spans, shown, edges), None
    moments = [i for i in shown if spans[i].duration < _MICRO and way.min_overlap == 0]
    owner: dict[int, int] = {}
    for i in moments:  # those of no duration fill nothing, and count where nothing else does
        at = _volume_at(spans[i].onset, n, step, way.lag)
        if at is None or best[at] > 0:
            continue
        before = owner.setdefault(at, i)
        if spans[before].label != spans[i].label:
            shared[at] = True
            tied = tied or (before, i)
        labels[at] = {"first": spans[before].label, "none": ""}.get(way.overlap, spans[i].label)
    if way.overlap == "none":
        labels[shared & (best == 0)] = ""
    without = [i for i in shown if not _has_volume(spans[i], labels, edges)]
    return labels, shared, without, tied if way.overlap == "error" else None


def _ties(
    labels: NDArray[np.object_],
    share: dict[str, NDArray[np.float64]],
    best: NDArray[np.float64],
    spans: Sequence[Event],
    shown: Sequence[int],
    edges: NDArray[np.float64],
) -> NDArray[np.object_]:
    """Give a volume that two labels fill alike the one whose event comes first in it."""
    for volume in np.flatnonzero(best > 0):
        equal = {label for label, filled in share.items() if filled[volume] >= best[volume] - _MICRO}
        if len(equal) > 1:
            within = [
                spans[i] for i in shown if spans[i].label in equal and spans[i].end > edges[volume] + _MICRO
            ]
            labels[volume] = min(within, key=lambda event: event.onset).label
    return labels


def _has_volume(event: Event, labels: NDArray[np.object_], edges: NDArray[np.float64]) -> bool:
    touched = (edges[1:] > event.onset + _MICRO) & (edges[:-1] < event.end - _MICRO)
    if event.duration < _MICRO:
        touched = (edges[:-1] <= event.onset + _MICRO) & (event.onset + _MICRO < edges[1:])
    return bool((touched & (labels == event.label)).any())


def _pieces(
    spans: Sequence[Event], shown: Sequence[int], overlap: Overlap
) -> list[tuple[float, float, str, bool]]:
    """Cut time at all onsets and ends: from, to, the label that counts, whether several were there."""
    turns = sorted(
        [(spans[i].onset, 1, i) for i in shown if spans[i].duration > 0]
        + [(spans[i].end, 0, i) for i in shown if spans[i].duration > 0]
    )
    active: set[int] = set()
    pieces = []
    for (low, starts, i), (high, _, _) in pairwise(turns):
        active = active | {i} if starts else active - {i}
        if high - low < _MICRO or not active:
            continue
        several = len({spans[k].label for k in active}) > 1
        order = sorted(active, key=lambda k: (spans[k].onset, k))
        label = spans[order[0 if overlap == "first" else -1]].label
        pieces.append((low, high, "" if several and overlap == "none" else label, several))
    return pieces


def fill_gaps(events: Sequence[Event], longest: float) -> tuple[list[Event], int]:
    """Join events of one label, where the gap between is short and no other event begins in it.

    Parameters
    ----------
    events : sequence of Event
        By onset.
    longest : float
        Seconds; 0 joins none.

    Returns
    -------
    events : list of Event
    filled : int
        Gaps.

    Examples
    --------
    >>> block = [Event(0, 0.5, "face"), Event(2, 0.5, "face"), Event(20, 0.5, "face")]
    >>> print(*fill_gaps(block, 1.5)[0], sep="; ")
    face at 0 s for 2.5 s; face at 20 s for 0.5 s
    """
    joined: list[Event] = []
    filled = 0
    for event in events:
        before = joined[-1] if joined else None
        gap = round(event.onset - before.end, _DIGITS) if before else 0.0
        if before and event.label == before.label and 0 < gap <= longest + _MICRO and longest > 0:
            joined[-1] = replace(before, duration=event.end - before.onset)
            filled += 1
        else:
            joined.append(event)
    return joined, filled


def until_next(events: Sequence[Event], end: float) -> list[Event]:
    """Let each event last to the onset of the next that begins later, and the last to `end`."""
    onsets = sorted({event.onset for event in events})
    following = dict(zip(onsets, [*onsets[1:], end], strict=True))
    return [replace(e, duration=max(following[e.onset] - e.onset, 0.0)) for e in events]


def lost(
    events: Sequence[Event], assigned: Assigned, excluded: Callable[[str], bool], seconds: float, lag: float
) -> list[Event]:
    """Find the events within the images that got no volume, though no other event lasts at that time.

    Parameters
    ----------
    events : sequence of Event
    assigned : Assigned
    excluded : callable
    seconds : float
        How long the run lasts.
    lag : float
    """
    gone = set(map(id, assigned.without))
    others = [e for e in events if id(e) not in gone and not excluded(e.label)]
    spans = np.array([(e.onset, e.end) for e in others]).reshape(-1, 2)
    found = []
    for event in assigned.without:
        middle = (event.onset + event.end) / 2
        within = ((spans[:, 0] <= middle) & (middle < spans[:, 1])).any()
        if -_MICRO <= middle + lag < seconds and not within:
            found.append(event)
    return found


def overlapping(events: Sequence[Event], excluded: Callable[[str], bool]) -> tuple[Event, Event] | None:
    """Find two events of different labels that last at one time, or None."""
    latest: Event | None = None
    for event in (event for event in events if event.duration > 0 and not excluded(event.label)):
        if latest and event.label != latest.label and round(latest.end - event.onset, _DIGITS) > 0:
            return latest, event
        if latest is None or event.end >= latest.end:
            latest = event
    return None
