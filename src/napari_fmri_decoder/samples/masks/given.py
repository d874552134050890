"""Masks that are given: every voxel, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.samples.masks.base import Made, MaskConfig
from napari_fmri_decoder.samples.masks.onto_grid import mask_from_volume
from napari_fmri_decoder.volumes.nifti import read

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class AllMask(MaskConfig):
    """Every voxel."""

    summary: ClassVar[str] = "Every voxel"

    strategy: Literal["all"] = "all"

    def make(self, series: Volume, base: Path) -> Made:
        """Take all."""
        return np.ones(series.grid.shape, dtype=bool), []


class FileMask(MaskConfig):
    """A mask or atlas from a file; on another grid it is resampled to the nearest voxel."""

    summary: ClassVar[str] = "A mask file, or regions of an atlas file"

    strategy: Literal["file"] = "file"
    path: str = Field(
        description="Path of the image, relative to the recipe.", json_schema_extra={"mode": "file"}
    )
    labels: tuple[int, ...] = Field(
        (), description="Values of an atlas to keep, such as 3, 4; empty keeps all that are not 0."
    )

    def make(self, series: Volume, base: Path) -> Made:
        """Read the file."""
        mask = mask_from_volume(read(base / self.path), series.grid, self.labels or None)
        return np.asarray(mask[0].at(0) > 0), mask[1]
