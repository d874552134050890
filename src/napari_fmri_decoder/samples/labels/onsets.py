"""Base class of label sources with onsets and durations: shared options, and labels per volume."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self, get_args

import pandas as pd
from pydantic import Field, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.assigning import (
    Assign,
    Assignment,
    AssignmentRule,
    assign,
    find_lost_events,
)
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.labels.event import Event, fill_gaps, find_overlap
from napari_fmri_decoder.samples.labels.event_cells import cells_of_volumes
from napari_fmri_decoder.volumes.volume import Part, Volume

MAX_LOST_FRACTION = 0.1
"""Fraction of the events that may get no volume unless the user has chosen `assign`."""
_RESOLVED_AS = {"none": "no label", "first": "that of the earlier one", "last": "that of the later one"}


@dataclass(frozen=True, slots=True)
class EventRun:
    """The events of one run.

    Attributes
    ----------
    part : Part
        The BOLD file and its number of volumes.
    file : Path
        File of the events.
    key : (str, str, str)
        Subject, session and run.
    events : tuple of Event
        By onset, including excluded ones.
    """

    part: Part
    file: Path
    key: tuple[str, str, str]
    events: tuple[Event, ...]


class UndecidedError(InputError):
    """Raised if many events contain no volume and the user has not chosen how to assign them."""


class OnsetLabels(LabelsConfig):
    """Labels from onsets and durations in seconds."""

    rows_are_renamed: ClassVar[bool] = True

    assign: Literal["midpoint", "nearest", "overlap", "until-next"] | None = Field(
        None,
        description="Which volumes an event labels. midpoint: volumes whose midpoint is within the event. "
        "nearest: the same, or the single nearest volume if there is none. overlap: volumes that the label "
        "fills more than any other label. until-next: as if each event lasted until the next onset, and the "
        "last one until the end of the run. By default midpoint, with an error if more than 10% of the "
        "events contain no volume.",
        json_schema_extra={"none": "midpoint, if few events are lost"},
    )
    min_overlap: float = Field(
        0.0,
        ge=0,
        le=60,
        description="Minimum time in seconds that a label must fill in a volume. Only used if assign is "
        "overlap.",
        json_schema_extra={"unit": "s"},
    )
    fill_gaps: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Longest gap, in seconds, to fill between successive events of the same label; the "
        "events become one. Use it for blocks that are listed stimulus by stimulus. 0 fills no gaps.",
        json_schema_extra={"unit": "s"},
    )
    overlap: Literal["error", "none", "first", "last"] = Field(
        "error",
        description="Label of a volume that belongs to events of different labels. error: raise an error. "
        "none: no label. first, last: the label of the event that started earlier or later. Excluded "
        "events never take precedence over others.",
    )

    @model_validator(mode="after")
    def _check_min_overlap(self) -> Self:
        if self.min_overlap and self.assign != "overlap":
            raise ValueError('min_overlap is an option of assign = "overlap"; set that, or min_overlap = 0')
        return self

    @abstractmethod
    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the events of each run in file order, with their labels as written ("" for none).

        Parameters
        ----------
        parts : sequence of Part
            The BOLD files.
        base : Path
            Folder that relative paths start from.

        Returns
        -------
        runs : list of EventRun
            In the order of the files.
        notes : list of str
        """

    def read_runs(self, series: Volume, base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the events of each run, renamed and sorted by onset; events without a label are dropped.

        Returns
        -------
        runs : list of EventRun
        notes : list of str
        """
        parts = series.parts or (Part(series.name or "series", series.n_volumes),)
        runs, notes = self.read_events(parts, base)
        labels, name_notes = self.apply_names([event.label for run in runs for event in run.events])
        names = iter(labels)
        renamed = []
        for run in runs:
            events = [replace(event, label=name) for event, name in zip(run.events, names, strict=False)]
            events = sorted((event for event in events if event.label), key=lambda event: event.onset)
            renamed.append(replace(run, events=tuple(events)))
        return renamed, [*notes, *name_notes]

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Label the volumes of each run."""
        step = _required_step(series)
        listed, notes = self.read_runs(series, base)
        runs, filled = self._fill_gaps(listed)
        excluded = self._is_excluded(runs)
        rule, tables, assignments = self._rule(), [], []
        for run, single in zip(runs, listed, strict=True):
            if self.overlap == "error" and self.assign != "until-next":
                _check_conflict(find_overlap(run.events, excluded), run.file, "must not overlap", "overlaps")
            assignment = assign(run.events, excluded, run.part.n_volumes, step, rule)
            _check_conflict(
                assignment.clash, run.file, "must not be in the same volume", "is in the same volume as"
            )
            assignments.append(assignment)
            if assignment.shared:
                notes.append(
                    f"{assignment.shared} volumes of {run.file.name} belong to events of different labels "
                    f"and get {_RESOLVED_AS[self.overlap]} (overlap = {self.overlap})."
                )
            if assignment.without:
                notes.append(_note_skipped(assignment.without, run.file, run.part.n_volumes * step))
            subject, session, name = run.key
            cells = cells_of_volumes(single.events, assignment.labels, step, rule)
            tables.append(cells.assign(label=assignment.labels, subject=subject, session=session, run=name))
        if self.assign is None:
            self._check_lost(runs, assignments, step)
        elif any(assignment.n_events for assignment in assignments):
            notes.append(f"{_count(assignments)} contain a volume (assign = {self.assign}).")
        if filled:
            notes.append(f"{filled} gaps of up to {self.fill_gaps:g} s are filled, joining events to blocks.")
        return pd.concat(tables, ignore_index=True).fillna(""), notes

    def preview(self, series: Volume, base: Path) -> dict[str, tuple[list[str], str]]:
        """Label the volumes by each choice of `assign`, for comparison.

        Returns
        -------
        dict of str to (list of n str, str)
            For each choice of `assign`, the label of each volume, and how many events contain a volume.
        """
        step = _required_step(series)
        runs, _ = self._fill_gaps(self.read_runs(series, base)[0])
        excluded = self._is_excluded(runs)
        previews = {}
        for choice in get_args(Assign):
            rule = replace(
                self._rule(), assign=choice, overlap="last" if self.overlap == "error" else self.overlap
            )
            found = [assign(run.events, excluded, run.part.n_volumes, step, rule) for run in runs]
            previews[choice] = ([label for one in found for label in one.labels], _count(found))
        return previews

    def _rule(self) -> AssignmentRule:
        return AssignmentRule(self.assign or "midpoint", self.min_overlap, self.overlap, self.delay)

    def _fill_gaps(self, runs: Sequence[EventRun]) -> tuple[list[EventRun], int]:
        """Join events to blocks by `fill_gaps`; also return the number of gaps."""
        joined = [fill_gaps(run.events, self.fill_gaps) for run in runs]
        blocks = [replace(run, events=tuple(events)) for run, (events, _) in zip(runs, joined, strict=True)]
        return blocks, sum(filled for _, filled in joined)

    def _is_excluded(self, runs: Sequence[EventRun]) -> Callable[[str], bool]:
        names = set(self.excluded(event.label for run in runs for event in run.events))
        return lambda label: label in names

    def _check_lost(self, runs: Sequence[EventRun], assignments: Sequence[Assignment], step: float) -> None:
        """Raise an error if many events would be lost without the user having chosen so."""
        excluded = self._is_excluded(runs)
        lost = [
            event
            for run, assignment in zip(runs, assignments, strict=True)
            for event in find_lost_events(
                run.events, assignment, excluded, run.part.n_volumes * step, self.delay
            )
        ]
        n = sum(assignment.n_events for assignment in assignments)
        if len(lost) <= MAX_LOST_FRACTION * n:
            return
        raise UndecidedError(
            f"At most 10% of the events may be lost by default, but {len(lost)} of {n} contain no volume's "
            f"midpoint (TR {step:g} s), such as {lost[0]}. Choose in labels: "
            f"{self._alternatives(runs, step)}; or, for blocks of short events, fill_gaps = the longest gap "
            "within a block in seconds; or model the events with [zmaps]. "
            'assign = "midpoint" skips these events.'
        )

    def _alternatives(self, runs: Sequence[EventRun], step: float) -> str:
        """List how many events and volumes the other choices of `assign` would label."""
        excluded, alternatives = self._is_excluded(runs), []
        for choice in get_args(Assign)[1:]:
            rule = replace(self._rule(), assign=choice)
            found = [assign(run.events, excluded, run.part.n_volumes, step, rule) for run in runs]
            n_volumes = sum(label != "" and not excluded(label) for one in found for label in one.labels)
            n_events = sum(one.n_events - len(one.without) for one in found)
            alternatives.append(f'assign = "{choice}" ({n_events} events, {n_volumes} volumes)')
        return ", ".join(alternatives)


def _required_step(series: Volume) -> float:
    if series.step is None:
        raise InputError(
            "Labels from events need the repetition time (TR), but these images are not a time series. Use "
            "BOLD images, or correct the TR in the file's header."
        )
    return series.step


def _count(assignments: Sequence[Assignment]) -> str:
    n = sum(one.n_events for one in assignments)
    return f"{n - sum(len(one.without) for one in assignments)} of {n} events"


def _check_conflict(pair: tuple[Event, Event] | None, path: Path, requirement: str, found: str) -> None:
    if pair is not None:
        raise InputError(
            f"Events of different labels {requirement}; in {path} {pair[0]} {found} {pair[1]}. "
            "Shorten one, exclude one of the two labels, or set overlap to choose which of them applies."
        )


def _note_skipped(events: Sequence[Event], path: Path, seconds: float) -> str:
    return (
        f"{len(events)} event(s) of {path.name} contain no volume and are skipped, such as {events[0]}; the "
        f"scan lasts {seconds:g} s."
    )
