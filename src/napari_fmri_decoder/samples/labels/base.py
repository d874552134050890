"""The base class of label sources, and their registry.

A new source is one new file in this folder with one subclass of `LabelsConfig`; it registers
itself under the default of its field `source`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from napari_fmri_decoder.registry import Registered, Registry, choose
from napari_fmri_decoder.samples.labels.naming import apply_names, label_map
from napari_fmri_decoder.samples.labels.numbers import MOST_NUMBERS, binned, check_classes
from napari_fmri_decoder.samples.samples import RUN_COLUMNS
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.volumes.volume import Volume

label_sources: Registry[LabelsConfig] = Registry("label source", "napari_fmri_decoder.labels")
"""Every label source by its name."""

COLUMNS = ("label", *RUN_COLUMNS)
"""Text columns that every label table has; a source may add others, under the names in its files."""
Name = Annotated[str, AfterValidator(nfc)]
"""A label as the user writes it, in composed Unicode so that equal names compare equal."""


class LabelsConfig(Registered):
    """Options that all label sources share; each subclass adds its own."""

    registry: ClassVar[Registry[Any]] = label_sources
    key: ClassVar[str] = "source"

    rows_are_renamed: ClassVar[bool] = False
    """Whether `rows` applies `rename` and `merge` itself."""

    source: str
    exclude: tuple[Name, ...] = Field(
        (),
        description='Labels to leave out of decoding, such as "rest". Their volumes are still used for '
        "detrending.",
    )
    keep: tuple[Name, ...] = Field(
        (),
        description="Labels to decode; all others are excluded. If empty, all labels except those in exclude "
        "are decoded.",
    )
    rename: dict[Name, Name] = Field(
        {},
        description='New names of labels: rename = {cond001 = "house"}. Applied before merge, keep and '
        "exclude, which use the new names.",
    )
    merge: dict[Name, tuple[Name, ...]] = Field(
        {},
        description='Labels to combine into one: merge = {animate = ["face", "cat"]}. Applied before keep '
        "and "
        "exclude, which use the merged name.",
    )
    bins: tuple[Annotated[float, Field(ge=-1e9, le=1e9)], ...] = Field(
        (),
        description="Edges that divide labels that are numbers into classes: bins = [0.5, 1] gives "
        '"below 0.5", "0.5 to 1" and "1 or more". Applied after rename and merge; keep and exclude use the '
        "new names. "
        "Regression is not offered.",
    )
    categorical: bool = Field(
        False,
        description=f"Labels that are numbers are names of classes, even if there are more than "
        f"{MOST_NUMBERS} different ones; otherwise so many are refused.",
    )
    lag: Annotated[float, Field(ge=-60, le=60)] | Literal["nested"] = Field(
        0.0,
        description="Delay of the brain response after the labels, in seconds: the volume at (i + 0.5) TR "
        "gets the label that applied lag seconds earlier. Use 4 to 6 for stimulus onsets, 0 for labels that "
        "already include the delay. nested chooses it from 0 to 12 s for each fold, inside its training set.",
        json_schema_extra={"unit": "s"},
    )
    trim_start: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Number of volumes to drop at the start of each block, while the response is still "
        "rising. They are still used for detrending.",
        json_schema_extra={"unit": "volumes"},
    )
    trim_end: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Number of volumes to drop at the end of each block.",
        json_schema_extra={"unit": "volumes"},
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if both := sorted(set(self.keep) & set(self.exclude)):
            raise ValueError(f"keep and exclude must not name the same label, got {', '.join(both)} in both")
        label_map(self.rename, self.merge)
        if any(low >= high for low, high in pairwise(self.bins)):
            raise ValueError(
                f"the edges in bins must increase, got {', '.join(map('{:g}'.format, self.bins))}"
            )
        if self.bins and self.categorical:
            raise ValueError("bins divide numbers into classes, categorical keeps each; set only one")
        return self

    def apply_names(self, labels: Sequence[str]) -> tuple[list[str], list[str]]:
        """Rename, merge and bin labels; also return notes on labels in the options that do not occur.

        Raises
        ------
        InputError
            If two labels would get one name, or too many of those that are decoded are numbers.
        """
        names, notes = apply_names(labels, self.rename, self.merge, () if self.bins else self.keep)
        if self.bins:
            return binned(names, self.bins), notes
        if not self.categorical:
            check_classes(set(names) - set(self.excluded(names)))
        return names, notes

    @property
    def delay(self) -> float:
        """The lag in seconds; 0 as long as it is not chosen."""
        return 0.0 if isinstance(self.lag, str) else self.lag

    def excluded(self, labels: Iterable[str]) -> tuple[str, ...]:
        """List the labels that are not decoded: those in `exclude`, and those that `keep` does not name.

        Parameters
        ----------
        labels : iterable of str
            All labels that occur, by their final names.
        """
        others = sorted(set(labels) - {"", *self.keep, *self.exclude}) if self.keep else []
        return (*self.exclude, *others)

    @abstractmethod
    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Read the label and run of each volume.

        Parameters
        ----------
        series : Volume
        base : Path
            Folder that relative paths start from.

        Returns
        -------
        rows : DataFrame of n rows
            `label` ("" for none) and `run`; `subject` and `session` where known; and other columns of text
            that a split can name.
        notes : list of str
        """

    def files_of(self, images: Sequence[Path], base: Path) -> list[Path] | list[None]:
        """Find the label file of each image; None if one source covers all images.

        Parameters
        ----------
        images : sequence of Path
        base : Path
            Folder that relative paths start from.
        """
        return [None] * len(images)


class CellLabels(LabelsConfig):
    """Labels that are cells of a table."""

    missing: tuple[Name, ...] | None = Field(
        None,
        description="Cells that mean no label, in addition to empty ones. By default n/a, N/A, nan, NaN, NA, "
        "None, null and similar; NA, None and null are treated as a class only if they occur as often as "
        "each other label in every run and no other cell is missing.",
        json_schema_extra={"none": "the usual spellings"},
    )


def parse_labels(options: Mapping[str, Any] | LabelsConfig | object) -> LabelsConfig:
    """Build the options of a label source from the ``[labels]`` table of a recipe.

    Examples
    --------
    >>> parse_labels({"source": "table", "table": "volumes.tsv", "exclude": ["rest"]}).exclude
    ('rest',)
    """
    if isinstance(options, LabelsConfig):
        return options
    return choose(label_sources, "source", "label source", options)


LabelsField = Annotated[SerializeAsAny[LabelsConfig], BeforeValidator(parse_labels)]
"""Type of a field that holds the options of any source, selected by `source` and serialized in full."""
