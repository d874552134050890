"""Masks drawn from the intensities of the series: between thresholds, or above floors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_fmri_decoder.samples.masks.base import Made, MaskConfig

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class ThresholdMask(MaskConfig):
    """Voxels whose mean over the volumes lies between two values."""

    summary: ClassVar[str] = "Voxels whose mean intensity lies above (and below) a value"
    from_series: ClassVar[bool] = True

    strategy: Literal["threshold"] = "threshold"
    above: float = Field(
        0.0,
        ge=-1e12,
        le=1e12,
        description="Lower bound of the mean, in the image's own units; itself left out.",
    )
    below: float | None = Field(
        None,
        ge=-1e12,
        le=1e12,
        description="Upper bound of the mean, in the image's own units; none if empty.",
    )
    absolute: bool = Field(False, description="Compare the mean without its sign, as for z-maps.")

    def make(self, series: Volume, base: Path) -> Made:
        """Compare the mean image."""
        mean = series.mean().at(0)
        values = np.abs(mean) if self.absolute else mean
        return (values > self.above) & (values < (np.inf if self.below is None else self.below)), []


class FloorsMask(MaskConfig):
    """Voxels bright enough and lively enough, on the raw intensities before any detrending."""

    summary: ClassVar[str] = "Voxels whose mean and standard deviation over time exceed floors"
    from_series: ClassVar[bool] = True

    strategy: Literal["floors"] = "floors"
    mean_floor: float = Field(
        0.05, ge=0, le=1e12, description="Least mean over the volumes, in `unit`; 0 is off."
    )
    std_floor: float = Field(
        0.05, ge=0, le=1e12, description="Least standard deviation over the volumes, in `unit`; 0 is off."
    )
    unit: Literal["intensity", "fraction"] = Field(
        "intensity",
        description="intensity: the image's own units, as in the notebook; fraction: of the 98th percentile "
        "of the mean image and of the standard deviation image, which suits any scanner.",
    )

    def make(self, series: Volume, base: Path) -> Made:
        """Compare means and standard deviations."""
        mean, std = moments(series)
        floors = self.floors(mean, std)
        keep = np.ones(mean.shape, dtype=bool)
        for values, floor, is_on in zip((mean, std), floors, (self.mean_floor, self.std_floor), strict=True):
            keep &= (values > floor) | (is_on == 0)
        return keep, []

    def floors(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> tuple[float, float]:
        """State both floors in the image's own units, from what `moments` gives."""
        if self.unit == "intensity":
            return self.mean_floor, self.std_floor
        tops = float(np.percentile(mean, 98)), float(np.percentile(std, 98))
        return self.mean_floor * tops[0], self.std_floor * tops[1]


def moments(series: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each voxel over the volumes, read one at a time.

    Returns
    -------
    mean, std : (x, y, z) float64 array
        What is not finite counts as 0; std divides by n.
    """
    mean, squares = np.zeros(series.grid.shape), np.zeros(series.grid.shape)
    for i, volume in enumerate(series):
        # Welford's update: no difference of large sums.
        step = np.nan_to_num(volume.astype(np.float64), posinf=0.0, neginf=0.0) - mean
        mean += step / (i + 1)
        squares += step**2 * i / (i + 1)
    return mean, np.sqrt(squares / series.n_volumes)
