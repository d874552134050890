"""What a mask strategy is, and the mask that comes of it.

A new strategy is one new file in this folder with one subclass of `MaskConfig`; it registers
itself under the literal of its field `strategy`.
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
from napari_fmri_decoder.samples.masks.shape import grow, largest_piece
from napari_fmri_decoder.samples.options import Options, Registered, choose
from napari_fmri_decoder.samples.paths import expanded
from napari_fmri_decoder.volumes.volume import Volume

mask_strategies: dict[str, type[MaskConfig]] = {}
"""Every mask strategy by its name."""

Made = tuple[NDArray[np.bool_], list[str]]
"""An (x, y, z) bool array on the series' grid, and notes."""


class Shaping(Options):
    """What is done to a mask, whatever it came from."""

    invert: bool = Field(False, description="Take the voxels outside instead.")
    grow_mm: float = Field(
        0.0,
        ge=-100,
        le=100,
        description="Grow the mask by this many millimetres; shrink it by a negative number.",
        json_schema_extra={"unit": "mm"},
    )
    largest: bool = Field(False, description="Keep only the largest connected piece, in the end.")

    def shape(self, mask: NDArray[np.bool_], voxel_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Turn a mask round, grow it, and keep its largest piece, as asked for.

        Parameters
        ----------
        mask : (x, y, z) bool array
        voxel_mm : (3,) array
            Size of a voxel along each axis.
        """
        mask = grow(~mask if self.invert else mask, self.grow_mm, voxel_mm)
        return largest_piece(mask) if self.largest else mask


class MaskConfig(Shaping, Registered):
    """What every mask strategy is; each subclass adds its own options."""

    registry: ClassVar[dict[str, Any]] = mask_strategies
    key: ClassVar[str] = "strategy"
    summary: ClassVar[str]
    """One line for menus."""
    from_series: ClassVar[bool] = False
    """Whether it looks at the volumes that are decoded, and so at those that are tested."""

    strategy: str

    @abstractmethod
    def make(self, series: Volume, base: Path) -> Made:
        """Make the mask on the series' grid; relative paths start from `base`."""

    def shaped(self, series: Volume, base: Path) -> Made:
        """Make the mask, and shape it."""
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
"""Type of a field that holds any strategy's options, or takes a path."""


def make_mask(config: MaskConfig, series: Volume, base: Path) -> tuple[Volume, list[str]]:
    """Make a mask.

    Parameters
    ----------
    config : MaskConfig
        Of any strategy.
    series : Volume
    base : Path
        Folder that relative paths start from: the recipe's.

    Returns
    -------
    mask : Volume
        Kind "mask", uint8, on the series' grid.
    notes : list of str

    Raises
    ------
    InputError
        If no voxel is left.
    """
    keep, notes = expanded(config).shaped(series, base)
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel; strategy {config.strategy!r} keeps none of {keep.size}. "
            "Lower its thresholds, or check that mask and images overlap in space."
        )
    return Volume(keep.astype(np.uint8), series.affine, "mask", name=f"{config.strategy} mask"), notes
