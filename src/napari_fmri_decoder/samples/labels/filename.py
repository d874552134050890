"""Labels from the file names of a stack of maps, or from the order of the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.searching import compile_search
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import stem

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

_GROUPS = ("label", "run", "session", "subject")


class FilenameLabels(LabelsConfig):
    """A pattern that matches the label in each file name, or a fixed number of files per class in order."""

    summary: ClassVar[str] = "File names: a pattern, or a fixed number of maps per class in order"

    source: Literal["filename"] = "filename"
    pattern: str = Field(
        "",
        description="Regular expression to search for in each file name, with the named group label and "
        r"optionally run, session and subject: run-(?P<run>\d+)_(?P<label>[a-z]+)_zmap. Look-ahead and "
        "backreferences are not supported. If empty, labels are assigned by order.",
    )
    per_class: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="By order: number of successive maps of each class; 5 for 5 maps x 26 classes x 4 "
        "sessions.",
    )
    classes: tuple[str, ...] = Field(
        (),
        description="By order: the classes in the order in which they occur within a session. By default "
        "they are numbered: class 01, class 02 and so on.",
    )
    sessions: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="By order: number of repetitions of all classes; each repetition is a run.",
    )

    @field_validator("pattern")
    @classmethod
    def _check_groups(cls, pattern: str) -> str:
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
    def _check_mode(self) -> Self:
        if bool(self.pattern) == bool(self.per_class):
            raise ValueError("give either pattern, or per_class with classes and sessions")
        return self

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Label the maps by pattern or by order."""
        if self.lag:
            raise InputError(f"Labels of single maps have no lag, got lag = {self.lag}. Set lag = 0.")
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
                f"The pattern must match the name of every volume; {len(without)} of {len(names)} do not "
                f"match, such as {without[0]!r}. The pattern is {self.pattern!r}; correct it, or move those "
                "files away."
            )
        rows = pd.DataFrame(matches)
        notes = []
        if set(rows.columns) == {"label"}:
            notes.append(
                "The pattern has no group run, session or subject: all volumes are treated as one run."
            )
        if "run" not in rows:
            rows["run"] = "1"
        return rows, notes

    def _by_order(self, n: int) -> pd.DataFrame:
        classes = self.classes or self._numbered_classes(n)
        expected = self.per_class * len(classes) * self.sessions
        if expected != n:
            raise InputError(
                f"{self.per_class} maps x {len(classes)} classes x {self.sessions} sessions must equal the "
                f"number of volumes; they make {expected}, but there are {n}. Change one of the three, or "
                "the files."
            )
        labels = [label for label in classes for _ in range(self.per_class)]
        runs = [str(i + 1) for i in range(self.sessions) for _ in labels]
        return pd.DataFrame({"label": labels * self.sessions, "run": runs})

    def _numbered_classes(self, n: int) -> tuple[str, ...]:
        """Number the classes; how many there are follows from the number of files."""
        count = n // (self.per_class * self.sessions)
        return tuple(f"class {i + 1:0{max(2, len(str(count)))}d}" for i in range(count))


def volume_names(series: Volume) -> list[str]:
    """Name each volume after its file.

    Returns
    -------
    list of n str
        The names of a stack of maps; for a series, each volume's file name without extensions.
    """
    if series.names:
        return [nfc(name) for name in series.names]
    names = [nfc(stem(part.path)) for part in series.parts for _ in range(part.n_volumes)]
    if len(names) != series.n_volumes:
        raise InputError(
            "Labels from file names need a stack of named files, but these volumes have none. "
            'Open a folder of maps, or use another source, such as "table".'
        )
    return names
