"""Spheres around the voxels of a mask: the sets of a searchlight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.samples.centers.center_sets import CenterSets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space

_CHUNK = 4096
"""Centers at a time: limits the memory."""


def spheres(space: Space, radius_mm: float, stride: int = 1) -> CenterSets:
    """Find for each voxel of a mask those whose centers are at most a radius away, as nilearn does.

    Parameters
    ----------
    space : Space
    radius_mm : float
    stride : int
        Use only voxels whose three indices are multiples of it, counted from the corner of the mask's box.

    Returns
    -------
    CenterSets
        In the order of the voxels of the mask.

    Examples
    --------
    >>> from napari_fmri_decoder.samples.samples import Space
    >>> from napari_fmri_decoder.volumes.frames import Grid
    >>> line = Space(Grid((5, 1, 1), np.diag([2.0, 2, 2, 1])), np.ones((5, 1, 1), dtype=bool))
    >>> spheres(line, 2.5).sizes.tolist()
    [2, 3, 3, 3, 2]
    """
    voxels = np.argwhere(space.mask)
    corner = voxels.min(axis=0)
    chosen = np.flatnonzero(np.all((voxels - corner) % stride == 0, axis=1))
    steps = _steps_within(space.grid.affine[:3, :3], radius_mm)
    numbers = np.full(space.mask.shape, -1, dtype=np.int32)
    numbers[space.mask] = np.arange(len(voxels), dtype=np.int32)
    features, sizes = [], []
    for start in range(0, len(chosen), _CHUNK):
        near = voxels[chosen[start : start + _CHUNK], None] + steps
        inside = np.all((near >= 0) & (near < space.mask.shape), axis=2)
        x, y, z = np.moveaxis(np.where(inside[..., None], near, 0), -1, 0)
        found = np.where(inside, numbers[x, y, z], -1)
        sizes.append((found >= 0).sum(axis=1))
        features.append(found[found >= 0])
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    mm = voxels[chosen] @ space.grid.affine[:3, :3].T + space.grid.affine[:3, 3]
    return CenterSets(np.concatenate(features), offsets, mm, shown=chosen)


def _steps_within(axes: NDArray[np.float64], radius_mm: float) -> NDArray[np.int64]:
    """Steps between voxels that are at most a radius long, (m, 3), in C order.

    Parameters
    ----------
    axes : (3, 3) array
        Columns: mm per voxel along each array axis.
    radius_mm : float
    """
    # along axis i, a point of the ball is at most radius |row i of the inverse| voxels away
    reach = np.floor(radius_mm * np.linalg.norm(np.linalg.inv(axes), axis=1) + 1e-9).astype(int)
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    within: NDArray[np.int64] = steps[np.linalg.norm(steps @ axes.T, axis=1) <= radius_mm + 1e-6]
    return within
