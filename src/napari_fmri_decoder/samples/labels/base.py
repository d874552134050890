"""What a source of labels is, and the table that comes of it.

A new source is one new file in this folder with one subclass of `LabelsConfig`; it registers
itself under the literal of its field `source`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import runs_of_files
from napari_fmri_decoder.samples.blocks import number_blocks, run_starts
from napari_fmri_decoder.samples.labels.naming import label_map, named
from napari_fmri_decoder.samples.names import spellings
from napari_fmri_decoder.samples.options import Registered, choose
from napari_fmri_decoder.samples.paths import expanded
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

label_sources: dict[str, type[LabelsConfig]] = {}
"""Every source of labels by its name."""

COLUMNS = ("label", "subject", "session", "run")
Name = Annotated[str, AfterValidator(nfc)]
"""A label as the user writes it, in the form in which equal texts are equal."""


class LabelsConfig(Registered):
    """What every source of labels knows; each subclass adds its own options."""

    registry: ClassVar[dict[str, Any]] = label_sources
    key: ClassVar[str] = "source"
    summary: ClassVar[str]
    """One line for menus."""

    maps_names: ClassVar[bool] = False
    """Whether `rows` gives labels that `rename` and `merge` were applied to already."""

    source: str
    exclude: tuple[Name, ...] = Field(
        (),
        description='Labels whose volumes are not decoded, such as "rest"; they still count in detrending.',
    )
    keep: tuple[Name, ...] = Field(
        (),
        description="Labels that are decoded; all others are excluded. Empty keeps all but those in exclude.",
    )
    rename: dict[Name, Name] = Field(
        {},
        description='New names of labels: rename = {cond001 = "house"}. Applied before merge, keep and '
        "exclude, which take the new names.",
    )
    merge: dict[Name, tuple[Name, ...]] = Field(
        {},
        description='Labels that become one: merge = {animate = ["face", "cat"]}. Applied before keep and '
        "exclude, which take the merged name.",
    )
    lag: float = Field(
        0.0,
        ge=-60,
        le=60,
        description="Seconds by which brain responses follow the labels: the volume at (i + 0.5) TR gets the "
        "label that held lag seconds before. 4 to 6 for onsets of stimuli, 0 where labels carry the delay.",
        json_schema_extra={"unit": "s"},
    )
    trim_start: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Volumes left out at the start of each block of one label, while the response still "
        "rises; they still count in detrending.",
        json_schema_extra={"unit": "volumes"},
    )
    trim_end: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Volumes left out at the end of each block of one label.",
        json_schema_extra={"unit": "volumes"},
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if both := sorted(set(self.keep) & set(self.exclude)):
            raise ValueError(f"keep and exclude must not name the same label, got {', '.join(both)} in both")
        label_map(self.rename, self.merge)
        return self

    def renamed(self, labels: Iterable[str]) -> list[str]:
        """Apply `rename` and `merge` to labels."""
        names = label_map(self.rename, self.merge)
        return [names.get(label, label) for label in labels]

    def excluded(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Tell which labels are not decoded: those of `exclude`, and all that `keep` does not name.

        Parameters
        ----------
        labels : iterable of str
            All labels that occur, by their new names.
        """
        others = sorted(set(labels) - {"", *self.keep, *self.exclude}) if self.keep else []
        return (*self.exclude, *others)

    @abstractmethod
    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Give each volume its label and run.

        Parameters
        ----------
        series : Volume
        base : Path
            Folder that relative paths start from.

        Returns
        -------
        rows : DataFrame of n rows
            `label` ("" for none) and `run`; `subject` and `session` where known.
        notes : list of str
        """

    def files_of(self, images: Sequence[Path], base: Path) -> list[Path] | list[None]:
        """Find the file that each image's labels come from; None where one source serves all images.

        Parameters
        ----------
        images : sequence of Path
        base : Path
            Folder that relative paths start from.
        """
        return [None] * len(images)


class CellLabels(LabelsConfig):
    """Labels that are cells of a table."""

    missing: tuple[Name, ...] | None = Field(
        None,
        description="Cells of a table that hold no label, besides empty ones. Empty takes n/a, N/A, nan, "
        "NaN, NA, None, null and the like; NA, None and null count as a class only where they occur as "
        "often as each other label in every run and no other cell is missing.",
        json_schema_extra={"none": "the usual spellings"},
    )


def parse_labels(options: Mapping[str, Any] | LabelsConfig | object) -> LabelsConfig:
    """Build the options of a source of labels from a recipe's ``[labels]``.

    Examples
    --------
    >>> parse_labels({"source": "table", "table": "volumes.tsv", "exclude": ["rest"]}).exclude
    ('rest',)
    """
    if isinstance(options, LabelsConfig):
        return options
    return choose(label_sources, "source", "label source", options)


LabelsField = Annotated[SerializeAsAny[LabelsConfig], BeforeValidator(parse_labels)]
"""Type of a field that holds any source's options, read by its `source` and written out whole."""


