"""Masks that need no computation: every voxel, or a file."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks.base import MaskConfig, MaskResult
from napari_fmri_decoder.samples.masks.onto_grid import mask_from_volume
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class AllMask(MaskConfig):
    """Every voxel."""

    summary: ClassVar[str] = "Every voxel"

    strategy: Literal["all"] = "all"

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Keep every voxel."""
        return np.ones(series.grid.shape, dtype=bool), []


class FileMask(MaskConfig):
    """A mask or atlas from a file; if its grid differs, it is resampled to the nearest voxel."""

    summary: ClassVar[str] = "A mask file, or regions of an atlas file"

    strategy: Literal["file"] = "file"
    path: str = Field(
        description="Path of the image, relative to the recipe.", json_schema_extra={"mode": "file"}
    )
    labels: tuple[Annotated[int, Field(ge=-(2**31), lt=2**32)], ...] = Field(
        (), description="Values of an atlas to keep, such as 3, 4; empty: all values that are not 0."
    )
    regions: tuple[str, ...] = Field(
        (),
        description="Names of regions of the atlas to keep, from the table of names next to the atlas file; "
        '* matches anything: "*Occipital*".',
    )

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Read the file."""
        atlas = read(base / self.path)
        labels = (*self.labels, *values_of(atlas, self.regions))
        mask, notes = mask_from_volume(atlas, series.grid, labels or None)
        return np.asarray(mask.at(0) > 0), notes


def values_of(atlas: Volume, regions: tuple[str, ...]) -> tuple[int, ...]:
    """Find the values of atlas regions by their names.

    Parameters
    ----------
    atlas : Volume
    regions : tuple of str
        Case is ignored; ``*`` matches anything, ``?`` one character.

    Raises
    ------
    InputError
        If the atlas has no names, or no name that matches.
    """
    if regions and not atlas.regions:
        raise InputError(
            f"Choosing regions by name needs a table of names next to the atlas file, but {atlas.name} has "
            f"none. Put {atlas.name}.tsv with the columns index and name next to it, or set `labels`."
        )
    found: list[int] = []
    for wanted in regions:
        matches = [v for v, name in atlas.regions.items() if fnmatch(nfc(name).lower(), nfc(wanted).lower())]
        if not matches:
            close = get_close_matches(wanted, atlas.regions.values(), 3, 0.4) or [*atlas.regions.values()][:5]
            raise InputError(
                f"Regions must be among those of {atlas.name}, which has no {wanted!r}. "
                f"Similar names: {', '.join(close)}."
            )
        found += matches
    return tuple(dict.fromkeys(found))
