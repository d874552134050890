"""Labels from BIDS events: onset, duration and trial type of each trial or block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import find_events, run_keys
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.labels.table import read_table
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.volumes.volume import Part, Volume

_DIGITS = 6
"""Times are compared to the microsecond, so that rounding moves no volume across an edge."""
_GETS = {"none": "no label", "first": "that of the earlier", "last": "that of the later"}


class EventLabels(LabelsConfig):
    """Events of each run: volume i belongs to one when (i + 0.5) TR - lag is in [onset, onset + duration)."""

    summary: ClassVar[str] = "BIDS events: onset and duration in seconds, one file per run"

    source: Literal["events"] = "events"
    events: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the events files, in the order of the BOLD files, relative to "
        "the recipe. Empty takes the _events.tsv beside each BOLD file, found by its BIDS name.",
        json_schema_extra={"mode": "files"},
    )
    column: str = Field("trial_type", description="Column of the labels in the events files.")
    overlap: Literal["error", "none", "first", "last"] = Field(
        "error",
        description="What a volume gets that lies in events of different labels. error: nothing goes on "
        "until it is settled; none: no label; first, last: the label of the event that began earlier, or "
        "later. Excluded events give way to all others.",
    )

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the events of every run."""
        if series.step is None:
            raise InputError(
                "Labels from events need the seconds between volumes (TR), but these images are not a series "
                "in time. Give BOLD images, or repair the TR in the file's header."
            )
        runs, notes = [], []
        for part, file, (subject, session, run), events in self.read_runs(series, base):
            if self.overlap == "error":
                _check_overlaps(events, self.exclude, file)
            labels, unused, shared = _labels(events, part.n_volumes, series.step, self)
            if shared:
                notes.append(
                    f"{shared} volumes of {file.name} lie in events of different labels and get "
                    f"{_GETS[self.overlap]} (overlap = {self.overlap})."
                )
            if unused:
                notes.append(_say_unused(unused, file, part.n_volumes * series.step))
            runs.append(pd.DataFrame({"label": labels, "subject": subject, "session": session, "run": run}))
        return pd.concat(runs, ignore_index=True), notes

    def read_runs(
        self, series: Volume, base: Path
    ) -> list[tuple[Part, Path, tuple[str, str, str], list[Event]]]:
        """Read the events of every run as they are, those that are excluded too.

        Returns
        -------
        list of (Part, Path, (subject, session, run), list of Event)
            The BOLD file and its volumes, the events file, and what the names say.
        """
        parts = series.parts or (Part(series.name or "series", series.n_volumes),)
        files, keys = self._files(parts, base), _run_keys(parts)
        return [
            (part, file, key, read_events(file, self.column))
            for part, file, key in zip(parts, files, keys, strict=True)
        ]

    def _files(self, parts: tuple[Part, ...], base: Path) -> list[Path]:
        if not self.events:
            return [events_beside(Path(part.path)) for part in parts]
        files = [path for given in self.events for path in expand(given, base, "events")]
        if len(files) != len(parts):
            raise InputError(
                f"Each BOLD file must have its events file; found {len(files)} events files for {len(parts)} "
                "BOLD files. Name them in the same order, or leave events empty to find them by name."
            )
        return files


@dataclass(frozen=True, slots=True)
class Event:
    """What happened from `onset` on for `duration`, both in seconds from the run's first volume."""

    onset: float
    duration: float
    label: str

    def __str__(self) -> str:
        """Say what it is, and when."""
        return f"{self.label} at {self.onset:g} s for {self.duration:g} s"


def read_events(path: Path, column: str = "trial_type") -> list[Event]:
    """Read a BIDS events file.

    Parameters
    ----------
    path : Path
        Table with `onset` and `duration` in seconds and the labels in `column`.
    column : str

    Returns
    -------
    list of Event
        By onset; those without a label are left out.

    Raises
    ------
    InputError
        If a column is missing, or a time is no number.
    """
    table = read_table(path)
    missing = [c for c in ("onset", "duration", column) if c not in table]
    if missing:
        raise InputError(
            f"An events file must have the columns onset, duration and {column}; {path} lacks "
            f"{', '.join(missing)} and has {', '.join(table.columns)}. Add them, or name the column of the "
            "labels."
        )
    events = []
    for i, (onset, duration, label) in enumerate(
        zip(table["onset"], table["duration"], table[column], strict=True)
    ):
        if not label:
            continue
        try:
            event = Event(float(onset), float(duration or 0), label)
        except ValueError as error:
            raise InputError(
                f"Onset and duration must be seconds; row {i + 1} of {path} has {onset!r} and {duration!r}. "
                "Write them as numbers."
            ) from error
        events.append(event)
    return sorted(events, key=lambda event: event.onset)


def _labels(
    events: list[Event], n: int, step: float, config: EventLabels
) -> tuple[list[str], list[Event], int]:
    """Label the n volumes of a run; also give the events that hold none, and how many volumes are shared."""
    times = np.round((np.arange(n) + 0.5) * step - config.lag, _DIGITS)
    rest, labels = np.full(n, "", dtype=object), np.full(n, "", dtype=object)
    shared = np.zeros(n, dtype=bool)
    unused = []
    for event in events:
        inside = (times >= round(event.onset, _DIGITS)) & (
            times < round(event.onset + event.duration, _DIGITS)
        )
        if event.label in config.exclude:
            rest[inside] = event.label
            continue
        if not inside.any():
            unused.append(event)
        taken = inside & (labels != "")
        shared |= taken & (labels != event.label)
        labels[inside & ~taken if config.overlap == "first" else inside] = event.label
    if config.overlap == "none":
        labels[shared] = ""
    # Excluded events stand where no other does, not where others cancel out.
    labels = np.where((labels == "") & ~shared, rest, labels)
    return labels.tolist(), unused, int(shared.sum())


def _check_overlaps(events: list[Event], exclude: tuple[str, ...], path: Path) -> None:
    latest: Event | None = None
    for event in (event for event in events if event.duration > 0 and event.label not in exclude):
        end = latest.onset + latest.duration if latest else -np.inf
        if latest and event.label != latest.label and round(end - event.onset, _DIGITS) > 0:
            raise InputError(
                f"Events of different labels must not overlap; in {path} {latest} overlaps {event}. "
                "Shorten one, exclude one of the two labels, or say in overlap which of them counts."
            )
        if event.onset + event.duration >= end:
            latest = event


def _say_unused(unused: list[Event], path: Path, seconds: float) -> str:
    return (
        f"{len(unused)} event(s) of {path.name} hold no volume and are left out, such as {unused[0]}; the "
        f"images last {seconds:g} s."
    )


def _run_keys(parts: tuple[Part, ...]) -> list[tuple[str, str, str]]:
    keys: dict[tuple[str, str, str], str] = {}
    for part, key in zip(parts, run_keys([part.path for part in parts]), strict=True):
        if key in keys:
            subject, session, run = key
            raise InputError(
                f"Each BOLD file must be a run of its own, but {Path(keys[key]).name} and "
                f"{Path(part.path).name} both are subject {subject!r}, session {session!r}, run {run!r} by "
                "their names. Rename one, decode them apart, or give the runs in a table."
            )
        keys[key] = part.path
    return list(keys)


def events_beside(bold: Path) -> Path:
    """Find the events file of a BOLD file by its BIDS name.

    Raises
    ------
    InputError
        If there is none.
    """
    found = find_events(bold)
    if found is None:
        raise InputError(
            f"Each BOLD file must have its events beside it; found none for {bold.name} in {bold.parent}. "
            "Put an _events.tsv of the same BIDS name there, or name the files in events."
        )
    return found
