"""Confounds: a table per run, with one row per volume, such as fMRIPrep's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import entities
from napari_fmri_decoder.samples.labels.table import read_table
from napari_fmri_decoder.samples.patterns import expand

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.zmaps.runs import Run

_NAME = re.compile(r"_(?:timeseries|regressors)\.tsv$")


def confounds_tables(files: Sequence[str], runs: Sequence[Run], base: Path) -> list[Path]:
    """Find the confounds table of each run.

    Parameters
    ----------
    files : sequence of str
        Paths or patterns relative to `base`, in the order of the runs; empty looks beside the BOLD
        files.
    runs : sequence of Run
    base : Path

    Raises
    ------
    InputError
        If there is not one table per run.
    """
    if not files:
        return [_beside(run) for run in runs]
    found = [path for given in files for path in expand(given, base, "confounds")]
    if len(found) != len(runs):
        raise InputError(
            f"Each run must have its confounds table; found {len(found)} tables for {len(runs)} runs. Name "
            "them in the order of the runs."
        )
    return found


def find_confounds(bold: Path) -> Path | None:
    """Find the confounds table beside a BOLD file, by BIDS names; None where there is none.

    Entities of the table must be the BOLD file's own, but for desc; space- and the like are no part
    of its name.
    """
    own = set(entities(bold).items())
    fitting = [
        path
        for path in sorted(bold.parent.glob("*.tsv"))
        if _NAME.search(path.name) and {e for e in entities(path).items() if e[0] != "desc"} <= own
    ]
    return max(fitting, key=lambda path: len(entities(path)), default=None)


def read_confounds(path: Path, columns: Sequence[str], n_volumes: int) -> pd.DataFrame:
    """Read columns of a confounds table.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Names or patterns: "trans_*".
    n_volumes : int
        Rows that there must be.

    Returns
    -------
    DataFrame of n_volumes rows
        float64, in the table's order of columns; n/a is 0, and a column that is constant is left
        out, as the model has its constant.

    Raises
    ------
    InputError
        If a pattern fits no column, a value is no number, or the rows are not one per volume.
    """
    table = read_table(path)
    there = [str(name) for name in table.columns]
    unknown = [p for p in columns if not any(fnmatchcase(name, p) for name in there)]
    if unknown:
        known = ", ".join(there[:20]) + (" and more" if len(there) > 20 else "")
        raise InputError(
            f"Confounds must be columns of their table; {path.name} has none for {', '.join(unknown)}. "
            f"It has {known}."
        )
    if len(table) != n_volumes:
        raise InputError(
            f"A confounds table must have one row per volume; {path.name} has {len(table)} for {n_volumes} "
            "volumes. Check that images and table belong together."
        )
    names = [name for name in there if any(fnmatchcase(name, p) for p in columns)]
    cells = table[names]
    values = cells.replace({"": "0", "nan": "0", "NaN": "0"}).apply(pd.to_numeric, errors="coerce")
    if bad := [name for name in names if not np.isfinite(values[name].to_numpy(float)).all()]:
        raise InputError(
            f"Confounds must be numbers, but {', '.join(bad)} of {path.name} are not. Choose other columns."
        )
    moving = [name for name in names if values[name].nunique() > 1]
    return pd.DataFrame(values[moving], dtype=np.float64)


def _beside(run: Run) -> Path:
    found = find_confounds(run.bold) if run.bold is not None else None
    if found is None:
        where = (
            f"{run.bold.name} in {run.bold.parent}" if run.bold is not None else f"{run}, which has no file"
        )
        raise InputError(
            f"Each run must have its confounds table beside it, found none for {where}. Name the tables in "
            "confounds_files."
        )
    return found
