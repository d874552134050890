"""Options of a slab: how to rotate, crop and cut; once resolved, its exact voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from napari_fmri_decoder.options import Options
from napari_fmri_decoder.volumes.interpolation import Interpolation

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid
    from napari_fmri_decoder.volumes.slabs import RotatedSlab, Slab
    from napari_fmri_decoder.volumes.volume import Volume


Millimeters = Annotated[float, Field(ge=-10_000, le=10_000)]
Length = Annotated[int, Field(ge=1, le=100_000)]
Entry = Annotated[float, Field(ge=-1e9, le=1e9)]


class SlabConfig(Options):
    """Rotation and planes of a slab; see `volumes.slabs.Slab`."""

    rotate_x: float = Field(
        0.0, ge=-360, le=360, description="Rotation about the axis that points right, in degrees."
    )
    rotate_y: float = Field(
        0.0, ge=-360, le=360, description="Rotation about the axis that points anterior, in degrees."
    )
    rotate_z: float = Field(
        0.0, ge=-360, le=360, description="Rotation about the axis that points superior, in degrees."
    )
    pivot: tuple[Millimeters, Millimeters, Millimeters] | None = Field(
        None, description="Center of rotation, in scanner mm. By default the origin of scanner space."
    )
    axis: Literal["x", "y", "z"] = Field(
        "z", description="Array axis (first, second or third) perpendicular to the planes."
    )
    start: int | None = Field(
        None,
        ge=-100_000,
        le=100_000,
        description="First plane of the rotated and cropped volume. Negative values count from the end; by "
        "default 0.",
    )
    stop: int | None = Field(
        None,
        ge=-100_000,
        le=100_000,
        description="Plane after the last one. Negative values count from the end; by default the end.",
    )
    grid: Literal["full", "nilearn"] = Field(
        "full",
        description="Grid of the rotated volume. full: moved by whole voxels so that nothing is cut off. "
        "nilearn: as chosen by nilearn's resample_img.",
    )
    crop: bool = Field(True, description="Whether to drop empty borders before planes are counted.")
    interpolation: Interpolation = Field(
        "continuous",
        description="Interpolation for resampling: continuous (cubic spline), linear, or nearest.",
    )
    resolved_shape: tuple[Length, Length, Length] | None = Field(
        None,
        description="Shape of the slab in voxels, set by a run. Together with resolved_affine it replaces "
        "the other options.",
    )
    resolved_affine: tuple[tuple[Entry, Entry, Entry, Entry], ...] | None = Field(
        None,
        min_length=4,
        max_length=4,
        description="Affine from voxels of the slab to scanner mm, set by a run.",
    )

    @property
    def needs_mean(self) -> bool:
        """Whether the mean of the series decides which voxels the slab has."""
        return self.crop and self.resolved_shape is None

    def slab(self) -> Slab:
        """Convert to the dataclass of `volumes.slabs`."""
        # imported here, so that the command's help, which lists these options, loads no NumPy
        from napari_fmri_decoder.volumes.slabs import Slab

        return Slab(**self.model_dump(exclude={"resolved_shape", "resolved_affine"}))

    def resolved(self, grid: Grid) -> SlabConfig:
        """Store the grid of the slab in scanner space, to use the same voxels on other scans."""
        affine = tuple(tuple(float(v) for v in row) for row in grid.affine)
        return self.model_copy(update={"resolved_shape": grid.shape, "resolved_affine": affine})

    def placed(self, series: Volume, mask: Volume | None) -> RotatedSlab:
        """Locate the slab: on the stored voxels if there are any, otherwise by rotating and cutting."""
        import numpy as np

        from napari_fmri_decoder.volumes.frames import Grid
        from napari_fmri_decoder.volumes.slabs import AXES, RotatedSlab, resolve

        slab = self.slab()
        if self.resolved_shape is not None and self.resolved_affine is not None:
            stored = Grid(self.resolved_shape, np.array(self.resolved_affine))
            return RotatedSlab(
                stored.moved(slab.frame.matrix), slab.frame, AXES.index(self.axis), given=stored
            )
        mean = None
        if self.crop:
            mean = series.mean().at(0)
            if mask is not None:
                # imported here because it loads nilearn, which commands that only read headers do not need
                from napari_fmri_decoder.samples.masks import resample_mask

                mean = np.where(resample_mask(mask, series.grid)[0], mean, np.float32(0))
        return resolve(slab, series.grid, mean)
