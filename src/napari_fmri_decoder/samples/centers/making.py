"""Make centers from their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.centers.blocks import boxes, slabs
from napari_fmri_decoder.samples.centers.regions import regions
from napari_fmri_decoder.samples.centers.spheres import spheres
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.samples.centers.center_sets import CenterSets
    from napari_fmri_decoder.samples.centers.config import CentersConfig
    from napari_fmri_decoder.samples.samples import Space


def make_centers(config: CentersConfig, space: Space, base: Path) -> CenterSets:
    """Find the centers in a space, and the voxels of each.

    Parameters
    ----------
    config : CentersConfig
    space : Space
        Of the samples: only voxels of its mask are used.
    base : Path
        Folder that the path of the atlas starts from.

    Raises
    ------
    InputError
        If there is no center.
    """
    match config.centers:
        case "spheres":
            found = spheres(space, config.radius_mm, config.stride)
        case "regions":
            found = regions(space, read(base / str(config.atlas)), sides=config.sides)
        case "slabs":
            found = slabs(space, "xyz".index(config.axis), config.thickness, config.stride)
        case "boxes":
            found = boxes(space, config.size_mm)
    if not len(found):
        raise InputError(
            f"At least one of the {config.centers} must have voxels of the mask, but none has. Check that "
            "mask, slab and atlas overlap, or choose a smaller thickness."
        )
    return found
