"""Options of centers: spheres, regions of an atlas, slabs or boxes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from napari_fmri_decoder.options import Options

OPTIONS_OF = {
    "spheres": ("radius_mm", "stride"),
    "regions": ("atlas", "sides"),
    "slabs": ("axis", "thickness", "stride"),
    "boxes": ("size_mm",),
}
"""The options that each kind of centers uses."""


class CentersConfig(Options):
    """Which places in the brain are decoded."""

    centers: Literal["spheres", "regions", "slabs", "boxes"] = Field(
        "spheres",
        description="Sets of voxels to decode. spheres: a searchlight over the mask. regions: those of an "
        "atlas. slabs: each position along an axis, with a fixed number of planes. boxes: a grid of cubes.",
        json_schema_extra={"basic": True},
    )
    radius_mm: float = Field(
        8.0,
        gt=0,
        le=100,
        description="Radius of a sphere.",
        json_schema_extra={"unit": "mm", "label": "Radius", "basic": True},
    )
    stride: int = Field(
        1,
        ge=1,
        le=100,
        description="Distance between centers in voxels: spheres and slabs at every stride-th position.",
        json_schema_extra={"unit": "voxels", "basic": True},
    )
    atlas: str | None = Field(
        None,
        description="Path of the atlas whose regions are decoded, relative to the recipe.",
        json_schema_extra={"mode": "file", "basic": True, "none": "none"},
    )
    sides: bool = Field(
        False,
        description="Whether left and right parts of a region are decoded separately, divided at x = 0 mm.",
        json_schema_extra={"label": "Left and right"},
    )
    axis: Literal["x", "y", "z"] = Field(
        "z",
        description="Array axis (first, second or third) perpendicular to the planes of a slab: of the "
        "rotated volume if the recipe has a slab.",
    )
    thickness: int = Field(
        3,
        ge=1,
        le=1000,
        description="Number of planes of a slab.",
        json_schema_extra={"unit": "planes"},
    )
    size_mm: float = Field(
        20.0,
        gt=0,
        le=500,
        description="Length of the edges of a box.",
        json_schema_extra={"unit": "mm", "label": "Size"},
    )

    @model_validator(mode="after")
    def _needs_atlas(self) -> CentersConfig:
        if (self.centers == "regions") != (self.atlas is not None):
            wrong = (
                "regions need an atlas" if self.atlas is None else f"an atlas is not used for {self.centers}"
            )
            raise ValueError(f'{wrong}: set centers = "regions" and atlas = PATH, or neither')
        return self
