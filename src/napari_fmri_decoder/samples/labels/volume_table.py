"""The label table: one label, run and block for each volume of a series, from any source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.paths import expanded
from napari_fmri_decoder.samples.blocks import number_blocks, run_starts
from napari_fmri_decoder.samples.labels.base import COLUMNS, LabelsConfig
from napari_fmri_decoder.samples.names import spellings
from napari_fmri_decoder.samples.samples import OWN_COLUMNS
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


def label_table(config: LabelsConfig, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
    """Give each volume of a series one label and one run.

    Parameters
    ----------
    config : LabelsConfig
        Options of any source.
    series : Volume
    base : Path
        Folder that relative paths start from, usually that of the recipe.

    Returns
    -------
    table : DataFrame of n rows
        One row per volume: `volume` (int), `label` ("" for none), `subject`, `session`, `run`
        (str), `block` (int), and the other columns of the source (str). Excluded labels are included;
        `prepare` drops them.
    notes : list of str
        Sentences on volumes that will not be used.

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
            f"Each volume must have one label, but there are {len(rows)} labels for the {n} volumes of "
            f"{series.name or 'the series'}. Provide labels for all volumes of these images, and no others."
        )
    rows = rows.reset_index(drop=True)
    table = pd.DataFrame({"volume": np.arange(n)})
    for column in COLUMNS:
        table[column] = _text(rows[column]) if column in rows else ""
    if not config.rows_are_renamed:
        table["label"], name_notes = config.apply_names(table["label"].tolist())
        notes = [*notes, *name_notes]
    for column in COLUMNS[1:]:
        variants = spellings(table[column], column)
        table[column] = table[column].replace(variants)
        notes += [
            f"{column.capitalize()} {a!r} and {column} {b!r} are treated as the same {column}."
            for a, b in variants.items()
        ]
    excluded = config.excluded(table["label"])
    table["block"] = number_blocks(table)
    others = [column for column in rows if column not in OWN_COLUMNS]
    table = table.assign(**{nfc(str(column)): _text(rows[column]) for column in others})
    table, trim_notes = _trim_blocks(table, config, excluded)
    notes = [*notes, *trim_notes]
    if not (table["label"] != "").any():
        raise InputError(
            f"At least one volume must have a label, but none of {n} has. "
            + " ".join(notes or ["Check the label source."])
        )
    return table, notes + _unused_notes(table, excluded) + _split_run_notes(table, series)


def _text(column: pd.Series) -> pd.Series:
    return column.astype(str).str.strip().map(nfc)


def _trim_blocks(
    table: pd.DataFrame, config: LabelsConfig, excluded: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Remove the labels at the edges of blocks, where the response to one condition blends into the next."""
    if not config.trim_start and not config.trim_end:
        return table, []
    blocks = table.groupby("block")["volume"]
    from_start, to_end = blocks.cumcount(), blocks.cumcount(ascending=False)
    decoded = (table["label"] != "") & ~table["label"].isin(excluded)
    trimmed = decoded & ((from_start < config.trim_start) | (to_end < config.trim_end))
    notes = [
        f"{int(trimmed.sum())} of {int(decoded.sum())} labeled volumes are trimmed: {config.trim_start} at "
        f"the start and {config.trim_end} at the end of each block."
    ]
    emptied = set(table["block"][decoded]) - set(table["block"][decoded & ~trimmed])
    if emptied:
        notes.append(
            f"{len(emptied)} block(s) have no volumes left after trimming. Lower trim_start or trim_end."
        )
    table = table.assign(label=table["label"].where(~trimmed, ""))
    return table.assign(block=number_blocks(table)), notes


def _split_run_notes(table: pd.DataFrame, series: Volume) -> list[str]:
    if series.kind != "bold" or series.step is None:
        return []
    return [
        f"Run {run!r} starts again at volumes {', '.join(map(str, starts[1:]))}: if these are separate "
        "recordings, number the runs consecutively, or add a session or subject column."
        for run, starts in run_starts(table).items()
        if len(starts) > 1
    ]


def _unused_notes(table: pd.DataFrame, exclude: tuple[str, ...]) -> list[str]:
    n, counts = len(table), table["label"].value_counts()
    notes = []
    if unlabeled := int(counts.get("", 0)):
        notes.append(f"{unlabeled} of {n} volumes have no label and are skipped.")
    for label in exclude:
        if found := int(counts.get(label, 0)):
            notes.append(f"{found} of {n} volumes are labeled {label!r} and are excluded.")
        else:
            known = ", ".join(sorted(name for name in counts.index if name))
            notes.append(f"No volume is labeled {label!r}, which exclude names. The labels are: {known}.")
    return notes
