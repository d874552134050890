"""Texts and plot rows that describe a label table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.evaluation.sample_rows import sample_rows

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.pipeline.events import Prepared


def bands_of(table: pd.DataFrame, prepared: Prepared | None) -> dict[str, list[str]]:
    """Return rows of the plot: labels, subjects and sessions if any, runs, and folds if prepared."""
    rows = {"label": table["label"].tolist()}
    for column in ("subject", "session", "run"):
        if column == "run" or (table[column] != "").any():
            rows[column] = table[column].tolist()
    if prepared is not None and len(prepared.table) == len(table):
        fold = np.full(len(prepared.samples.X) + 1, "", dtype=object)  # the last entry for excluded volumes
        for i, split in reversed(list(enumerate(prepared.splits))):  # the first one of several
            fold[split.test] = str(i)
        samples = sample_rows(prepared.table, prepared.samples, prepared.recipe.prepare)
        rows["tested in fold"] = fold[samples].tolist()
    return rows


def swatch(name: str, color: str, count: int) -> str:
    """Return a class as rich text: its color, name and number of volumes."""
    return f'<span style="color:{color}">■</span>&nbsp;{escape(name)}&nbsp;{count}'


def count_runs(table: pd.DataFrame) -> int:
    """Count the runs of all subjects and sessions."""
    return len(table[["subject", "session", "run"]].drop_duplicates())


def describe_volume(table: pd.DataFrame, volume: int) -> str:
    """Return label and run of a volume as rich text."""
    row = table.iloc[volume]
    run = ", ".join(f"{name} {row[name]}" for name in ("subject", "session", "run") if row[name])
    return f"Volume {volume}: <b>{escape(row['label']) or 'no label'}</b>" + (
        f", {escape(run)}" if run else ""
    )
