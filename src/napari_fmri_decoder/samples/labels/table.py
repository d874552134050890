"""Labels from a table with one row per volume."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import read_text
from napari_fmri_decoder.samples.labels.base import LabelsConfig, follow, runs_by_file
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class TableLabels(LabelsConfig):
    """A table with a header and one row per volume, in the order of the volumes."""

    summary: ClassVar[str] = (
        "A table with one row per volume: label, run, and if you like session and subject"
    )

    source: Literal["table"] = "table"
    table: str = Field(
        description="Path of a .tsv, .csv or space-separated table, relative to the recipe. A column "
        "`volume`, if there is one, must count 0, 1, 2 and so on.",
        json_schema_extra={"mode": "file"},
    )
    label_column: str = Field("label", description="Column of the labels; empty or n/a is no label.")
    run_column: str = Field(
        "run", description='Column of the runs; "chunks" in nilearn\'s copy of Haxby 2001.'
    )

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the table."""
        table, notes = read_table(base / self.table), []
        if self.run_column == "run" and "run" not in table and len(series.parts) > 1:
            named = runs_by_file(series)
            if len(table) == len(named):
                table = named.assign(**{str(name): column for name, column in table.items()})
                notes.append(f"{self.table} names no runs: each of the {len(series.parts)} files is one.")
        missing = [c for c in (self.label_column, self.run_column) if c not in table]
        if missing:
            raise InputError(
                f"A label table must have the columns {self.label_column!r} and {self.run_column!r}; "
                f"{self.table} lacks {', '.join(missing)} and has {', '.join(table.columns)}. "
                "Add them, or name label_column and run_column."
            )
        if len(table) != series.n_volumes:
            raise InputError(
                f"A label table must have one row per volume, found {len(table)} rows in {self.table} for "
                f"{series.n_volumes} volumes in the images. Add or remove rows until they match; volumes "
                "without a label still need their row."
            )
        _check_volume_column(table, self.table)
        wanted = {self.label_column: "label", self.run_column: "run"}
        kept = [c for c in ("subject", "session") if c in table and c not in wanted]
        rows = table[[*wanted, *kept]].rename(columns=wanted)
        if (blank := np.flatnonzero(rows["run"] == "")).size and blank.size < len(rows):
            raise InputError(
                f"Each row of a label table must name its run; in {self.table} {blank.size} of {len(rows)} "
                f"do not, the first at volume {blank[0]}. Fill them in."
            )
        return follow(rows, self.lag, series.step), notes


def _check_volume_column(table: pd.DataFrame, name: str) -> None:
    if "volume" not in table:
        return
    found = pd.to_numeric(table["volume"], errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(found != np.arange(len(table)))
    if wrong.size:
        raise InputError(
            f"The column volume of a label table must count 0, 1, 2 and so on; row {wrong[0]} of {name} has "
            f"{table['volume'].iloc[wrong[0]]!r}. Sort the rows, or take the column out."
        )


def read_table(path: Path) -> pd.DataFrame:
    r"""Read a table of text, its columns parted by tabs, semicolons, commas or else spaces.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame
        Of str, stripped; "n/a" (BIDS) is "".
    """
    text = nfc(read_text(path, "table"))
    lines = [line for line in text.splitlines() if line.strip()]
    mark = next((mark for mark in "\t;," if lines and mark in lines[0]), None)
    rows = list(csv.reader(lines, delimiter=mark)) if mark else [line.split() for line in lines]
    if not rows:
        raise InputError(f"The table {path} must have a header with the names of its columns, found nothing.")
    wrong = [i for i, row in enumerate(rows) if len(row) != len(rows[0])]
    if wrong:
        raise InputError(
            f"Each row of a table must have as many fields as its header; row {wrong[0]} of {path} has "
            f"{len(rows[wrong[0]])}, the header {len(rows[0])}. Add or remove fields."
        )
    cells = [["" if cell.strip() == "n/a" else cell.strip() for cell in row] for row in rows[1:]]
    return pd.DataFrame(cells, columns=[name.strip() for name in rows[0]], dtype=str)
