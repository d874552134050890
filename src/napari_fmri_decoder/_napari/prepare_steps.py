"""What the dock Prepare does to a series: each step one call, to be run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import (
    CombinedMask,
    How,
    MaskConfig,
    Shaping,
    combine,
    make_mask,
    mask_from_volume,
    mask_strategies,
    resample_mask,
)
from napari_fmri_decoder.volumes.frames import translation
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.slabs import RotatedSlab, cut, resolve
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.slab_config import SlabConfig

USUAL = ("epi", "layer", "file", "threshold", "floors", "template", "all")
"""Order of the mask strategies; others come after."""


class LayerMask(Shaping):
    """Stands among the strategies for a layer of the viewer; not a strategy of recipes."""

    summary: ClassVar[str] = "A layer of the viewer: painted by hand, or opened"

    strategy: Literal["layer"] = "layer"


@dataclass(frozen=True, slots=True, eq=False)
class CutSlab:
    """A slab: how it was asked for, its voxels, their place, and the mean of the series."""

    config: SlabConfig
    slab: Volume
    where: RotatedSlab
    mean: Volume


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A mask: its voxels, the strategy that makes it again (None for painted voxels), and notes."""

    mask: Volume
    config: MaskConfig | None
    notes: tuple[str, ...] = ()


def strategies() -> dict[str, type[Shaping]]:
    """Mask strategies by name, the usual ones first, and "layer"; masks are combined by another control."""
    known: dict[str, type[Shaping]] = {**mask_strategies, "layer": LayerMask}
    del known["combine"]
    names = sorted(known, key=lambda n: (USUAL.index(n) if n in USUAL else len(USUAL), n))
    return {name: known[name] for name in names}


def mean_of(series: Volume) -> Volume:
    """Average a series over its volumes."""
    return series.mean()


def mask_of(config: MaskConfig, series: Volume) -> Masked:
    """Make a mask by a strategy; relative paths start from the folder of the series."""
    mask, notes = make_mask(config, series, folder_of(series))
    return Masked(replace(mask, name=f"{config.strategy} mask"), config, tuple(notes))


def mask_of_layer(
    volume: Volume, shaping: Shaping, series: Volume, labels: tuple[int, ...] | None = None
) -> Masked:
    """Make a mask of what a layer holds, on the grid of the series."""
    mask, notes = mask_from_volume(volume, series.grid, labels)
    keep = shaping.shape(mask.at(0) > 0, series.grid.voxel_size)
    return Masked(_not_empty(keep, series, mask.name), None, tuple(notes))


def combined(first: Masked, second: Masked, how: How, series: Volume) -> Masked:
    """Combine two masks on the grid of the series."""
    keep = combine(first.mask.at(0) > 0, second.mask.at(0) > 0, how)
    config = None
    if first.config is not None and second.config is not None:
        config = CombinedMask(how=how, masks=(first.config, second.config))
    name = f"{first.mask.name} {how} {second.mask.name}"
    return Masked(_not_empty(keep, series, name), config, second.notes)


def _not_empty(keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], series: Volume, name: str) -> Volume:
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel of the images; {name} keeps none. "
            "Check the masks, how they are combined, and by how much they shrink."
        )
    return Volume(keep.astype(np.uint8), series.affine, "mask", name=name)


def folder_of(series: Volume) -> Path:
    """Folder that the series was read from."""
    return Path(series.parts[0].path).absolute().parent if series.parts else Path.cwd()


def slab_of(series: Volume, config: SlabConfig, mask: Volume | None, mean: Volume | None) -> CutSlab:
    """Cut a slab as `samples.prepare` does, borders cropped where the masked mean is empty.

    Parameters
    ----------
    series : Volume
    config : SlabConfig
    mask : Volume or None
    mean : Volume or None
        Of the series, if it is known already.
    """
    mean = mean or series.mean()
    slab, where = cut(series, config.slab(), _masked(mean, mask))
    return CutSlab(config, replace(slab, parts=()), where, mean)


def place_of(series: Volume, config: SlabConfig, mask: Volume | None, mean: Volume | None) -> RotatedSlab:
    """Find where a slab would lie, without reading the series."""
    return resolve(config.slab(), series.grid, None if mean is None else _masked(mean, mask))


def box_of(where: RotatedSlab) -> Volume:
    """Make a mask of the whole slab, to show where it lies; with a border, so that its contour is drawn."""
    box = np.pad(np.ones(where.grid.shape, np.uint8), 1)
    return Volume(box, where.scanner.affine @ translation((-1, -1, -1)), "mask", name="slab outline")


def filling_of(where: RotatedSlab, mean: Volume) -> Volume:
    """Cut the mean of a series, to look at what a slab would hold."""
    data = resample(mean.data, mean.affine, where.scanner)
    return Volume(data, where.scanner.affine, mean.kind, name="slab preview")


def empty_mask(series: Volume) -> Volume:
    """Make a mask of nothing on the grid of the series, to paint into."""
    return Volume(np.zeros(series.grid.shape, np.uint8), series.affine, "mask", name="painted mask")


def _masked(mean: Volume, mask: Volume | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = mean.at(0)
    return values if mask is None else np.where(resample_mask(mask, mean.grid)[0], values, np.float32(0))
