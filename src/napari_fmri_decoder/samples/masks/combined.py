"""Several masks made into one."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.samples.masks.base import Made, MaskConfig, MaskField
from napari_fmri_decoder.samples.masks.shape import How, combine

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class CombinedMask(MaskConfig):
    """Masks of any strategies, combined from the first to the last."""

    summary: ClassVar[str] = "Several masks, combined"

    strategy: Literal["combine"] = "combine"
    how: How = Field(
        "and",
        description="and: voxels in all masks; or: in any; minus: in the first, and in none of the others.",
    )
    masks: tuple[MaskField, ...] = Field(
        min_length=2, description="The masks: each a path, or a strategy with its options."
    )

    def make(self, series: Volume, base: Path) -> Made:
        """Make each, and combine them."""
        made = [mask.shaped(series, base) for mask in self.masks]
        keep = reduce(lambda first, second: combine(first, second, self.how), (mask for mask, _ in made))
        return keep, [note for _, notes in made for note in notes]
