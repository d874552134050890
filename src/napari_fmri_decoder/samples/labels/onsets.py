"""What all sources of events share: options, and the way from onsets and durations to volumes."""

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
    Assigned,
    Event,
    Way,
    assign,
    fill_gaps,
    lost,
    overlapping,
)
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.labels.naming import named
from napari_fmri_decoder.volumes.volume import Part, Volume

MOST_LOST = 0.1
"""Part of the events that may be lost without a choice of the user."""
_GETS = {"none": "no label", "first": "that of the earlier", "last": "that of the later"}


@dataclass(frozen=True, slots=True)
class EventRun:
    """The events of one run.

    Attributes
    ----------
    part : Part
        The BOLD file and its volumes.
    file : Path
        Of the events.
    key : (str, str, str)
        Subject, session and run.
    events : tuple of Event
        By onset, those that are excluded too.
    """

    part: Part
    file: Path
    key: tuple[str, str, str]
    events: tuple[Event, ...]


class UndecidedError(InputError):
    """Raised where many events hold no volume, and the user has not said what becomes of them."""


class OnsetLabels(LabelsConfig):
    """Labels from onsets and durations in seconds."""

    maps_names: ClassVar[bool] = True

    assign: Literal["midpoint", "nearest", "overlap", "until-next"] | None = Field(
        None,
        description="Which volumes an event labels. midpoint: those whose midpoint lies within it. nearest: "
        "those, or else the one volume that is nearest. overlap: those that it fills more than any other "
        "label does. until-next: as if it lasted to the next onset, and the last one to the end of its run. "
        "Empty: midpoint, but nothing starts if more than a tenth of the events contain no volume.",
        json_schema_extra={"none": "midpoint, if few events are lost"},
    )
    min_overlap: float = Field(
        0.0,
        ge=0,
        le=60,
        description="With overlap: seconds of a volume that a label must fill.",
        json_schema_extra={"unit": "s"},
    )
    fill_gaps: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Gaps of at most this many seconds between events of one label, with no other event "
        "between, are filled, which joins the events to one: for blocks that are listed stimulus by "
        "stimulus. 0 fills none.",
        json_schema_extra={"unit": "s"},
    )
    overlap: Literal["error", "none", "first", "last"] = Field(
        "error",
        description="What a volume gets that lies in events of different labels. error: nothing starts "
        "until it is settled; none: no label; first, last: the label of the event that began earlier, or "
        "later. Excluded events give way to all others.",
    )

    @model_validator(mode="after")
    def _overlap_is_asked_for(self) -> Self:
        if self.min_overlap and self.assign != "overlap":
            raise ValueError('min_overlap is an option of assign = "overlap"; set that, or min_overlap = 0')
        return self

    @abstractmethod
    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the events of every run as they are written, each with its label ("" for none).

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
        """Read the events of every run, by their new names, by onset; those without a label are left out.

        Returns
        -------
        runs : list of EventRun
        notes : list of str
        """
        parts = series.parts or (Part(series.name or "series", series.n_volumes),)
        runs, notes = self.read_events(parts, base)
        labels, said = named(self, [event.label for run in runs for event in run.events])
        names = iter(labels)
        final = []
        for run in runs:
            events = [replace(event, label=name) for event, name in zip(run.events, names, strict=False)]
            events = sorted((event for event in events if event.label), key=lambda event: event.onset)
            final.append(replace(run, events=tuple(events)))
        return final, [*notes, *said]

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Label the volumes of every run."""
        step = _step_of(series)
        runs, notes = self.read_runs(series, base)
        runs, filled = self._filled(runs)
        excluded = self._excluded(runs)
        way, tables, found = self._way(), [], []
        for run in runs:
            if self.overlap == "error" and self.assign != "until-next":
                _refuse(overlapping(run.events, excluded), run.file, "must not overlap", "overlaps")
            one = assign(run.events, excluded, run.part.n_volumes, step, way)
            _refuse(one.clash, run.file, "must not fall into one volume", "falls into that of")
            found.append(one)
            if one.shared:
                notes.append(
                    f"{one.shared} volumes of {run.file.name} lie in events of different labels and get "
                    f"{_GETS[self.overlap]} (overlap = {self.overlap})."
                )
            if one.without:
                notes.append(_say_unused(one.without, run.file, run.part.n_volumes * step))
            subject, session, name = run.key
            tables.append(
                pd.DataFrame({"label": one.labels, "subject": subject, "session": session, "run": name})
            )
        if self.assign is None:
            self._check_lost(runs, found, step)
        elif any(one.n_events for one in found):
            notes.append(f"{_count(found)} hold a volume (assign = {self.assign}).")
        if filled:
            notes.append(
                f"{filled} gaps of at most {self.fill_gaps:g} s are filled, which joins events to blocks."
            )
        return pd.concat(tables, ignore_index=True), notes

    def ways(self, series: Volume, base: Path) -> dict[str, tuple[list[str], str]]:
        """Show what each way to assign would make of the events.

        Returns
        -------
        dict of str to (list of n str, str)
            For each choice of `assign`, the label of each volume, and how many events hold a volume.
        """
        step = _step_of(series)
        runs, _ = self._filled(self.read_runs(series, base)[0])
        excluded = self._excluded(runs)
        shown = {}
        for how in get_args(Assign):
            way = replace(
                self._way(), assign=how, overlap="last" if self.overlap == "error" else self.overlap
            )
            found = [assign(run.events, excluded, run.part.n_volumes, step, way) for run in runs]
            shown[how] = ([label for one in found for label in one.labels], _count(found))
        return shown

    def _way(self) -> Way:
        return Way(self.assign or "midpoint", self.min_overlap, self.overlap, self.lag)

    def _filled(self, runs: Sequence[EventRun]) -> tuple[list[EventRun], int]:
        """Join events to blocks by `fill_gaps`; also give the number of gaps."""
        joined = [fill_gaps(run.events, self.fill_gaps) for run in runs]
        blocks = [replace(run, events=tuple(events)) for run, (events, _) in zip(runs, joined, strict=True)]
        return blocks, sum(filled for _, filled in joined)

    def _excluded(self, runs: Sequence[EventRun]) -> Callable[[str], bool]:
        names = set(self.excluded(event.label for run in runs for event in run.events))
        return lambda label: label in names

    def _check_lost(self, runs: Sequence[EventRun], found: Sequence[Assigned], step: float) -> None:
        """Refuse to go on where much would be lost without a word."""
        excluded = self._excluded(runs)
        gone = [
            event
            for run, one in zip(runs, found, strict=True)
            for event in lost(run.events, one, excluded, run.part.n_volumes * step, self.lag)
        ]
        n = sum(one.n_events for one in found)
        if len(gone) <= MOST_LOST * n:
            return
        raise UndecidedError(
            f"At most a tenth of the events may be lost unasked, but {len(gone)} of {n} contain the midpoint "
            f"of no volume (a volume every {step:g} s), such as {gone[0]}. Choose in labels: "
            f"{self._offers(runs, step)}; or, for blocks of short events, fill_gaps = the longest gap within "
            "a "
            'block in seconds; or model the events with [zmaps]. assign = "midpoint" leaves them out.'
        )

    def _offers(self, runs: Sequence[EventRun], step: float) -> str:
        """Say what the other choices of `assign` would give."""
        excluded, offers = self._excluded(runs), []
        for how in get_args(Assign)[1:]:
            way = replace(self._way(), assign=how)
            found = [assign(run.events, excluded, run.part.n_volumes, step, way) for run in runs]
            n = sum(label != "" and not excluded(label) for one in found for label in one.labels)
            held = sum(one.n_events - len(one.without) for one in found)
            offers.append(f'assign = "{how}" ({held} events, {n} volumes)')
        return ", ".join(offers)


def _step_of(series: Volume) -> float:
    if series.step is None:
        raise InputError(
            "Labels from events need the seconds between volumes (TR), but these images are not a series "
            "in time. Give BOLD images, or repair the TR in the file's header."
        )
    return series.step


def _count(found: Sequence[Assigned]) -> str:
    n = sum(one.n_events for one in found)
    return f"{n - sum(len(one.without) for one in found)} of {n} events"


def _refuse(pair: tuple[Event, Event] | None, path: Path, must: str, does: str) -> None:
    if pair is not None:
        raise InputError(
            f"Events of different labels {must}; in {path} {pair[0]} {does} {pair[1]}. "
            "Shorten one, exclude one of the two labels, or say in overlap which of them counts."
        )


def _say_unused(unused: Sequence[Event], path: Path, seconds: float) -> str:
    return (
        f"{len(unused)} event(s) of {path.name} hold no volume and are left out, such as {unused[0]}; the "
        f"images last {seconds:g} s."
    )
