"""Checks of what a split keeps together: runs, and stimuli."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.samples.audit.findings import AuditInput, check
from napari_fmri_decoder.samples.averaging import JOINED
from napari_fmri_decoder.samples.samples import OWN_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

STIMULUS = re.compile(r"(stim(ulus)?|image|picture|item|exemplar|word|sound|movie)(_?(file|id|name))?", re.I)
"""Names of columns that hold the stimulus; BIDS defines stim_file."""


@check("runs-interleaved", "error")
def _runs_interleaved(data: AuditInput) -> str | None:
    if not data.neighbors:
        return None
    rows, volumes = data.samples.volumes.T
    order = np.argsort(volumes, kind="stable")
    runs = data.samples.groups[rows].tolist()
    parts = [(run, list(part)) for run, part in groupby(order, key=lambda i: runs[i])]
    names = [run for run, _ in parts]
    again = {run: names.count(run) for run in dict.fromkeys(names) if names.count(run) > 1}
    if not again:
        return None
    run = next(iter(again))
    starts = [str(volumes[part[0]]) for name, part in parts if name == run]
    listed = ", ".join(map(repr, list(again)[:5])) + (" and more" if len(again) > 5 else "")
    return (
        f"The volumes of a run must follow one another, but {len(again)} of {len(set(names))} runs are "
        f"interrupted by another run: {listed}. Run {run!r} starts at volumes {', '.join(starts[:6])}. "
        "Detrending and standardizing within runs would mix recordings. If these are separate recordings, "
        "number the runs consecutively, or add a session or subject column; otherwise sort the volumes."
    )


@check("stimulus-in-both-parts", "warning")
def _stimulus_in_both_parts(data: AuditInput) -> str | None:
    table = data.samples.table
    found = [
        (len(both), len(all_of_them), column, split.name)
        for column in stimulus_columns(table)
        for split in data.splits
        if (all_of_them := _stimuli(table, column))
        and (both := _stimuli(table, column, split.train) & _stimuli(table, column, split.test))
    ]
    if not found:
        return None
    n, total, column, name = max(found)
    return (
        f"{n} of {total} stimuli (column {column}) are in both the training and the test set of {name!r}, so "
        "the score does not apply to new stimuli: a decoder may recognize single ones instead of their "
        f'class. To hold them out, set scheme = "leave-one-group-out", group = "{column}" and runs_apart = '
        "true in [split]."
    )


def stimulus_columns(table: pd.DataFrame) -> list[str]:
    """Find the columns that name a stimulus, unless each class is a single one.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = {"label": list("aabb"), "stim_file": list("wxyz"), "item": list("ccdd"), "rt": list("1234")}
    >>> stimulus_columns(pd.DataFrame(cells))
    ['stim_file']
    """
    named = [str(name) for name in table if name not in OWN_COLUMNS and STIMULUS.fullmatch(str(name))]
    classes = table["label"].nunique()
    return [name for name in named if len(_stimuli(table, name)) > classes]


def _stimuli(table: pd.DataFrame, column: str, rows: NDArray[np.int64] | None = None) -> set[str]:
    cells = table[column] if rows is None else table[column].iloc[rows]
    return {stimulus for cell in set(cells) for stimulus in str(cell).split(JOINED)} - {""}
