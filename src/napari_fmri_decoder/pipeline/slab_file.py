"""Slabs, cut from one image file into another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import mask_from_volume
from napari_fmri_decoder.samples.opening import KindChoice, open_images
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.slabs import RotatedSlab, cut

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.slab_config import SlabConfig


def cut_file(
    image: Path,
    output: Path,
    config: SlabConfig,
    *,
    mask: Path | None = None,
    space: str = "scanner",
    kind: KindChoice = "auto",
    tr: float | None = None,
) -> tuple[RotatedSlab, tuple[str, ...]]:
    """Rotate an image, cut a slab of planes, and write it.

    Parameters
    ----------
    image, output : Path
    config : SlabConfig
    mask : Path, optional
        Voxels outside count as 0 when cropping, and are 0 in the slab.
    kind, tr
        Kind of image and repetition time in seconds, if they are known.
    space : {"scanner", "rotated"}
        "scanner" writes an oblique affine, so that the slab overlays the original scan in any program;
        "rotated" writes the affine of the rotated space, along whose axes the slab is cut.

    Returns
    -------
    where : RotatedSlab
    notes : tuple of str
        About image and mask.
    """
    if space not in ("scanner", "rotated"):
        raise InputError(f"The space of a slab must be scanner or rotated, got {space!r}.")
    volume = open_images(image, kind=kind, tr=tr, strict=False)
    notes = list(volume.notes)
    if mask is not None:
        made, mask_notes = mask_from_volume(read(mask), volume.grid)
        inside, notes = made.at(0) > 0, [*notes, *mask_notes]
        spread = inside[..., None] if volume.is_series else inside
        volume = replace(volume, data=np.where(spread, np.asarray(volume.data[...]), 0))
    slab, where = cut(volume, config.slab())
    write(slab if space == "scanner" else replace(slab, affine=where.grid.affine), output)
    return where, tuple(dict.fromkeys(notes))