def label_table(config: LabelsConfig, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
    """Give each volume of a series one label and one run.

    Parameters
    ----------
    config : LabelsConfig
        Of any source.
    series : Volume
    base : Path
        Folder that relative paths start from: the recipe's.

    Returns
    -------
    table : DataFrame of n rows
        One row per volume: `volume` (int), `label` ("" for none), `subject`, `session`, `run`
        (str), `block` (int). Excluded labels are still there; `prepare` drops them.
    notes : list of str
        What is left out, in sentences.

    Raises
    ------
    InputError
        If the labels do not fit the images, or no volume has one.
    """
    config = expanded(config)
    rows, notes = config.rows(series, base)
    n = series.n_volumes
    if len(rows) != n:
        raise InputError(
            f"There must be one label per volume, got {len(rows)} labels for the {n} volumes of "
            f"{series.name or 'the series'}. Give the labels of all volumes, and of these images alone."
        )
    rows = rows.reset_index(drop=True)
    table = pd.DataFrame({"volume": np.arange(n)})
    for column in COLUMNS:
        table[column] = rows[column].astype(str).str.strip().map(nfc) if column in rows else ""
    if not config.maps_names:
        table["label"], said = named(config, table["label"].tolist())
        notes = [*notes, *said]
    for column in COLUMNS[1:]:
        same = spellings(table[column], column)
        table[column] = table[column].replace(same)
        notes += [f"{column.capitalize()} {a!r} and {column} {b!r} count as one." for a, b in same.items()]
    excluded = config.excluded(table["label"])
    table["block"] = number_blocks(table)
    table, trimmed = _trimmed(table, config, excluded)
    notes = [*notes, *trimmed]
    if not (table["label"] != "").any():
        raise InputError(
            f"At least one volume must have a label, but none of {n} has. "
            + " ".join(notes or ["Check the source."])
        )
    return table, notes + _left_out(table, excluded) + _parted_runs(table, series)


def _trimmed(
    table: pd.DataFrame, config: LabelsConfig, excluded: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Take the labels off the volumes at the edges of blocks, where one response passes into another."""
    if not config.trim_start and not config.trim_end:
        return table, []
    blocks = table.groupby("block")["volume"]
    since, left = blocks.cumcount(), blocks.cumcount(ascending=False)
    shown = (table["label"] != "") & ~table["label"].isin(excluded)
    edge = shown & ((since < config.trim_start) | (left < config.trim_end))
    notes = [
        f"{int(edge.sum())} of {int(shown.sum())} labelled volumes are trimmed: {config.trim_start} at the "
        f"start and {config.trim_end} at the end of each block."
    ]
    gone = set(table["block"][shown]) - set(table["block"][shown & ~edge])
    if gone:
        notes.append(
            f"{len(gone)} block(s) are no longer than what is trimmed, and have no volume left. Lower "
            "trim_start or trim_end."
        )
    table = table.assign(label=table["label"].where(~edge, ""))
    return table.assign(block=number_blocks(table)), notes


def _parted_runs(table: pd.DataFrame, series: Volume) -> list[str]:
    if series.kind != "bold" or series.step is None:
        return []
    return [
        f"Run {run!r} begins anew at volumes {', '.join(map(str, starts[1:]))}: if these are other "
        "recordings, number the runs through, or add a session or subject column."
        for run, starts in run_starts(table).items()
        if len(starts) > 1
    ]


def _left_out(table: pd.DataFrame, exclude: tuple[str, ...]) -> list[str]:
    n, counts = len(table), table["label"].value_counts()
    notes = []
    if unlabelled := int(counts.get("", 0)):
        notes.append(f"{unlabelled} of {n} volumes have no label and are left out.")
    for label in exclude:
        if found := int(counts.get(label, 0)):
            notes.append(f"{found} of {n} volumes are labelled {label!r} and are excluded.")
        else:
            known = ", ".join(sorted(name for name in counts.index if name))
            notes.append(
                f"No volume is labelled {label!r}, which is to be excluded. The labels are: {known}."
            )
    return notes


def runs_by_file(series: Volume) -> pd.DataFrame:
    """Take each file of a series as a run, under its BIDS name where it has one.

    Returns
    -------
    DataFrame of n rows
        `subject`, `session`, `run` of each volume; see `runs_of_files`.
    """
    lengths = [part.n_volumes for part in series.parts]
    if sum(lengths) != series.n_volumes:
        names, lengths = [("", "", "1")], [series.n_volumes]
    else:
        names = runs_of_files([part.path for part in series.parts])
    runs = pd.DataFrame(names, columns=["subject", "session", "run"])
    return runs.loc[np.repeat(np.arange(len(lengths)), lengths)].reset_index(drop=True)


def follow(rows: pd.DataFrame, lag: float, step: float | None) -> pd.DataFrame:
    """Let labels that are given volume by volume come `lag` seconds later, within their run.

    Parameters
    ----------
    rows : DataFrame of n rows
        `label` and the columns of the run.
    lag : float
        Seconds.
    step : float or None
        Seconds from volume to volume.

    Returns
    -------
    DataFrame of n rows
        Volume i has the label that held at (i + 0.5) step - lag; "" where its run had not begun.
    """
    if lag == 0:
        return rows
    if step is None:
        raise InputError(
            f"A lag needs the seconds between volumes, but these images are not a series in time "
            f"(lag = {lag:g} s). Set lag = 0, or repair the TR in the file's header."
        )
    groups = group_keys(rows.reindex(columns=list(COLUMNS), fill_value=""))
    position = np.arange(len(rows))
    source = np.floor(np.round(position + 0.5 - lag / step, 6)).astype(int)
    inside = (source >= 0) & (source < len(rows))
    source = source.clip(0, len(rows) - 1)
    inside &= groups[source] == groups
    return rows.assign(label=np.where(inside, rows["label"].to_numpy(dtype=object)[source], ""))
