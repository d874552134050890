"""The steps of the Prepare dock as functions, which run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder._napari.viewer.folders import folder_of
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
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import translation
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.slabs import RotatedSlab, cut, resolve
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.state import Preparation

ORDER = ("epi", "layer", "file", "threshold", "floors", "template", "all")
"""Order of the mask strategies in the list; others follow."""


class LayerMask(Shaping):
    """Use a layer of the viewer; offered with the strategies in the window, but not in recipes."""

    summary: ClassVar[str] = "A labels layer: painted by hand, or opened"

    strategy: Literal["layer"] = "layer"


@dataclass(frozen=True, slots=True, eq=False)
class CutSlab:
    """A cut slab: its settings, its voxels, their placement, and the mean of the series."""

    config: SlabConfig
    slab: Volume
    placement: RotatedSlab
    mean: Volume


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A mask: its voxels, the strategy that made it (None for painted voxels), and notes."""

    mask: Volume
    config: MaskConfig | None
    notes: tuple[str, ...] = ()


def strategies() -> dict[str, type[Shaping]]:
    """Mask strategies by name, common ones first, and "layer"; "combine" has a separate control."""
    known: dict[str, type[Shaping]] = {**mask_strategies, "layer": LayerMask}
    del known["combine"]
    names = sorted(known, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
    return {name: known[name] for name in names}


def series_mean(series: Volume) -> Volume:
    """Average a series over its volumes."""
    return series.mean()


def mask_from_config(config: MaskConfig, series: Volume) -> Masked:
    """Make a mask by a strategy; paths are relative to the folder of the series."""
    mask, notes = make_mask(config, series, folder_of(series))
    return Masked(replace(mask, name=f"{config.strategy} mask"), config, tuple(notes))


def mask_from_layer(
    volume: Volume, shaping: Shaping, series: Volume, labels: tuple[int, ...] | None = None
) -> Masked:
    """Make a mask from the volume of a layer, on the grid of the series."""
    mask, notes = mask_from_volume(volume, series.grid, labels)
    voxels = shaping.shape(mask.at(0) > 0, series.grid.voxel_size)
    return Masked(_not_empty(voxels, series, mask.name), None, tuple(notes))


def combine_masks(first: Masked, second: Masked, how: How, series: Volume) -> Masked:
    """Combine two masks on the grid of the series."""
    voxels = combine(first.mask.at(0) > 0, second.mask.at(0) > 0, how)
    config = None
    if first.config is not None and second.config is not None:
        config = CombinedMask(how=how, masks=(first.config, second.config))
    name = f"{first.mask.name} {how} {second.mask.name}"
    return Masked(_not_empty(voxels, series, name), config, second.notes)


def _not_empty(voxels: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], series: Volume, name: str) -> Volume:
    if not voxels.any():
        raise InputError(
            f"A mask must keep at least one voxel of the images, but {name} keeps none. "
            "Check the masks, how they are combine_masks, and how much they are shrunk."
        )
    return Volume(voxels.astype(np.uint8), series.affine, "mask", name=name)


def cut_slab(series: Volume, config: SlabConfig, mask: Volume | None, mean: Volume | None) -> CutSlab:
    """Cut a slab as `samples.prepare` does; borders are cropped where the masked mean is empty.

    Parameters
    ----------
    series : Volume
    config : SlabConfig
    mask : Volume or None
    mean : Volume or None
        Mean of the series, if it is known.
    """
    mean = mean or series.mean()
    slab, placement = cut(series, config.slab(), _masked(mean, mask))
    return CutSlab(config, replace(slab, parts=()), placement, mean)


def place_slab(series: Volume, config: SlabConfig, mask: Volume | None, mean: Volume | None) -> RotatedSlab:
    """Compute the placement of a slab, without reading the series."""
    return resolve(config.slab(), series.grid, None if mean is None else _masked(mean, mask))


def slab_in_use(preparation: Preparation) -> SlabConfig | None:
    """Return the slab as it was cut, with its voxels; None without one."""
    slab, placement = preparation.slab, preparation.slab_placement
    if slab is None:
        return None
    config = SlabConfig(**{name: getattr(slab, name) for name in slab.__dataclass_fields__})
    return config.resolved(placement.scanner) if placement is not None else config


def slab_outline(placement: RotatedSlab) -> Volume:
    """Make a mask of the slab whose contour is its outline; a border of zeros makes the contour visible."""
    box = np.pad(np.ones(placement.grid.shape, np.uint8), 1)
    return Volume(box, placement.scanner.affine @ translation((-1, -1, -1)), "mask", name="slab outline")


def slab_preview(placement: RotatedSlab, mean: Volume) -> Volume:
    """Cut the slab from the mean of a series, as a preview."""
    data = resample(mean.data, mean.affine, placement.scanner)
    return Volume(data, placement.scanner.affine, mean.kind, name="slab preview")


def empty_mask(series: Volume) -> Volume:
    """Make an empty mask on the grid of the series, for painting."""
    return Volume(np.zeros(series.grid.shape, np.uint8), series.affine, "mask", name="painted mask")


def _masked(mean: Volume, mask: Volume | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = mean.at(0)
    return values if mask is None else np.where(resample_mask(mask, mean.grid)[0], values, np.float32(0))
