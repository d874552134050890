"""Regions of an atlas as centers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.centers.center_sets import CenterSets, join
from napari_fmri_decoder.volumes.mask_voxels import rounded_labels
from napari_fmri_decoder.volumes.resample import resample

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.volumes.volume import Volume

MOST_REGIONS = 10_000


def regions(space: Space, atlas: Volume, *, sides: bool = False) -> CenterSets:
    """Find the voxels of each region of an atlas.

    Parameters
    ----------
    space : Space
    atlas : Volume
        (x, y, z); whole numbers, 0 outside all regions. Resampled to the nearest voxel if its grid differs.
    sides : bool
        Divide each region at x = 0 mm into a left and a right part.

    Returns
    -------
    CenterSets
        In the order of the atlas' values, left before right; regions without voxels of the mask are only
        counted in a note. `mm` are the means of the voxels.
    """
    if atlas.n_volumes != 1:
        raise InputError(
            f"An atlas must be a single image whose values are the regions, but {atlas.name} has "
            f"{atlas.n_volumes} volumes. Choose the image with the most probable region of each voxel."
        )
    values = rounded_labels(np.asarray(atlas.at(0)))
    known = np.unique(values[values != 0])
    if len(known) > MOST_REGIONS or (known % 1 != 0).any():
        raise InputError(
            f"An atlas must have at most {MOST_REGIONS} regions, as whole numbers, but {atlas.name} has "
            f"{len(known)} different values. Choose an atlas, not a map."
        )
    notes = []
    if not atlas.grid.same_as(space.grid):
        values = resample(values.astype(np.float32), atlas.affine, space.grid, "nearest")
        notes.append(f"{atlas.name} was resampled to the voxels of the images, to the nearest voxel.")
    of_voxel = values[space.mask]
    voxels = np.argwhere(space.mask)
    mm = voxels @ space.grid.affine[:3, :3].T + space.grid.affine[:3, 3]
    parts = (
        [("left ", mm[:, 0] < 0), ("right ", mm[:, 0] >= 0)]
        if sides
        else [("", np.ones(len(mm), dtype=bool))]
    )
    sets, names, empty = [], [], []
    for value in known.astype(np.int64).tolist():
        for side, of_side in parts:
            name = f"{side}{atlas.regions.get(value, f'region {value}')}"
            found = np.flatnonzero((of_voxel == value) & of_side)
            if len(found):
                sets.append(found)
                names.append(name)
            else:
                empty.append(name)
    if empty:
        shown = ", ".join(empty[:5]) + (" and others" if len(empty) > 5 else "")
        notes.append(f"{len(empty)} regions have no voxels of the mask and are left out: {shown}.")
    middles = np.array([mm[one].mean(axis=0) for one in sets]).reshape(-1, 3)
    return join(sets, middles, names, *notes)
