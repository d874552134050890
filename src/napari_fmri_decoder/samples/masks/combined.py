"""Several masks combined into one."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.samples.masks.base import MaskConfig, MaskField, MaskResult
from napari_fmri_decoder.samples.masks.shape import How, combine

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class CombinedMask(MaskConfig):
    """Masks of any strategies, combined in order."""

    summary: ClassVar[str] = "Several masks, combined"

    strategy: Literal["combine"] = "combine"
    how: How = Field(
        "and",
        description="and: voxels in all masks; or: in any mask; minus: in the first mask and in no other.",
    )
    masks: tuple[MaskField, ...] = Field(
        min_length=2, description="The masks; each is a path, or a strategy with its options."
    )

    def drawn_from_series(self) -> list[str]:
        """Names of the strategies among all masks that read the series."""
        return [name for mask in self.masks for name in mask.drawn_from_series()]

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Make each mask and combine them."""
        made = [mask.shaped(series, base) for mask in self.masks]
        keep = reduce(lambda first, second: combine(first, second, self.how), (mask for mask, _ in made))
        return keep, [note for _, notes in made for note in notes]
