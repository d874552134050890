"""Labels from FSL's three-column files: onset, duration and weight, one file per condition and run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.events import parse_events
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.labels.run_tokens import bare_name, group_by_image, image_keys
from napari_fmri_decoder.samples.path_patterns import expand
from napari_fmri_decoder.samples.searching import compile_search
from napari_fmri_decoder.samples.tables import number_cells
from napari_fmri_decoder.text_tables import read_rows

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.labels.event import Event
    from napari_fmri_decoder.volumes.volume import Part


class FslLabels(OnsetLabels):
    """One file per condition and run; the file name is the condition."""

    summary: ClassVar[str] = "FSL three-column files: one per condition and run"

    source: Literal["fsl"] = "fsl"
    files: tuple[str, ...] = Field(
        min_length=1,
        description="Paths or patterns (*) of the files, relative to the recipe. If there are several "
        "images, each file is matched to its image by the run (run-1, run002) in its folder or file name; "
        "the rest of the file name is the label.",
        json_schema_extra={"mode": "files"},
    )
    pattern: str = Field(
        "",
        description="Regular expression to search for in each file name, with the named group label: "
        r"^ev\d+_(?P<label>\w+)\.txt. By default the label is the file name.",
    )

    @field_validator("pattern")
    @classmethod
    def _check_groups(cls, pattern: str) -> str:
        if pattern and compile_search(pattern).names != ("label",):
            raise ValueError("must have the named group (?P<label>...), and no other")
        return pattern

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the files of each run."""
        files = [path for pattern in self.files for path in expand(pattern, base, "three-column")]
        keys = image_keys([Path(part.path) for part in parts])
        runs, weighted = [], 0
        for part, key, own in zip(
            parts,
            keys,
            group_by_image(files, [Path(part.path) for part in parts], "three-column files"),
            strict=True,
        ):
            events = []
            for file in own:
                found, several = three_columns(file, self._label(file))
                events += found
                weighted += several
            runs.append(EventRun(part, own[0] if own else Path(part.path), key, tuple(events)))
        return runs, weight_notes(weighted)

    def _label(self, file: Path) -> str:
        if not self.pattern:
            return bare_name(file)
        found = compile_search(self.pattern).groups(file.name)
        if not found or not found["label"]:
            raise InputError(
                f"The pattern must match the name of every file; {file.name} does not match "
                f"{self.pattern!r}. Correct the pattern."
            )
        return found["label"]


def three_columns(path: Path, label: str) -> tuple[list[Event], bool]:
    """Read onsets, durations and weights; rows with weight 0 are not events, as in FSL's empty files.

    Returns
    -------
    events : list of Event
    weighted : bool
        Whether the weights differ; decoding does not use them.
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
    events, _ = parse_events(table.assign(label=[label if weight != 0 else "" for weight in weights]), path)
    return events, len(set(weights[weights != 0].tolist())) > 1


def weight_notes(n_files: int) -> list[str]:
    """Note how many files have weights that differ."""
    return [f"{n_files} file(s) have different weights, which labels do not use."] if n_files else []
