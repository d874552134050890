"""Cells of events files by volume, such as the stimulus: those of the event that a volume shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.samples.labels.event import MICROSECOND, Event, until_next
from napari_fmri_decoder.samples.samples import OWN_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.labels.assigning import AssignmentRule


def cells_of_volumes(
    events: Sequence[Event], labels: Sequence[str], step: float, rule: AssignmentRule
) -> pd.DataFrame:
    """Find the cells of the event that each volume of a run shows.

    Parameters
    ----------
    events : sequence of Event
        By onset, as listed: events that `fill_gaps` joins are still separate.
    labels : sequence of str
        Of each volume; see `assign`.
    step : float
        TR in seconds.
    rule : AssignmentRule

    Returns
    -------
    DataFrame of n rows
        Of str; "" for volumes without a label, and for cells that are missing.
    """
    names = dict.fromkeys(name for event in events for name in event.cells if name not in OWN_COLUMNS)
    shown = shown_events(events, labels, step, rule)
    columns = {name: [events[i].cells.get(name, "") if i >= 0 else "" for i in shown] for name in names}
    return pd.DataFrame(columns, index=range(len(labels)), dtype=object)


def shown_events(
    events: Sequence[Event], labels: Sequence[str], step: float, rule: AssignmentRule
) -> NDArray[np.int64]:
    """Find the event of its label that overlaps each volume most; without overlap, the nearest.

    Returns
    -------
    (n,) int64 array
        Position in `events`; -1 for volumes without a label.
    """
    n, given = len(labels), np.asarray(labels, dtype=object)
    edges = np.arange(n + 1) * step - rule.lag
    middle = (edges[1:] + edges[:-1]) / 2
    spans = until_next(events, n * step - rule.lag) if rule.assign == "until-next" else events
    shown, most, nearest = np.full(n, -1), np.zeros(n), np.full(n, np.inf)
    for i, event in enumerate(spans):
        overlap = np.clip(np.minimum(edges[1:], event.end) - np.maximum(edges[:-1], event.onset), 0, None)
        distance = np.abs(middle - (event.onset + event.end) / 2)
        better = (overlap > most + MICROSECOND) | (
            (overlap > most - MICROSECOND) & (distance < nearest - MICROSECOND)
        )
        better &= given == event.label
        shown[better], most[better], nearest[better] = i, overlap[better], distance[better]
    return shown
