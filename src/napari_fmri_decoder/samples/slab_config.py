"""A slab as its options: how to rotate, crop and cut, and once resolved, its very voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.samples.options import Options
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.resample import Interpolation
from napari_fmri_decoder.volumes.slabs import AXES, RotatedSlab, Slab, resolve

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


Millimeters = Annotated[float, Field(ge=-10_000, le=10_000)]
Length = Annotated[int, Field(ge=1, le=100_000)]
Entry = Annotated[float, Field(ge=-1e9, le=1e9)]


class SlabConfig(Options):
    """How a slab is rotated and cut; see `volumes.slabs.Slab`."""

    rotate_x: float = Field(0.0, ge=-360, le=360, description="Degrees about the axis to the right.")
    rotate_y: float = Field(0.0, ge=-360, le=360, description="Degrees about the axis to anterior.")
    rotate_z: float = Field(0.0, ge=-360, le=360, description="Degrees about the axis to superior.")
    pivot: tuple[Millimeters, Millimeters, Millimeters] | None = Field(
        None, description="Point to rotate about, in scanner mm; empty is the scanner's origin."
    )
    axis: Literal["x", "y", "z"] = Field(
        "z", description="Axis of the file's array (first, second, third) across the planes."
    )
    start: int | None = Field(
        None,
        ge=-100_000,
        le=100_000,
        description="First plane of the rotated, cropped volume; negative counts from the end, empty is 0.",
    )
    stop: int | None = Field(
        None,
        ge=-100_000,
        le=100_000,
        description="Plane after the last; negative counts from the end, empty is the end.",
    )
    grid: Literal["full", "nilearn"] = Field(
        "full",
        description="full: the rotated grid is moved by whole voxels so that nothing is cut off; nilearn: as "
        "its resample_img chooses it.",
    )
    crop: bool = Field(True, description="Drop empty borders before planes are counted.")
    interpolation: Interpolation = Field(
        "continuous", description="continuous (cubic spline), linear, or nearest."
    )
    resolved_shape: tuple[Length, Length, Length] | None = Field(
        None,
        description="Filled in by a run: the slab's shape in voxels, which with resolved_affine is used "
        "alone.",
    )
    resolved_affine: tuple[tuple[Entry, Entry, Entry, Entry], ...] | None = Field(
        None, min_length=4, max_length=4, description="Filled in by a run: the slab's voxels to scanner mm."
    )

    def slab(self) -> Slab:
        """Give the same as the geometry's own dataclass."""
        return Slab(**self.model_dump(exclude={"resolved_shape", "resolved_affine"}))

    def resolved(self, grid: Grid) -> SlabConfig:
        """Write down where the slab came to lie, (x, y, z) in scanner space, for use on other scans."""
        affine = tuple(tuple(float(v) for v in row) for row in grid.affine)
        return self.model_copy(update={"resolved_shape": grid.shape, "resolved_affine": affine})

    def placed(self, series: Volume, mask: Volume | None) -> RotatedSlab:
        """Find where the slab lies: on the voxels written down, else by rotating and cutting."""
        slab = self.slab()
        if self.resolved_shape is not None and self.resolved_affine is not None:
            given = Grid(self.resolved_shape, np.array(self.resolved_affine))
            return RotatedSlab(given.moved(slab.frame.matrix), slab.frame, AXES.index(self.axis), given=given)
        mean = None
        if self.crop:
            mean = series.mean().at(0)
            if mask is not None:
                # here, as it loads nilearn, which a command that only reads a header does not need
                from napari_fmri_decoder.samples.masks import resample_mask

                mean = np.where(resample_mask(mask, series.grid)[0], mean, np.float32(0))
        return resolve(slab, series.grid, mean)
