"""Labels from a PyMVPA attributes file: the label and chunk of each volume, without a header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.base import CellLabels
from napari_fmri_decoder.samples.labels.per_volume import apply_lag
from napari_fmri_decoder.samples.tables import label_cells
from napari_fmri_decoder.text_tables import read_rows

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

_HEADERS = ({"targets", "chunks"}, {"labels", "chunks"}, {"label", "chunk"}, {"target", "chunk"})


class AttributesLabels(CellLabels):
    """One line per volume, with its label and its chunk; chunks are runs."""

    summary: ClassVar[str] = "PyMVPA attributes file: one line per volume with label and chunk"

    source: Literal["pymvpa"] = "pymvpa"
    attributes: str = Field(
        description="Path of the attributes file, relative to the recipe. Each line has the label (target) "
        "and the chunk of a volume; chunks are used as runs.",
        json_schema_extra={"mode": "file"},
    )

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the lines."""
        path = base / self.attributes
        cells = read_rows(path, "attributes file")
        label, chunk = 0, 1
        if cells and {cell.lower() for cell in cells[0]} in _HEADERS:
            label = next(i for i, cell in enumerate(cells[0]) if not cell.lower().startswith("chunk"))
            label, chunk, cells = label, 1 - label, cells[1:]
        if not cells or len(cells[0]) != 2:
            found = f"{len(cells[0])} columns" if cells else "nothing"
            raise InputError(
                f"An attributes file must have a label and a chunk on each line, found {found} in "
                f'{path.name}. Correct it, or use source = "table" for a table with a header.'
            )
        if len(cells) != series.n_volumes:
            raise InputError(
                f"An attributes file must have one line per volume, found {len(cells)} in {path.name} for "
                f"{series.n_volumes} volumes in the images. Add or remove lines until they match."
            )
        runs = [row[chunk] for row in cells]
        labels, notes = label_cells(
            pd.Series([row[label] for row in cells], dtype=object), runs, self.missing
        )
        return apply_lag(pd.DataFrame({"label": labels, "run": runs}), self.delay, series.step), notes
