"""Base class of mask strategies, and making a mask.

A new strategy is one new file in this folder with one subclass of `MaskConfig`. It registers itself
under the literal of its field `strategy`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, SerializeAsAny

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import Options
from napari_fmri_decoder.paths import expanded
from napari_fmri_decoder.registry import Registered, Registry, choose
from napari_fmri_decoder.samples.masks.shape import grow, largest_piece
from napari_fmri_decoder.volumes.moments import moments, with_moments
from napari_fmri_decoder.volumes.volume import Volume

mask_strategies: Registry[MaskConfig] = Registry("mask strategy", "napari_fmri_decoder.masks")
"""Every mask strategy by its name."""

MaskResult = tuple[NDArray[np.bool_], list[str]]
"""An (x, y, z) bool array on the series' grid, and notes."""


class Shaping(Options):
    """How a mask of any strategy is inverted, grown and reduced to its largest piece."""

    invert: bool = Field(False, description="Use the voxels outside the mask instead.")
    grow_mm: float = Field(
        0.0,
        ge=-100,
        le=100,
        description="Grow the mask by this many millimeters; a negative number shrinks it.",
        json_schema_extra={"unit": "mm"},
    )
    largest: bool = Field(False, description="Keep only the largest connected piece, as the last step.")

    def shape(self, mask: NDArray[np.bool_], voxel_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Apply these options to a mask.

        Parameters
        ----------
        mask : (x, y, z) bool array
        voxel_mm : (3,) array
            Size of a voxel along each axis.
        """
        mask = grow(~mask if self.invert else mask, self.grow_mm, voxel_mm)
        return largest_piece(mask) if self.largest else mask


class MaskConfig(Shaping, Registered):
    """Base class of mask strategies; each subclass adds its options."""

    registry: ClassVar[Registry[Any]] = mask_strategies
    key: ClassVar[str] = "strategy"
    from_series: ClassVar[bool] = False
    """Whether the mask is computed from the volumes that are decoded, and so also from the test set."""

    strategy: str

    @abstractmethod
    def make(self, series: Volume, base: Path) -> MaskResult:
        """Make the mask on the series' grid; relative paths start from `base`."""

    def drawn_from_series(self) -> list[str]:
        """Names of the strategies in this mask that read the series."""
        return [self.strategy] if self.from_series else []

    def shaped(self, series: Volume, base: Path) -> MaskResult:
        """Make the mask and apply the options of `Shaping`."""
        keep, notes = self.make(series, base)
        return self.shape(keep, series.grid.voxel_size), notes


def parse_mask(value: str | Path | Mapping[str, Any] | MaskConfig) -> MaskConfig:
    """Build the options of a mask from a recipe: a path, or a strategy with its options.

    Examples
    --------
    >>> parse_mask("mask.nii.gz").path
    'mask.nii.gz'
    >>> parse_mask({"strategy": "epi", "opening": 1}).opening
    1
    """
    if isinstance(value, MaskConfig):
        return value
    if isinstance(value, (str, Path)):
        value = {"strategy": "file", "path": str(value)}
    return choose(mask_strategies, "strategy", "mask", value)


MaskField = Annotated[SerializeAsAny[MaskConfig], BeforeValidator(parse_mask)]
"""Type of a field for the options of any strategy; a path is accepted too."""


def make_mask(config: MaskConfig, series: Volume, base: Path) -> tuple[Volume, list[str]]:
    """Make a mask on the grid of a series.

    Parameters
    ----------
    config : MaskConfig
        Of any strategy.
    series : Volume
    base : Path
        Folder that relative paths start from: that of the recipe.

    Returns
    -------
    mask : Volume
        Kind "mask", uint8, on the series' grid.
    notes : list of str

    Raises
    ------
    InputError
        If the mask is empty.
    """
    if len(config.drawn_from_series()) > 1:
        series = with_moments(series, moments(series))  # so that it is read once for all of them
    keep, notes = expanded(config).shaped(series, base)
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel, but strategy {config.strategy!r} keeps none of "
            f"{keep.size}. Lower its thresholds, or check that mask and images overlap in space."
        )
    return Volume(keep.astype(np.uint8), series.affine, "mask", name=f"{config.strategy} mask"), notes
