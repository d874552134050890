"""The data that napari draws of a volume in a frame: its original voxels, or resampled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray, VolumeReader
from napari_fmri_decoder._napari.layers.voxels import HasVoxels, is_labels, make_reader
from napari_fmri_decoder.volumes.frames import (
    Affine,
    Frame,
    Grid,
    apply_affine,
    closest_axes,
    is_straight,
    translation,
)
from napari_fmri_decoder.volumes.resample import LazyResampled
from napari_fmri_decoder.volumes.series import VolumeStack

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import ArrayLike

SCANNER = Frame(np.eye(4))
"""The frame without rotation."""


def displayed_data(
    volume: HasVoxels, frame: Frame = SCANNER, reader: VolumeReader | None = None, *, in_memory: bool = True
) -> tuple[Any, Affine]:
    """Compute the data and affine that napari draws for a volume.

    Parameters
    ----------
    volume : Volume
    frame : Frame
    reader : VolumeReader, optional
        Of this volume, with its cache.
    in_memory : bool
        Whether oblique labels are resampled completely, so that they can be painted; otherwise slice by
        slice.

    Returns
    -------
    data : (*lead, z, y, x) array-like
        The original voxels, or resampled ones.
    affine : (ndim + 1, ndim + 1) array
        To frame millimeters, with the steps of the leading axes.
    """
    placed = np.asarray(frame.matrix @ volume.affine)
    draw = _straight if is_straight(placed) else _oblique
    data, affine = draw(volume, placed, reader or make_reader(volume), in_memory)
    n_lead = data.ndim - 3
    return data, _reversed(affine, [1.0] * (n_lead - 1) + [volume.step or 1.0] * (n_lead > 0))


def _straight(volume: HasVoxels, placed: Affine, reader: VolumeReader, in_memory: bool) -> tuple[Any, Affine]:
    """Show the original voxels, with axes in the order R, A, S; flips stay in the affine."""
    source = volume.data
    order, signed = closest_axes(placed)
    affine = _snapped(_grid(source, placed), signed)[:, [*order, 3]]
    if isinstance(source, np.ndarray):
        return reader.clean(source).transpose(*order, *range(3, source.ndim)).T, affine
    shape = (*(source.shape[i] for i in order), *source.shape[3:])
    stack = VolumeStack(lambda *lead: reader.volume(*lead).transpose(order), shape, reader.dtype)
    return _as_layer(stack, volume, in_memory), affine


def _oblique(volume: HasVoxels, placed: Affine, reader: VolumeReader, in_memory: bool) -> tuple[Any, Affine]:
    """Show the volume resampled onto a straight grid with the same voxel size.

    SciPy treats positions beyond the centers of the outer voxels as empty, so a slab of one plane would
    be invisible. The reader's border of zeros gives outer voxels their full thickness.
    """
    grid = straight_grid(_grid(volume.data, placed))
    labels = is_labels(volume)
    lazy = LazyResampled(
        reader.padded,
        tuple(volume.data.shape[3:]),
        placed @ translation((-1, -1, -1)),
        grid,
        reader.dtype if labels else np.dtype(np.float32),
        "nearest" if labels else "linear",
    )
    return _as_layer(lazy, volume, in_memory), grid.affine


def _as_layer(source: ArrayLike, volume: HasVoxels, in_memory: bool) -> Any:
    """Reverse the axes; three-dimensional labels are read completely if `in_memory`."""
    paintable = in_memory and is_labels(volume) and source.ndim == 3
    return np.asarray(source[...]).T if paintable else LayerArray(source)


def straight_grid(grid: Grid) -> Grid:
    """Find the axis-aligned grid that encloses an oblique grid, with about the same voxel size.

    Parameters
    ----------
    grid : Grid
        In frame space.

    Returns
    -------
    Grid
        Axes along +R, +A, +S, centered on `grid`.
    """
    order, _ = closest_axes(grid.affine)
    size = grid.voxel_size[list(order)]
    edges = apply_affine(grid.affine, np.indices((2, 2, 2)).reshape(3, 8).T * grid.shape - 0.5)
    low, high = edges.min(axis=0), edges.max(axis=0)
    x, y, z = (int(n) for n in np.maximum(np.ceil((high - low) / size - 1e-6), 1))
    affine = np.diag([*size, 1.0])
    affine[:3, 3] = (low + high) / 2 - (np.array((x, y, z)) - 1) / 2 * size
    return Grid((x, y, z), affine)


def _grid(source: ArrayLike, affine: Affine) -> Grid:
    x, y, z = source.shape[:3]
    return Grid((x, y, z), affine)


def _snapped(grid: Grid, signed: NDArray[np.float64]) -> Affine:
    """Affine of a grid whose axes are parallel to the scanner's, without the file's rounding errors.

    The center keeps its position. napari would drop the remaining obliqueness, with a warning.
    """
    linear = signed * grid.voxel_size
    middle = (np.array(grid.shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = apply_affine(grid.affine, middle) - linear @ middle
    return affine


def _reversed(affine: Affine, steps: Sequence[float]) -> Affine:
    """Affine of axes x, y, z for axes (*lead, z, y, x), with the steps of the leading axes."""
    n = len(steps)
    out = np.diag([*steps, 0.0, 0.0, 0.0, 1.0])
    out[n:-1, n:-1] = affine[:3, :3][::-1, ::-1]
    out[n:-1, -1] = affine[:3, 3][::-1]
    return out
