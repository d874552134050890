"""The runs of a series: which volumes, which events, which confounds."""

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
from napari_fmri_decoder.samples.labels.assigning import Event
from napari_fmri_decoder.samples.labels.onsets import OnsetLabels

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.labels import LabelsConfig
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Run:
    """Volumes of one run, and what happened in it.

    Attributes
    ----------
    subject, session, run : str
    start, stop : int
        First volume in the series, and the one after the last.
    events : tuple of Event
        By onset, in seconds from the run's first volume.
    bold, source : Path or None
        The file of its volumes where it has one of its own, and that of its events.
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
        """How many volumes there are."""
        return self.stop - self.start

    def __str__(self) -> str:
        """Name it as messages do."""
        parts = [("subject", self.subject), ("session", self.session), ("run", self.run)]
        return ", ".join(f"{name} {value}" for name, value in parts if value)


def find_runs(labels: LabelsConfig, series: Volume, base: Path) -> tuple[list[Run], list[str]]:
    """Find runs and events of a series, from any source of labels.

    Parameters
    ----------
    labels : LabelsConfig
        Of events the onsets and durations are taken as they are; what overlaps may. Of any other
        source each block of one label becomes one event. Excluded labels are the baseline. Its lag
        is added to the onsets; nothing is trimmed.
    series : Volume
        In time.
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
            "Z-maps are made of a series in time, but these images have no TR. Give BOLD images, or repair "
            "the TR in the file's header; a stack of maps needs no further z-maps."
        )
    said = []
    if labels.trim_start or labels.trim_end:
        said = ["Nothing is trimmed for z-maps: the model takes each event as long as it lasted."]
        labels = labels.model_copy(update={"trim_start": 0, "trim_end": 0})
    if isinstance(labels, OnsetLabels):
        if labels.assign or labels.fill_gaps:
            said.append("assign and fill_gaps do not apply to z-maps: the model takes each event as it is.")
        runs, notes = _of_files(labels, series, base)
        return runs, [*said, *notes]
    table, notes = label_table(labels, series, base)
    return runs_of_table(table, series.step, labels.excluded(table["label"])), [*said, *notes]


def _of_files(labels: OnsetLabels, series: Volume, base: Path) -> tuple[list[Run], list[str]]:
    found, notes = labels.read_runs(series, base)
    excluded = labels.excluded(event.label for one in found for event in one.events)
    runs, start = [], 0
    for one in found:
        kept = (replace(e, onset=e.onset + labels.lag) for e in one.events if e.label not in excluded)
        stop = start + one.part.n_volumes
        runs.append(Run(*one.key, start, stop, tuple(kept), Path(one.part.path), one.file))
        start = stop
    return runs, notes


def runs_of_table(table: pd.DataFrame, step: float, exclude: Sequence[str] = ()) -> list[Run]:
    """Make events of the blocks of a label table.

    Parameters
    ----------
    table : DataFrame of n rows
        From `label_table`.
    step : float
        TR in seconds.
    exclude : sequence of str
        Labels that are the baseline, as volumes without a label are.

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
                f"The volumes of a run must follow one another, but run {name!r} begins anew at volume "
                f"{again[0]}. Number the runs through, or add a session or subject column."
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
    """Keep the runs that have events; what does not fit is said before anything is read.

    Parameters
    ----------
    runs : sequence of Run
    step : float
        TR in seconds.
    lag : float
        Seconds by which responses follow.

    Returns
    -------
    kept : list of Run
    notes : list of str

    Raises
    ------
    InputError
        If no run has an event, or an event begins after the images of its run.
    """
    if not any(run.events for run in runs):
        raise InputError(
            f"At least one run must have an event, but none of {len(runs)} has. Check the events, and what "
            "is excluded."
        )
    conditions = sorted({event.label for run in runs for event in run.events})
    notes = []
    for run in runs:
        lasts = run.n_volumes * step
        late = [event for event in run.events if event.onset + lag >= lasts]
        if late:
            raise InputError(
                f"Events must begin within the images: of {run} there are {run.n_volumes} volumes, "
                f"{lasts:g} s at a TR of {step:g} s, but {len(late)} of {len(run.events)} events begin "
                f"later, such as {late[0]}. Check the TR, and that images and events belong together; else "
                "take those events out."
            )
        if not run.events:
            notes.append(f"{_capital(str(run))} has no event: there are no maps of it.")
            continue
        missing = [name for name in conditions if name not in {event.label for event in run.events}]
        if missing:
            notes.append(f"{_capital(str(run))} has no map of {', '.join(missing)}: no event shows it.")
        end = max(event.onset + event.duration for event in run.events)
        if end < lasts / 2:
            notes.append(
                f"The events of {run} end at {end:g} s, before the middle of its images, which last "
                f"{lasts:g} s. Check the TR."
            )
    return [run for run in runs if run.events], notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def frame_times(run: Run, step: float, moment: float) -> NDArray[np.float64]:
    """(n,) seconds from the run's start that its volumes stand for."""
    return np.asarray((np.arange(run.n_volumes) + moment) * step, dtype=np.float64)
