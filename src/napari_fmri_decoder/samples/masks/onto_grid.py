"""Masks, atlases and painted labels laid onto the grid of the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid


def mask_from_volume(
    mask: Volume, grid: Grid, labels: tuple[int, ...] | None = None
) -> tuple[Volume, list[str]]:
    """Turn a mask, an atlas or painted labels into a mask on a grid.

    Parameters
    ----------
    mask : Volume
        (x, y, z); what is not 0 counts.
    grid : Grid
        Of the images.
    labels : tuple of int, optional
        The values that count instead.

    Returns
    -------
    mask : Volume
        Kind "mask", uint8, on `grid`.
    notes : list of str
        Says so where the mask was resampled.
    """
    if labels is not None:
        present = np.unique(mask.at(0))
        unknown = [label for label in labels if label not in present]
        if unknown:
            known = ", ".join(f"{v:g}" for v in present[present != 0][:20])
            raise InputError(
                f"Regions must be values of the atlas; {mask.name or 'it'} has no "
                f"{', '.join(map(str, unknown))}. It has {known}."
            )
        mask = Volume(np.isin(mask.at(0), labels), mask.affine, "mask", name=mask.name)
    keep, note = resample_mask(mask, grid)
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel of the images; {mask.name or 'this one'} keeps none. "
            "Check that it is not empty, and that it overlaps the images in space."
        )
    return Volume(keep.astype(np.uint8), grid.affine, "mask", name=mask.name), [note] if note else []


def resample_mask(mask: Volume, grid: Grid) -> tuple[NDArray[np.bool_], str | None]:
    """Lay a mask onto a grid, by its nearest voxels where the grids differ.

    Parameters
    ----------
    mask : Volume
        (x, y, z); what is not 0 (nor NaN) counts.
    grid : Grid

    Returns
    -------
    keep : (x, y, z) bool array
    note : str or None
        Says that it was resampled, with both shapes.
    """
    if mask.n_volumes != 1:
        raise InputError(
            f"A mask must be a single image, got a series of {mask.n_volumes}. Choose one volume."
        )
    inside = np.nan_to_num(mask.at(0)) != 0
    if mask.grid.same_as(grid):
        return inside, None
    keep = resample(inside.astype(np.float32), mask.affine, grid, "nearest") > 0.5
    note = (
        f"{mask.name or 'The mask'} lies on another grid than the images ({_size(mask.grid)} against "
        f"{_size(grid)}) and was resampled to the nearest voxel."
    )
    return keep, note


def _size(grid: Grid) -> str:
    mm = " x ".join(f"{size:g}" for size in grid.voxel_size.round(2))
    return f"{' x '.join(map(str, grid.shape))} voxels of {mm} mm"
