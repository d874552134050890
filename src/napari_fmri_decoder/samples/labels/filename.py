"""Labels from the names of the files of a stack of maps, or from their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.searching import compile_search
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.nifti import stem

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

_GROUPS = ("label", "run", "session", "subject")


class FilenameLabels(LabelsConfig):
    """A pattern that finds the label in each name, or so many files per class in order."""

    summary: ClassVar[str] = "File names: a pattern, or so many maps per class in the files' order"

    source: Literal["filename"] = "filename"
    pattern: str = Field(
        "",
        description="Regular expression, searched in each file's name, with the named group label and if you "
        r"like run, session and subject: run-(?P<run>\d+)_(?P<label>[a-z]+)_zmap. Look-ahead and "
        r"backreferences "
        "are not supported. Empty goes by order.",
    )
    per_class: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="By order: maps of one class that follow one another; 5 in 5 maps x 26 x 4.",
    )
    classes: tuple[str, ...] = Field(
        (),
        description="By order: the classes as they follow one another within a session; empty counts "
        "them: class 01, class 02 and so on.",
    )
    sessions: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="By order: how often all classes are gone through; each time is one run.",
    )

    @field_validator("pattern")
    @classmethod
    def _has_a_label(cls, pattern: str) -> str:
        if not pattern:
            return pattern
        groups = compile_search(pattern).names
        if "label" not in groups or not set(groups) <= set(_GROUPS):
            raise ValueError(
                "must have the named group (?P<label>...), and may have (?P<run>...), (?P<session>...) and "
                f"(?P<subject>...); it has {', '.join(groups) or 'none'}"
            )
        return pattern

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.pattern) == bool(self.per_class):
            raise ValueError("give either pattern, or per_class with classes and sessions")
        return self

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the names."""
        if self.lag:
            raise InputError(f"Labels of single maps have no lag, got lag = {self.lag:g} s. Set lag = 0.")
        if self.trim_start or self.trim_end:
            raise InputError(
                "Labels of single maps have no transitions to trim, got trim_start = "
                f"{self.trim_start} and trim_end = {self.trim_end}. Set both to 0."
            )
        return (
            self._by_pattern(volume_names(series)) if self.pattern else (self._by_order(series.n_volumes), [])
        )

    def _by_pattern(self, names: list[str]) -> tuple[pd.DataFrame, list[str]]:
        pattern = compile_search(self.pattern)
        matches = [pattern.groups(name) for name in names]
        without = [name for name, match in zip(names, matches, strict=True) if match is None]
        if without:
            raise InputError(
                f"The pattern must be found in the name of every volume; {len(without)} of {len(names)} lack "
                f"it, such as {without[0]!r}. The pattern is {self.pattern!r}; correct it, or move those "
                "files away."
            )
        rows = pd.DataFrame(matches)
        notes = []
        if set(rows.columns) == {"label"}:
            notes.append("The pattern names no run, session or subject: all volumes count as one run.")
        if "run" not in rows:
            rows["run"] = "1"
        return rows, notes

    def _by_order(self, n: int) -> pd.DataFrame:
        classes = self.classes or self._counted(n)
        expected = self.per_class * len(classes) * self.sessions
        if expected != n:
            raise InputError(
                f"{self.per_class} maps x {len(classes)} classes x {self.sessions} sessions must be the "
                f"number of volumes; they make {expected}, but there are {n}. Change one of the three, or "
                "the files."
            )
        labels = [label for label in classes for _ in range(self.per_class)]
        runs = [str(i + 1) for i in range(self.sessions) for _ in labels]
        return pd.DataFrame({"label": labels * self.sessions, "run": runs})

    def _counted(self, n: int) -> tuple[str, ...]:
        """Name as many classes as fill the files: their number is what is left of n."""
        count = n // (self.per_class * self.sessions)
        return tuple(f"class {i + 1:0{max(2, len(str(count)))}d}" for i in range(count))


def volume_names(series: Volume) -> list[str]:
    """Name each volume by the file that it came from.

    Returns
    -------
    list of n str
        The names of a stack of maps; for a series, the name of each volume's file without endings.
    """
    if series.names:
        return [nfc(name) for name in series.names]
    names = [nfc(stem(part.path)) for part in series.parts for _ in range(part.n_volumes)]
    if len(names) != series.n_volumes:
        raise InputError(
            "Labels by file name need a stack of files with their names, but these volumes have none. "
            'Open a folder of maps, or take another source, such as "table".'
        )
    return names
