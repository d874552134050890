"""Masks computed from the intensities of the series: mean (and standard deviation) above thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_fmri_decoder.samples.masks.base import MaskConfig, MaskResult
from napari_fmri_decoder.volumes.moments import moments

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class ThresholdMask(MaskConfig):
    """Voxels whose mean over the volumes is between two values."""

    summary: ClassVar[str] = "Voxels whose mean intensity is above (and below) a threshold"
    from_series: ClassVar[bool] = True

    strategy: Literal["threshold"] = "threshold"
    above: float = Field(
        0.0,
        ge=-1e12,
        le=1e12,
        description="The mean must exceed this value, in the units of the images.",
    )
    below: float | None = Field(
        None,
        ge=-1e12,
        le=1e12,
        description="The mean must be less than this value, in the units of the images; empty: no limit.",
        json_schema_extra={"none": "no limit", "means": 1e12},
    )
    absolute: bool = Field(False, description="Compare the absolute value of the mean, as for z-maps.")

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Threshold the mean image."""
        mean = series.mean().at(0)
        values = np.abs(mean) if self.absolute else mean
        return (values > self.above) & (values < (np.inf if self.below is None else self.below)), []


class FloorsMask(MaskConfig):
    """Voxels with enough signal and enough variation, in the images before any detrending."""

    summary: ClassVar[str] = "Voxels whose mean and standard deviation over time exceed thresholds"
    from_series: ClassVar[bool] = True

    strategy: Literal["floors"] = "floors"
    mean_floor: float = Field(
        0.05, ge=0, le=1e12, description="Threshold for the mean over the volumes, in `unit`; 0 is off."
    )
    std_floor: float = Field(
        0.05,
        ge=0,
        le=1e12,
        description="Threshold for the standard deviation over the volumes, in `unit`; 0 is off.",
    )
    unit: Literal["intensity", "fraction"] = Field(
        "intensity",
        description="intensity: the units of the images; fraction: fraction of the 98th percentile of the "
        "mean image and of the standard deviation image, which works for any scanner.",
    )

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Threshold the mean and the standard deviation images."""
        mean, std = moments(series)
        floors = self.floors(mean, std)
        keep = np.ones(mean.shape, dtype=bool)
        for values, floor, is_on in zip((mean, std), floors, (self.mean_floor, self.std_floor), strict=True):
            keep &= (values > floor) | (is_on == 0)
        return keep, []

    def floors(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> tuple[float, float]:
        """Return both thresholds in the units of the images; `mean` and `std` come from `moments`."""
        if self.unit == "intensity":
            return self.mean_floor, self.std_floor
        return (
            self.mean_floor * float(np.percentile(mean, 98)),
            self.std_floor * float(np.percentile(std, 98)),
        )
