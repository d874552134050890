"""The runs of a series: their volumes and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.blocks import run_starts
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.labels.event import Event
from napari_fmri_decoder.samples.labels.onsets import OnsetLabels

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.labels import LabelsConfig
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Run:
    """Volumes and events of one run.

    Attributes
    ----------
    subject, session, run : str
    start, stop : int
        First volume in the series, and the volume after the last.
    events : tuple of Event
        By onset, in seconds from the run's first volume.
    bold, source : Path or None
        File of its volumes, if it is in a separate file, and of its events.
    """

    subject: str
    session: str
    run: str
    start: int
    stop: int
    events: tuple[Event, ...]
    bold: Path | None = None
    source: Path | None = None

    @property
    def n_volumes(self) -> int:
        """Number of volumes."""
        return self.stop - self.start

    def __str__(self) -> str:
        """Name for messages."""
        parts = [("subject", self.subject), ("session", self.session), ("run", self.run)]
        return ", ".join(f"{name} {value}" for name, value in parts if value)


def find_runs(labels: LabelsConfig, series: Volume, base: Path) -> tuple[list[Run], list[str]]:
    """Find the runs and events of a series from any label source.

    Parameters
    ----------
    labels : LabelsConfig
        Events keep their onsets and durations, and may overlap. For any other source, each block of one
        label becomes one event. Excluded labels are the baseline. The lag is added to the onsets; nothing
        is trimmed.
    series : Volume
        A time series.
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    runs : list of Run
    notes : list of str

    Raises
    ------
    InputError
        If the series has no TR, or the labels do not fit it.
    """
    if series.step is None:
        raise InputError(
            "Z-maps need a time series, but these images have no TR. Use BOLD images, or correct the TR in "
            "the file's header; a stack of maps needs no further z-maps."
        )
    option_notes = []
    if labels.trim_start or labels.trim_end:
        option_notes = [
            "trim_start and trim_end do not apply to z-maps: the model uses the full duration of each event."
        ]
        labels = labels.model_copy(update={"trim_start": 0, "trim_end": 0})
    if isinstance(labels, OnsetLabels):
        if labels.assign or labels.fill_gaps:
            option_notes.append(
                "assign and fill_gaps do not apply to z-maps: the model uses each event as listed."
            )
        runs, notes = _runs_of_events(labels, series, base)
        return runs, [*option_notes, *notes]
    table, notes = label_table(labels, series, base)
    return runs_of_table(table, series.step, labels.excluded(table["label"])), [*option_notes, *notes]


def _runs_of_events(labels: OnsetLabels, series: Volume, base: Path) -> tuple[list[Run], list[str]]:
    event_runs, notes = labels.read_runs(series, base)
    excluded = labels.excluded(event.label for run in event_runs for event in run.events)
    runs, start = [], 0
    for run in event_runs:
        events = (replace(e, onset=e.onset + labels.delay) for e in run.events if e.label not in excluded)
        stop = start + run.part.n_volumes
        runs.append(Run(*run.key, start, stop, tuple(events), Path(run.part.path), run.file))
        start = stop
    return runs, notes


def runs_of_table(table: pd.DataFrame, step: float, exclude: Sequence[str] = ()) -> list[Run]:
    """Convert the blocks of a label table to events.

    Parameters
    ----------
    table : DataFrame of n rows
        From `label_table`.
    step : float
        TR in seconds.
    exclude : sequence of str
        Labels that are part of the baseline, like volumes without a label.

    Returns
    -------
    list of Run

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"label": ["rest", "face", "face", "rest"], "run": "1"})
    >>> table = table.assign(volume=range(4), subject="", session="", block=[0, 1, 1, 2])
    >>> [str(event) for event in runs_of_table(table, 2.5, exclude=["rest"])[0].events]
    ['face at 2.5 s for 5 s']
    """
    starts = run_starts(table)
    runs = []
    for name, (start, *again) in starts.items():
        if again:
            raise InputError(
                f"The volumes of a run must be consecutive, but run {name!r} starts again at volume "
                f"{again[0]}. Number the runs consecutively, or add a session or subject column."
            )
        later = [first for (first, *_) in starts.values() if first > start]
        rows = table.iloc[start : min(later, default=len(table))]
        events = []
        for _, block in rows.groupby("block", sort=False):
            label = str(block["label"].iloc[0])
            if label and label not in exclude:
                onset = (int(block["volume"].iloc[0]) - start) * step
                events.append(Event(round(onset, 6), round(len(block) * step, 6), label))
        subject, session, run = (str(rows[c].iloc[0]) for c in ("subject", "session", "run"))
        runs.append(Run(subject, session, run, start, start + len(rows), tuple(events)))
    return runs


def check_runs(runs: Sequence[Run], step: float, lag: float = 0.0) -> tuple[list[Run], list[str]]:
    """Select the runs that have events, and check the events before any volume is read.

    Parameters
    ----------
    runs : sequence of Run
    step : float
        TR in seconds.
    lag : float
        Delay of the response in seconds.

    Returns
    -------
    runs : list of Run
    notes : list of str

    Raises
    ------
    InputError
        If no run has an event, or an event starts after the end of its run.
    """
    if not any(run.events for run in runs):
        raise InputError(
            f"At least one run must have an event, but none of {len(runs)} has. Check the events and the "
            "excluded labels."
        )
    conditions = sorted({event.label for run in runs for event in run.events})
    notes = []
    for run in runs:
        lasts = run.n_volumes * step
        late = [event for event in run.events if event.onset + lag >= lasts]
        if late:
            raise InputError(
                f"Events must start during the scan: {run} has {run.n_volumes} volumes, {lasts:g} s at a TR "
                f"of {step:g} s, but {len(late)} of {len(run.events)} events start later, such as {late[0]}. "
                "Check the TR, and that images and events belong together, or remove those events."
            )
        if not run.events:
            notes.append(f"{_capital(str(run))} has no events, so it has no maps.")
            continue
        missing = [name for name in conditions if name not in {event.label for event in run.events}]
        if missing:
            notes.append(
                f"{_capital(str(run))} has no map of {', '.join(missing)}, because it has no such events."
            )
        end = max(event.onset + event.duration for event in run.events)
        if end < lasts / 2:
            notes.append(
                f"The events of {run} end at {end:g} s, before the middle of the scan, which lasts "
                f"{lasts:g} s. Check the TR."
            )
    return [run for run in runs if run.events], notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def frame_times(run: Run, step: float, reference_time: float) -> NDArray[np.float64]:
    """(n,) reference times of the volumes, in seconds from the start of the run."""
    return np.asarray((np.arange(run.n_volumes) + reference_time) * step, dtype=np.float64)
