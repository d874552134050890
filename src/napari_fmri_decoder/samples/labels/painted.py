"""Labels painted on the time axis, as spans of volumes."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import shown
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.labels.numbers import MOST_NUMBERS, different_numbers
from napari_fmri_decoder.samples.labels.per_volume import apply_lag, runs_by_file
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


_ENTITIES = {"sub": "subject", "ses": "session", "run": "run"}


class PaintedLabels(LabelsConfig):
    """Spans of volumes with their labels."""

    summary: ClassVar[str] = "Spans painted on the time axis, such as 0-8 house, 12-20 face"

    source: Literal["painted"] = "painted"
    spans: tuple[str, ...] = Field(
        (),
        description="First volume, last volume (counted from 0) and label of each span: 0-8 house, "
        "12-20 face. Paint them in the Labels dock. If spans overlap, the later one applies; volumes outside "
        "all spans have no label.",
    )
    run_lengths: tuple[Annotated[int, Field(ge=0, le=10_000_000)], ...] = Field(
        (),
        description="Number of volumes of each run in order, such as 121, 121. By default each file is a "
        "run, named by its BIDS name.",
    )
    run_names: tuple[str, ...] = Field(
        (),
        description="Name of each run in order, such as 3 or sub-2/ses-1/run-3. By default 1, 2, 3 and so "
        "on, or the BIDS names if each file is a run.",
    )

    @field_validator("spans")
    @classmethod
    def _check_syntax(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            parse_span(span)
        return spans

    @field_validator("run_lengths")
    @classmethod
    def _check_lengths(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if any(length < 1 for length in lengths):
            raise ValueError(f"each run must have at least one volume, got {', '.join(map(str, lengths))}")
        return lengths

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Label the volumes of each span."""
        n = series.n_volumes
        labels = np.full(n, "", dtype=object)
        for first, last, label in map(parse_span, self.spans):
            if last >= n:
                raise InputError(
                    f"Spans must be within the {n} volumes of the series (0 to {n - 1}), got {first}-{last} "
                    f"{label}. Correct the span, or choose the series that it was painted for."
                )
            labels[first : last + 1] = label
        lengths = self.run_lengths or [part.n_volumes for part in series.parts] or [n]
        if sum(lengths) != n:
            raise InputError(
                f"The run lengths must add up to the {n} volumes of the series, but run_lengths "
                f"{', '.join(map(str, lengths))} add up to {sum(lengths)}. Correct them."
            )
        if not self.run_lengths and not self.run_names:
            return apply_lag(runs_by_file(series).assign(label=labels), self.delay, series.step), []
        names = self.run_names or tuple(str(i) for i in range(1, len(lengths) + 1))
        if len(names) != len(lengths):
            raise InputError(
                f"Each run must have a name, but there are {len(names)} run_names for {len(lengths)} runs. "
                "Correct them, or leave run_names empty."
            )
        runs = pd.DataFrame([_entities(name) for name in names])
        rows = runs.loc[np.repeat(np.arange(len(lengths)), lengths)].reset_index(drop=True)
        return apply_lag(rows.assign(label=labels), self.delay, series.step), []

    @classmethod
    def of_table(cls, table: pd.DataFrame, exclude: tuple[str, ...] = ()) -> Self:
        """Convert the labels and runs of a table, to continue by painting.

        Parameters
        ----------
        table : DataFrame of n rows
            From `label_table`, which has already applied lag and trimming.
        exclude : tuple of str

        Returns
        -------
        PaintedLabels
        """
        blocks = table.groupby("block", sort=True)
        spans = [
            f"{rows['volume'].iloc[0]}-{rows['volume'].iloc[-1]} {rows['label'].iloc[0]}"
            for _, rows in blocks
            if rows["label"].iloc[0]
        ]
        lengths = [len(list(run)) for _, run in groupby(group_keys(table))]
        firsts = table.iloc[np.cumsum([0, *lengths[:-1]])]
        names = [
            "/".join(f"{entity}-{row[column]}" for entity, column in _ENTITIES.items() if row[column])
            for _, row in firsts.iterrows()
        ]
        if names == [f"run-{i}" for i in range(1, len(lengths) + 1)]:
            names = []
        return cls(
            spans=tuple(spans),
            run_lengths=tuple(lengths),
            run_names=tuple(names),
            exclude=exclude,
            categorical=len(different_numbers(table["label"])) > MOST_NUMBERS,
        )

    def painted(self, first: int, last: int, label: str) -> Self:
        """Paint a span over the existing ones.

        Parameters
        ----------
        first, last : int
            Volumes, both included.
        label : str
            "" removes labels.

        Examples
        --------
        >>> PaintedLabels(spans=("0-8 house",)).painted(3, 4, "face").spans
        ('0-2 house', '3-4 face', '5-8 house')
        """
        spans = []
        for start, stop, name in map(parse_span, self.spans):
            remaining = (start, min(stop, first - 1)), (max(start, last + 1), stop)
            spans += [(a, b, name) for a, b in remaining if a <= b]
        if label:
            spans.append((first, last, label))
        return self.model_copy(update={"spans": tuple(f"{a}-{b} {name}" for a, b, name in sorted(spans))})


def _entities(name: str) -> dict[str, str]:
    """Parse "sub-2/ses-1/run-3"; any other text is the name of a run."""
    found = dict.fromkeys(_ENTITIES.values(), "")
    parts = [part.partition("-") for part in re.split("/(?=ses-|run-)", name)]
    if all(entity in _ENTITIES for entity, _, _ in parts):
        return found | {_ENTITIES[entity]: value for entity, _, value in parts}
    return found | {"run": name}


def parse_span(text: str) -> tuple[int, int, str]:
    """Parse a span.

    Examples
    --------
    >>> parse_span("12-20 face")
    (12, 20, 'face')
    """
    match = re.fullmatch(r"\s*(\d{1,8})\s*-\s*(\d{1,8})\s+(\S.*?)\s*", text)
    if match is None or int(match[1]) > int(match[2]):
        raise InputError(
            'A span must read like "12-20 face", with the first volume not after the last; got '
            f"{shown(text)}. "
            "Correct it."
        )
    return int(match[1]), int(match[2]), match[3]
