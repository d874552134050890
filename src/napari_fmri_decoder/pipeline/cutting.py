"""A slab from file to file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import mask_from_volume
from napari_fmri_decoder.samples.opening import KindChoice, open_images
from napari_fmri_decoder.volumes.nifti import read, write
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
    """Rotate an image, cut planes out of it, and write them.

    Parameters
    ----------
    image, output : Path
    config : SlabConfig
    mask : Path, optional
        What lies outside of it counts as 0 in the mean that is cropped to, and is 0 in the slab.
    kind, tr
        What the image shows, and its seconds between volumes, where they are stated.
    space : {"scanner", "rotated"}
        "scanner" writes an oblique affine, so that the slab overlays the scan it came from in any
        program; "rotated" writes that of the rotated space, in which it is straight.

    Returns
    -------
    where : RotatedSlab
    notes : tuple of str
        On image and mask.
    """
    if space not in ("scanner", "rotated"):
        raise InputError(f"The space of a slab must be scanner or rotated, got {space!r}.")
    volume = open_images(image, kind=kind, tr=tr, strict=False)
    notes = list(volume.notes)
    if mask is not None:
        made, said = mask_from_volume(read(mask), volume.grid)
        inside, notes = made.at(0) > 0, [*notes, *said]
        spread = inside[..., None] if volume.is_series else inside
        volume = replace(volume, data=np.where(spread, np.asarray(volume.data[...]), 0))
    slab, where = cut(volume, config.slab())
    write(slab if space == "scanner" else replace(slab, affine=where.grid.affine), output)
    return where, tuple(dict.fromkeys(notes))
