"""Assign the events of a run to its volumes: one label per volume, by one of four rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.labels.event import DIGITS, MICROSECOND, Event, until_next

Assign = Literal["midpoint", "nearest", "overlap", "until-next"]
Overlap = Literal["error", "none", "first", "last"]


@dataclass(frozen=True, slots=True)
class AssignmentRule:
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
class Assignment:
    """The labels of the volumes of a run.

    Attributes
    ----------
    labels : tuple of str
        One per volume; "" for none.
    without : tuple of Event
        Events that are not excluded and have no volume.
    n_events : int
        Number of events that are not excluded.
    shared : int
        Number of volumes that belong to events of different labels.
    clash : (Event, Event), or None
        Two events of different labels that claim one volume if `overlap` is "error".
    """

    labels: tuple[str, ...]
    without: tuple[Event, ...]
    n_events: int
    shared: int
    clash: tuple[Event, Event] | None


def assign(
    events: Sequence[Event], excluded: Callable[[str], bool], n: int, step: float, rule: AssignmentRule
) -> Assignment:
    """Give each volume of a run the label of the event that it belongs to.

    Parameters
    ----------
    events : sequence of Event
        By onset.
    excluded : callable
        Whether a label is excluded: any other event takes precedence over such events.
    n : int
        Number of volumes: volume i lasts from i to i + 1 steps.
    step : float
        TR in seconds.
    rule : AssignmentRule

    Examples
    --------
    >>> short = [Event(2.2, 0.5, "face"), Event(6.1, 0.5, "house")]
    >>> for name in ("midpoint", "nearest", "until-next"):
    ...     assign(short, lambda label: False, 5, 2.0, AssignmentRule(name)).labels
    ('', '', '', '', '')
    ('', 'face', '', 'house', '')
    ('', 'face', 'face', 'house', 'house')
    """
    spans = until_next(events, n * step - rule.lag) if rule.assign == "until-next" else list(events)
    included = [i for i, event in enumerate(events) if not excluded(event.label)]
    baseline = [i for i, event in enumerate(events) if excluded(event.label)]
    method = _by_overlap if rule.assign == "overlap" else _by_midpoint
    labels, shared, without, clash = method(spans, included, n, step, rule)
    # Excluded events apply where there is no other event, but not where other events cancel out.
    free = (labels == "") & ~shared
    for i in baseline:
        labels[free & _midpoints_within(spans[i], n, step, rule.lag)] = spans[i].label
    return Assignment(
        tuple(labels.tolist()),
        tuple(events[i] for i in without),
        len(included),
        int(shared.sum()),
        None if clash is None else (events[clash[0]], events[clash[1]]),
    )


def find_lost_events(
    events: Sequence[Event],
    assignment: Assignment,
    excluded: Callable[[str], bool],
    seconds: float,
    lag: float,
) -> list[Event]:
    """Find the events during the scan that got no volume although no other event covers that time.

    Parameters
    ----------
    events : sequence of Event
    assignment : Assignment
    excluded : callable
    seconds : float
        Duration of the run.
    lag : float
    """
    without = set(map(id, assignment.without))
    others = [e for e in events if id(e) not in without and not excluded(e.label)]
    spans = np.array([(e.onset, e.end) for e in others]).reshape(-1, 2)
    lost = []
    for event in assignment.without:
        middle = (event.onset + event.end) / 2
        covered = ((spans[:, 0] <= middle) & (middle < spans[:, 1])).any()
        if -MICROSECOND <= middle + lag < seconds and not covered:
            lost.append(event)
    return lost


_Labeled = tuple[NDArray[np.object_], NDArray[np.bool_], list[int], tuple[int, int] | None]
"""Labels, volumes that are shared, events without a volume, two events that clash."""


def _by_midpoint(
    spans: Sequence[Event], included: Sequence[int], n: int, step: float, rule: AssignmentRule
) -> _Labeled:
    """Let each event claim the volumes whose midpoint it contains, or else the nearest."""
    labels, owner, shared = np.full(n, "", dtype=object), np.full(n, -1), np.zeros(n, dtype=bool)
    without, clash = [], None
    for i in included:
        claimed = _midpoints_within(spans[i], n, step, rule.lag)
        nearest = _volume_at((spans[i].onset + spans[i].end) / 2, n, step, rule.lag)
        if rule.assign == "nearest" and not claimed.any() and nearest is not None:
            claimed[nearest] = True
        if not claimed.any():
            without.append(i)
        taken = claimed & (labels != "")
        conflict = taken & (labels != spans[i].label)
        if rule.overlap == "error" and clash is None and conflict.any():
            clash = (int(owner[np.flatnonzero(conflict)[0]]), i)
        shared |= conflict
        assigned = claimed & ~taken if rule.overlap == "first" else claimed
        labels[assigned], owner[assigned] = spans[i].label, i
    if rule.overlap == "none":
        labels[shared] = ""
    return labels, shared, without, clash


def _midpoints_within(event: Event, n: int, step: float, lag: float) -> NDArray[np.bool_]:
    """(n,) volumes whose midpoint is within an event."""
    times = np.round((np.arange(n) + 0.5) * step - lag, DIGITS)
    return np.asarray((times >= round(event.onset, DIGITS)) & (times < round(event.end, DIGITS)))


def _volume_at(seconds: float, n: int, step: float, lag: float) -> int | None:
    """Volume acquired at a time, which also has the nearest midpoint; None outside of the run."""
    volume = np.floor(round((seconds + lag) / step, DIGITS))
    return int(volume) if 0 <= volume < n else None


def _by_overlap(
    spans: Sequence[Event], included: Sequence[int], n: int, step: float, rule: AssignmentRule
) -> _Labeled:
    """Give each volume the label that fills most of it; on a tie, the earlier one."""
    filled_by: dict[str, NDArray[np.float64]] = {}
    labels, best, shared = np.full(n, "", dtype=object), np.zeros(n), np.zeros(n, dtype=bool)
    edges = np.asarray(np.arange(n + 1) * step - rule.lag, dtype=np.float64)
    for low, high, label, several in _segments(spans, included, rule.overlap):
        filled = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
        shared |= several & (filled > MICROSECOND)
        if label:
            filled_by[label] = filled_by.get(label, np.zeros(n)) + filled
    for label, filled in filled_by.items():  # in the order in which they first occur
        more = (filled > best + MICROSECOND) & (filled >= max(rule.min_overlap, MICROSECOND) - MICROSECOND)
        labels[more], best[more] = label, filled[more]
    labels, clash = _resolve_ties(labels, filled_by, best, spans, included, edges), None
    instants = [i for i in included if spans[i].duration < MICROSECOND and rule.min_overlap == 0]
    owner: dict[int, int] = {}
    for i in instants:  # events without duration fill nothing, so they count only in otherwise empty volumes
        at = _volume_at(spans[i].onset, n, step, rule.lag)
        if at is None or best[at] > 0:
            continue
        first = owner.setdefault(at, i)
        if spans[first].label != spans[i].label:
            shared[at] = True
            clash = clash or (first, i)
        labels[at] = {"first": spans[first].label, "none": ""}.get(rule.overlap, spans[i].label)
    if rule.overlap == "none":
        labels[shared & (best == 0)] = ""
    without = [i for i in included if not _has_volume(spans[i], labels, edges)]
    return labels, shared, without, clash if rule.overlap == "error" else None


def _resolve_ties(
    labels: NDArray[np.object_],
    filled_by: dict[str, NDArray[np.float64]],
    best: NDArray[np.float64],
    spans: Sequence[Event],
    included: Sequence[int],
    edges: NDArray[np.float64],
) -> NDArray[np.object_]:
    """Where two labels fill a volume equally, use the one whose event comes first in it."""
    for volume in np.flatnonzero(best > 0):
        tied = {label for label, filled in filled_by.items() if filled[volume] >= best[volume] - MICROSECOND}
        if len(tied) > 1:
            within = [
                spans[i]
                for i in included
                if spans[i].label in tied and spans[i].end > edges[volume] + MICROSECOND
            ]
            labels[volume] = min(within, key=lambda event: event.onset).label
    return labels


def _has_volume(event: Event, labels: NDArray[np.object_], edges: NDArray[np.float64]) -> bool:
    touched = (edges[1:] > event.onset + MICROSECOND) & (edges[:-1] < event.end - MICROSECOND)
    if event.duration < MICROSECOND:
        touched = (edges[:-1] <= event.onset + MICROSECOND) & (event.onset + MICROSECOND < edges[1:])
    return bool((touched & (labels == event.label)).any())


def _segments(
    spans: Sequence[Event], included: Sequence[int], overlap: Overlap
) -> list[tuple[float, float, str, bool]]:
    """Split time at all onsets and ends: start, end, effective label, whether labels overlap there."""
    changes = sorted(
        [(spans[i].onset, 1, i) for i in included if spans[i].duration > 0]
        + [(spans[i].end, 0, i) for i in included if spans[i].duration > 0]
    )
    active: set[int] = set()
    segments = []
    for (low, starts, i), (high, _, _) in pairwise(changes):
        active = active | {i} if starts else active - {i}
        if high - low < MICROSECOND or not active:
            continue
        several = len({spans[k].label for k in active}) > 1
        order = sorted(active, key=lambda k: (spans[k].onset, k))
        label = spans[order[0 if overlap == "first" else -1]].label
        segments.append((low, high, "" if several and overlap == "none" else label, several))
    return segments
