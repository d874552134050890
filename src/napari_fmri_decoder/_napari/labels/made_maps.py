"""Z-maps that were made: saved as one file, with a table of their labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder.atomic_files import replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.zmapping import TABLE
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.derived_names import derived_name
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.nifti import write_steps
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class MadeMaps:
    """Z-maps in a folder.

    Attributes
    ----------
    folder : Path
        See `pipeline.zmapping.ZMapsDone`.
    source : Volume
        The series that they were made of.
    """

    folder: Path
    source: Volume

    @property
    def suggested(self) -> str:
        """Name of one file for all maps, without ending."""
        return derived_name(self.source.name, "", "stat-z_statmap")

    def table_for(self, file: Path) -> Path:
        """Name the table next to a file.

        Raises
        ------
        InputError
            If it exists, but the file itself does not.
        """
        table = file.with_name(f"{stem(file)}.tsv")
        if table.exists() and not file.exists():
            raise InputError(
                f"The labels are saved next to the maps, but {printable(table)} already exists. Choose "
                "another name."
            )
        return table

    def saving(self, file: Path, table: Path) -> Steps[float, list[Path]]:
        """Write all maps to one file and their labels to a table; yields the fraction written."""
        maps = read(self.folder)
        rows = pd.read_csv(self.folder / TABLE, sep="\t", dtype=str, keep_default_na=False)
        for i in write_steps(maps, file):
            yield i / maps.n_volumes
        rows = rows.rename(columns={"file": "map"})
        rows["map"] = [stem(name) for name in rows["map"]]
        try:
            with replacing(table) as partial:
                rows.to_csv(partial, sep="\t", index=False)
        except OSError as error:
            raise InputError(
                f"The table of the maps cannot be written to {printable(table)}: {error.strerror or error}."
            ) from error
        return [file, table]


class ZMapping(SessionJob):
    """The computation of z-maps of a session.

    Attributes
    ----------
    made : MadeMaps or None
        The maps that were made last.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.made: MadeMaps | None = None
