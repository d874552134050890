"""Slabs along an axis, and boxes in a grid, as centers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.centers.center_sets import CenterSets, join

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space


def slabs(space: Space, axis: int, thickness: int, stride: int = 1) -> CenterSets:
    """Find the voxels of each slab: `thickness` neighboring planes at every possible position.

    Parameters
    ----------
    space : Space
    axis : {0, 1, 2}
        Array axis perpendicular to the planes.
    thickness : int
        Number of planes.
    stride : int
        Planes between two positions.

    Returns
    -------
    CenterSets
        In the order of planes. `mm` are the means of the voxels; positions without voxels of the mask are
        left out.
    """
    planes = space.grid.shape[axis]
    if thickness > planes:
        raise InputError(
            f"A slab must not be thicker than the volume, but thickness = {thickness} and the volume has "
            f"{planes} planes along its {'xyz'[axis]} axis. Choose a smaller thickness."
        )
    voxels = np.argwhere(space.mask)
    starts = range(0, planes - thickness + 1, stride)
    sets = [
        np.flatnonzero((voxels[:, axis] >= start) & (voxels[:, axis] < start + thickness)) for start in starts
    ]
    kept = [(one, start) for one, start in zip(sets, starts, strict=True) if len(one)]
    names = [
        f"plane {start}" if thickness == 1 else f"planes {start} to {start + thickness - 1}"
        for _, start in kept
    ]
    return join([one for one, _ in kept], _middles(space, [one for one, _ in kept]), names)


def boxes(space: Space, size_mm: float) -> CenterSets:
    """Divide the box around a mask into a grid of boxes of about `size_mm` (whole voxels, at least one).

    Returns
    -------
    CenterSets
        In C order; `mm` are the means of the voxels of the mask, boxes without any are left out.
    """
    voxels = np.argwhere(space.mask)
    lengths = np.maximum(1, np.round(size_mm / space.grid.voxel_size)).astype(int)
    cells = (voxels - voxels.min(axis=0)) // lengths
    shape = cells.max(axis=0) + 1
    number = np.ravel_multi_index(tuple(cells.T), tuple(shape))
    order = np.argsort(number, kind="stable")
    _, starts = np.unique(number[order], return_index=True)
    sets = np.split(order, starts[1:])
    return join(sets, _middles(space, sets), [f"box {i + 1}" for i in range(len(sets))])


def _middles(space: Space, sets: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    mm = np.argwhere(space.mask) @ space.grid.affine[:3, :3].T + space.grid.affine[:3, 3]
    return np.array([mm[one].mean(axis=0) for one in sets]).reshape(-1, 3)
