"""What the dock Prepare does to a series: each step one call, to be run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder.samples.masks import MaskConfig, make_mask, mask_strategies, resample_mask
from napari_fmri_decoder.samples.options import Options
from napari_fmri_decoder.volumes.frames import translation
from napari_fmri_decoder.volumes.slabs import RotatedSlab, cut, resolve
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare import SlabConfig

USUAL = ("epi", "layer", "file", "threshold", "floors", "template", "all")
"""Order of the mask strategies; others come after."""


class LayerMask(Options):
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


def strategies() -> dict[str, type[Options]]:
    """Mask strategies by name, the usual ones first, and "layer"."""
    known: dict[str, type[Options]] = {**mask_strategies, "layer": LayerMask}
    names = sorted(known, key=lambda n: (USUAL.index(n) if n in USUAL else len(USUAL), n))
    return {name: known[name] for name in names}


def mean_of(series: Volume) -> Volume:
    """Average a series over its volumes."""
    return series.mean()


def mask_of(config: MaskConfig, series: Volume) -> tuple[Volume, list[str]]:
    """Make a mask by a strategy; relative paths start from the folder of the series."""
    mask, notes = make_mask(config, series, folder_of(series))
    return replace(mask, name=f"{config.strategy} mask"), notes


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


def empty_mask(series: Volume) -> Volume:
    """Make a mask of nothing on the grid of the series, to paint into."""
    return Volume(np.zeros(series.grid.shape, np.uint8), series.affine, "mask", name="painted mask")


def _masked(mean: Volume, mask: Volume | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = mean.at(0)
    return values if mask is None else np.where(resample_mask(mask, mean.grid)[0], values, np.float32(0))
