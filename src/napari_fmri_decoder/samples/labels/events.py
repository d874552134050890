"""Labels from BIDS events files: onset, duration and trial type of each trial or block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import find_events, run_keys
from napari_fmri_decoder.samples.labels.base import CellLabels
from napari_fmri_decoder.samples.labels.event import Event
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.samples.pairing import pair
from napari_fmri_decoder.samples.path_patterns import expand
from napari_fmri_decoder.samples.tables import label_cells, not_a_number, number_cells, read_table, text_cells

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Part


class EventLabels(CellLabels, OnsetLabels):
    """Events of each run: by default, an event labels volume i if its midpoint minus lag is in the event."""

    summary: ClassVar[str] = "BIDS events: onset and duration in seconds, one file per run"

    source: Literal["events"] = "events"
    events: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the events files, relative to the recipe. They are matched to "
        "the BOLD files by name if possible, otherwise by order. By default the _events.tsv of each BOLD "
        "file, found by its BIDS name.",
        json_schema_extra={"mode": "files"},
    )
    column: str = Field("trial_type", description="Name of the column of labels in the events files.")

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the events files."""
        files, keys = self.files_of([Path(part.path) for part in parts], base), _unique_run_keys(parts)
        tables = [_read_columns(file, self.column) for file in files]
        joined = pd.concat([table["label"] for table in tables], ignore_index=True)
        of_run = [i for i, table in enumerate(tables) for _ in range(len(table))]
        labels, notes = label_cells(joined, of_run, self.missing)
        runs, at, blank = [], 0, 0
        for part, file, key, table in zip(parts, files, keys, tables, strict=True):
            events, without = parse_events(table.assign(label=labels[at : at + len(table)].to_numpy()), file)
            runs.append(EventRun(part, file, key, tuple(events)))
            at, blank = at + len(table), blank + without
        if blank:
            notes.append(f"{blank} event(s) have no duration and are treated as lasting 0 s.")
        return runs, notes

    def files_of(self, images: Sequence[Path], base: Path) -> list[Path]:
        """Find the events file of each BOLD file."""
        if not self.events:
            return [_required_events(path) for path in images]
        files = [path for pattern in self.events for path in expand(pattern, base, "events")]
        return pair(images, files, "events file", "labels.events")


def _read_columns(path: Path, column: str) -> pd.DataFrame:
    """Read the rows as text: `onset`, `duration`, `label`, and `cells` with all columns but the onset."""
    table = read_table(path, "events file")
    missing = [c for c in ("onset", "duration", column) if c not in table]
    if missing:
        raise InputError(
            f"An events file must have the columns onset, duration and {column}; {path} lacks "
            f"{', '.join(missing)} and has {', '.join(table.columns)}. Add them, or set column to the "
            "column of labels."
        )
    others = table.drop(columns="onset").apply(text_cells)
    cells = [dict(zip(others, row, strict=True)) for row in others.itertuples(index=False)]
    read = pd.DataFrame({"onset": table["onset"], "duration": table["duration"], "label": table[column]})
    return read.assign(cells=pd.Series(cells, index=read.index, dtype=object))


def parse_events(table: pd.DataFrame, path: Path) -> tuple[list[Event], int]:
    """Convert the rows of an events table to events.

    Parameters
    ----------
    table : DataFrame
        `onset` and `duration` in seconds, as text, `label` ("" for none), and optionally `cells`.
    path : Path
        For messages.

    Returns
    -------
    events : list of Event
        Events with a label.
    blank : int
        Number of events without a duration.

    Raises
    ------
    InputError
        If an onset is missing, a time is not a number, or a duration is negative.
    """
    table = table.reset_index(drop=True)
    table = table[table["label"] != ""]
    rows = table.index
    (onsets, wrong), (durations, wrong_too) = number_cells(table["onset"]), number_cells(table["duration"])
    for column, found in (("onset", wrong), ("duration", wrong_too)):
        if found:
            raise not_a_number(path, int(rows[found[0]]), "Onset and duration", table[column].iloc[found[0]])
    if len(missing := rows[pd.isna(onsets)]):
        raise InputError(
            f"Each event must have an onset; in {path} {len(missing)} of {len(table)} events have none, the "
            f"first in row {missing[0] + 1}. Fill them in, or remove those rows."
        )
    if len(negative := rows[durations < 0]):
        raise InputError(
            f"Durations must be 0 s or more; in {path} {len(negative)} of {len(table)} events have a "
            f"negative one, the first in row {negative[0] + 1} ({table['duration'][negative[0]]}). Correct "
            "them."
        )
    blank = pd.isna(durations)
    cells = table["cells"].tolist() if "cells" in table else [dict[str, str]()] * len(table)
    events = [
        Event(float(onset), 0.0 if lacks else float(duration), str(label), of_row)
        for onset, duration, lacks, label, of_row in zip(
            onsets, durations, blank, table["label"], cells, strict=True
        )
    ]
    return events, int(blank.sum())


def _unique_run_keys(parts: Sequence[Part]) -> list[tuple[str, str, str]]:
    """Name the run of each BOLD file as (subject, session, run); raise an error if two have one name."""
    keys = run_keys([part.path for part in parts])
    seen: dict[tuple[str, ...], str] = {}
    for part, key in zip(parts, keys, strict=True):
        plain = tuple(plain_label(label) for label in key)
        if plain in seen:
            subject, session, run = key
            raise InputError(
                f"Each BOLD file must be a separate run, but {Path(seen[plain]).name} and "
                f"{Path(part.path).name} both are subject {subject!r}, session {session!r}, run {run!r} by "
                "their names. Rename one, decode them separately, or list the runs in a table."
            )
        seen[plain] = part.path
    return keys


def _required_events(bold: Path) -> Path:
    """Find the events file of a BOLD file by its BIDS name, or raise an error."""
    found = find_events(bold)
    if found is None:
        raise InputError(
            f"Each BOLD file must have an events file; found none for {bold.name} in {bold.parent}. "
            "Put an _events.tsv with the same BIDS name there, or list the files in events."
        )
    return found
