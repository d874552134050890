"""Labels from a table with one row per volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.base import CellLabels
from napari_fmri_decoder.samples.labels.per_volume import apply_lag, runs_by_file
from napari_fmri_decoder.samples.samples import OWN_COLUMNS
from napari_fmri_decoder.samples.tables import label_cells, number_cells, read_table, text_cells

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.volumes.volume import Volume


class TableLabels(CellLabels):
    """A table with a header and one row per volume, in the order of the volumes."""

    summary: ClassVar[str] = "Table with one row per volume: label, run, and optionally session and subject"

    source: Literal["table"] = "table"
    table: str = Field(
        description="Path of a .tsv, .csv or space-separated table, relative to the recipe. If it has a "
        "column `volume`, its values must be 0, 1, 2 and so on.",
        json_schema_extra={"mode": "file"},
    )
    label_column: str = Field(
        "label", description="Name of the column of labels. A missing value means no label."
    )
    run_column: str = Field(
        "run",
        description='Name of the column of runs; "chunks" in nilearn\'s copy of Haxby 2001.',
    )

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the table."""
        table, notes = read_table(base / self.table, "label table"), []
        if self.run_column == "run" and "run" not in table and len(series.parts) > 1:
            named = runs_by_file(series)
            if len(table) == len(named):
                table = named.assign(**{str(name): column for name, column in table.items()})
                notes.append(
                    f"{self.table} has no runs: each of the {len(series.parts)} files is treated as a run."
                )
        missing = [c for c in (self.label_column, self.run_column) if c not in table]
        if missing:
            raise InputError(
                f"A label table must have the columns {self.label_column!r} and {self.run_column!r}; "
                f"{self.table} lacks {', '.join(missing)} and has {', '.join(table.columns)}. "
                "Add them, or set label_column and run_column."
            )
        if len(table) != series.n_volumes:
            raise InputError(
                f"A label table must have one row per volume, found {len(table)} rows in {self.table} for "
                f"{series.n_volumes} volumes in the images. Add or remove rows until they match; volumes "
                "without a label still need a row."
            )
        _check_volume_column(table, self.table)
        wanted = {self.label_column: "label", self.run_column: "run"}
        optional = [c for c in ("subject", "session") if c in table and c not in wanted]
        others = table.drop(columns=[c for c in OWN_COLUMNS if c in table]).apply(text_cells)
        rows = table[[*wanted, *optional]].rename(columns=wanted).join(others)
        for column in ("run", *optional):
            rows[column] = text_cells(rows[column])
        if (blank := np.flatnonzero(rows["run"] == "")).size and blank.size < len(rows):
            raise InputError(
                f"Each row of a label table must have a run; in {self.table} {blank.size} of {len(rows)} "
                f"do not, the first at volume {blank[0]}. Fill them in."
            )
        rows["label"], cell_notes = label_cells(rows["label"], rows["run"].tolist(), self.missing)
        return apply_lag(rows, self.delay, series.step), [*notes, *cell_notes]


def _check_volume_column(table: pd.DataFrame, name: str) -> None:
    if "volume" not in table:
        return
    found, _ = number_cells(table["volume"])
    wrong = np.flatnonzero(found != np.arange(len(table)))
    if wrong.size:
        raise InputError(
            f"The column volume of a label table must count 0, 1, 2 and so on; row {wrong[0]} of {name} has "
            f"{table['volume'].iloc[wrong[0]]!r}. Sort the rows, or remove the column."
        )
