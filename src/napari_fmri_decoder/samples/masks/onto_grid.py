"""Masks, atlases and painted labels laid onto the grid of the images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.inside import FUZZY, inside, whole
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
        What is to be known of the mask, and whether it was resampled or is not binary.
    """
    if labels is not None:
        values = whole(np.asarray(mask.data[..., 0] if mask.is_series else mask.data[...]))
        present = np.unique(values)
        unknown = [label for label in labels if label not in present]
        if unknown:
            known = ", ".join(f"{v:g}" for v in present[present != 0][:20])
            raise InputError(
                f"Regions must be values of the atlas; {mask.name or 'it'} has no "
                f"{', '.join(map(str, unknown))}. It has {known}."
            )
        mask = replace(mask, data=np.isin(values, labels).astype(np.uint8), kind="mask")
    keep, note = resample_mask(mask, grid)
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel of the images; {mask.name or 'this one'} keeps none. "
            "Check that it is not empty, and that it overlaps the images in space."
        )
    notes = [*notes_on(mask), *([note] if note else [])]
    return Volume(keep.astype(np.uint8), grid.affine, "mask", name=mask.name), notes


def notes_on(mask: Volume) -> list[str]:
    """Give what is to be known of a mask before believing it, under its name."""
    name = mask.name or "The mask"
    return [f"{name}: {note}" for note in mask.notes if not note.startswith(FUZZY)]  # said by resample_mask


def resample_mask(mask: Volume, grid: Grid) -> tuple[NDArray[np.bool_], str | None]:
    """Lay a mask onto a grid, by its nearest voxels where the grids differ.

    Parameters
    ----------
    mask : Volume
        (x, y, z); see `volumes.inside` for what counts.
    grid : Grid

    Returns
    -------
    keep : (x, y, z) bool array
    note : str or None
        Says that it was resampled, with both shapes, or is not binary.
    """
    if mask.n_volumes != 1:
        raise InputError(
            f"A mask must be a single image, got a series of {mask.n_volumes}. Choose one volume."
        )
    keep, doubt = inside(np.asarray(mask.data[..., 0] if mask.is_series else mask.data[...]))
    notes = [f"{mask.name or 'The mask'} {doubt}"] if doubt else []
    if not mask.grid.same_as(grid):
        keep = resample(keep.astype(np.float32), mask.affine, grid, "nearest") > 0.5
        notes.append(
            f"{mask.name or 'The mask'} lies on another grid than the images ({_size(mask.grid)} against "
            f"{_size(grid)}) and was resampled to the nearest voxel."
        )
    return keep, " ".join(notes) or None


def _size(grid: Grid) -> str:
    mm = " x ".join(f"{size:g}" for size in grid.voxel_size.round(2))
    return f"{' x '.join(map(str, grid.shape))} voxels of {mm} mm"
