"""Masks from other masks, atlases and painted labels, resampled to the grid of the images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.mask_voxels import NOT_BINARY, marked_voxels, rounded_labels
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid


def mask_from_volume(
    mask: Volume, grid: Grid, labels: tuple[int, ...] | None = None
) -> tuple[Volume, list[str]]:
    """Make a mask on a grid from a mask, an atlas or painted labels.

    Parameters
    ----------
    mask : Volume
        (x, y, z); voxels that are not 0 are inside.
    grid : Grid
        That of the images.
    labels : tuple of int, optional
        The values that are inside, if not all but 0.

    Returns
    -------
    mask : Volume
        Kind "mask", uint8, on `grid`.
    notes : list of str
        What to know about the mask, such as that it was resampled or is not binary.
    """
    if labels is not None:
        values = rounded_labels(np.asarray(mask.data[..., 0] if mask.is_series else mask.data[...]))
        present = np.unique(values)
        unknown = [label for label in labels if label not in present]
        if unknown:
            known = ", ".join(f"{v:g}" for v in present[present != 0][:20])
            raise InputError(
                f"Regions must be values of the atlas, but {mask.name or 'it'} has no "
                f"{', '.join(map(str, unknown))}. It has {known}."
            )
        mask = replace(mask, data=np.isin(values, labels).astype(np.uint8), kind="mask")
    keep, note = resample_mask(mask, grid)
    if not keep.any():
        raise InputError(
            f"A mask must keep at least one voxel of the images, but {mask.name or 'this one'} keeps none. "
            "Check that it is not empty, and that it overlaps the images in space."
        )
    notes = [*notes_on(mask), *([note] if note else [])]
    return Volume(keep.astype(np.uint8), grid.affine, "mask", name=mask.name), notes


def notes_on(mask: Volume) -> list[str]:
    """Return the notes on a mask, each with its name."""
    name = mask.name or "The mask"
    return [f"{name}: {note}" for note in mask.notes if not note.startswith(NOT_BINARY)]  # resample_mask


def resample_mask(mask: Volume, grid: Grid) -> tuple[NDArray[np.bool_], str | None]:
    """Resample a mask to a grid, to the nearest voxel; unchanged if the grids agree.

    Parameters
    ----------
    mask : Volume
        (x, y, z); see `volumes.mask_voxels` for what counts.
    grid : Grid

    Returns
    -------
    keep : (x, y, z) bool array
    note : str or None
        That it was resampled, with both shapes, or is not binary.
    """
    if mask.n_volumes != 1:
        raise InputError(
            f"A mask must be a single image, got a series of {mask.n_volumes} volumes. Choose one volume."
        )
    keep, doubt = marked_voxels(np.asarray(mask.data[..., 0] if mask.is_series else mask.data[...]))
    notes = [f"{mask.name or 'The mask'} {doubt}"] if doubt else []
    if not mask.grid.same_as(grid):
        keep = resample(keep.astype(np.float32), mask.affine, grid, "nearest") > 0.5
        notes.append(
            f"{mask.name or 'The mask'} is on another grid than the images ({_size(mask.grid)} and "
            f"{_size(grid)}); it was resampled to the nearest voxel."
        )
    return keep, " ".join(notes) or None


def _size(grid: Grid) -> str:
    mm = " x ".join(f"{size:g}" for size in grid.voxel_size.round(2))
    return f"{' x '.join(map(str, grid.shape))} voxels of {mm} mm"
