"""Labels from FSL's three-column files: onset, duration and weight, one file per condition and run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from napari_fmri_decoder.cells import read_rows
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.events import timed
from napari_fmri_decoder.samples.labels.of_files import bare_name, by_image, image_keys
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.samples.searching import compile_search
from napari_fmri_decoder.samples.tables import number_cells

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.labels.assigning import Event
    from napari_fmri_decoder.volumes.volume import Part


class FslLabels(OnsetLabels):
    """A file per condition and run; the condition is the name of the file."""

    summary: ClassVar[str] = "FSL three-column files: one per condition and run"

    source: Literal["fsl"] = "fsl"
    files: tuple[str, ...] = Field(
        min_length=1,
        description="Paths or patterns (*) of the files, relative to the recipe. Several images are told "
        "apart by a run in the path (run-1, run002), in a folder or in the name; what is left of the name "
        "is the label.",
        json_schema_extra={"mode": "files"},
    )
    pattern: str = Field(
        "",
        description="Regular expression, searched in each file's name, with the named group label, where the "
        r"label is another part of the name: ^ev\d+_(?P<label>\w+)\.txt. Empty takes the name.",
    )

    @field_validator("pattern")
    @classmethod
    def _has_a_label(cls, pattern: str) -> str:
        if pattern and compile_search(pattern).names != ("label",):
            raise ValueError("must have the named group (?P<label>...), and no other")
        return pattern

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the files of every run."""
        files = [path for given in self.files for path in expand(given, base, "three-column")]
        keys = image_keys([Path(part.path) for part in parts])
        runs, weighted = [], 0
        for part, key, own in zip(
            parts,
            keys,
            by_image(files, [Path(part.path) for part in parts], "three-column files"),
            strict=True,
        ):
            events = []
            for file in own:
                found, several = three_columns(file, self._label(file))
                events += found
                weighted += several
            runs.append(EventRun(part, own[0] if own else Path(part.path), key, tuple(events)))
        return runs, _say_weighted(weighted)

    def _label(self, file: Path) -> str:
        if not self.pattern:
            return bare_name(file)
        found = compile_search(self.pattern).groups(file.name)
        if not found or not found["label"]:
            raise InputError(
                f"The pattern must be found in the name of every file; {file.name} lacks {self.pattern!r}. "
                "Correct the pattern."
            )
        return found["label"]


def three_columns(path: Path, label: str) -> tuple[list[Event], bool]:
    """Read onsets, durations and weights; a weight of 0 is no event, as in FSL's empty files.

    Returns
    -------
    events : list of Event
    weighted : bool
        Whether the weights differ, which decoding does not use.
    """
    rows = read_rows(path, "three-column file", comments=True)
    if rows and len(rows[0]) != 3:
        raise InputError(
            f"A three-column file must have onset, duration and weight on each line; {path.name} has "
            f"{len(rows[0])} columns. Correct it."
        )
    if rows and number_cells(pd.Series(rows[0]))[1]:
        rows = rows[1:]  # a header
    table = pd.DataFrame(rows, columns=["onset", "duration", "weight"], dtype=object)
    weights, wrong = number_cells(table["weight"])
    if wrong:
        raise InputError(
            f"Weights must be numbers; row {wrong[0] + 1} of {path.name} has {table['weight'][wrong[0]]!r}. "
            "Correct it."
        )
    events, _ = timed(table.assign(label=[label if weight != 0 else "" for weight in weights]), path)
    return events, len(set(weights[weights != 0].tolist())) > 1


def _say_weighted(files: int) -> list[str]:
    return [f"{files} file(s) have different weights, which labels do not use."] if files else []
