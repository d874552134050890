"""Options of a picture of brain slices, for window, report and command."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_fmri_decoder.options import Options

Place = Annotated[float, Field(ge=-10_000, le=10_000)]


class PictureConfig(Options):
    """Which slices a picture shows, and how."""

    axis: Literal["x", "y", "z"] = Field(
        "z", description="Axis across the slices: x (sagittal), y (coronal) or z (axial)."
    )
    positions: tuple[Place, ...] = Field(
        (),
        max_length=100,
        description="Positions of the slices along the axis, in mm; by default evenly spaced.",
    )
    count: int = Field(8, ge=1, le=100, description="Number of slices if no positions are given.")
    rows: int | None = Field(
        None, ge=1, le=100, description="Rows of the picture; by default about half as many as columns."
    )
    volume: int | None = Field(
        None,
        ge=0,
        le=10_000_000,
        description="Volume of a series, counted from 0; by default the mean of a time series.",
    )
    threshold: float = Field(
        0.0, ge=0, le=1e12, description="Values of a map closer to 0 than this are transparent."
    )
    limit: float | None = Field(
        None,
        gt=0,
        le=1e12,
        description="Value at which the colors end; by default the largest absolute value of the map.",
    )
    background: Literal["light", "dark"] = Field(
        "light", description="light, for print; or dark, for slides."
    )
    radiological: bool = Field(False, description="Whether left is shown on the right.")
    title: str = Field("", max_length=200, description="Title; by default the name of the image.")
