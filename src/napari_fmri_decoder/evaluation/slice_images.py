"""Slices of an image and of the anatomy below it, on the same pixels: arrays, no drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.directions import ends
from napari_fmri_decoder.volumes.frames import Frame, Grid, apply_affine, translation
from napari_fmri_decoder.volumes.resample import resample

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.picture_config import PictureConfig
    from napari_fmri_decoder.volumes.interpolation import Interpolation
    from napari_fmri_decoder.volumes.volume import Volume

SCANNER = Frame(np.eye(4))
MOST_PIXELS = 4096
"""Pixels along one side of a slice."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceImage:
    """One slice.

    Attributes
    ----------
    position : float
        Along the axis, in mm.
    extent : (4,) tuple of float
        Left, right, bottom, top edge in mm.
    anatomy : (across, up) float32 array or None
    overlay : (across, up) float32 array
        NaN where nothing is shown.
    sides : (4,) tuple of str
        Letters at the left, right, bottom and top edge, such as "L", "R", "P", "A".
    hemisphere : str
        "L" or "R" for a slice on one side; "" in the middle, and for other axes.
    grid : Grid
        Its pixels in scanner space.
    """

    position: float
    extent: tuple[float, float, float, float]
    anatomy: NDArray[np.float32] | None
    overlay: NDArray[np.float32]
    sides: tuple[str, str, str, str]
    hemisphere: str
    grid: Grid


def one_image(volume: Volume, index: int | None) -> Volume:
    """Choose the image of a series that a picture shows.

    Parameters
    ----------
    volume : Volume
    index : int or None
        None for the mean of a time series.

    Raises
    ------
    InputError
        If there is no such volume, or if a stack of maps is given without an index.
    """
    n, name = volume.n_volumes, volume.name or "the image"
    if index is not None and index >= n:
        raise InputError(f"The volume must be from 0 to {n - 1}, because {name} has {n}, got {index}.")
    if not volume.is_series:
        return volume
    if index is None and n > 1 and volume.step is None:
        raise InputError(f"A picture shows one map, but {name} has {n}. Choose a volume from 0 to {n - 1}.")
    if index is None and n > 1:
        return replace(volume.mean(), kind=volume.kind, name=volume.name)
    at = index or 0
    name = volume.names[at] if volume.names else f"{volume.name}, volume {at}" if n > 1 else volume.name
    return replace(volume, data=volume.at(at), step=None, names=(), name=name)


def slice_images(
    overlay: Volume, anatomy: Volume | None, config: PictureConfig, frame: Frame = SCANNER
) -> list[SliceImage]:
    """Resample an image and its anatomy onto the pixels of slices.

    Parameters
    ----------
    overlay : Volume
        (x, y, z): a map, a mask, regions, or a slab.
    anatomy : Volume or None
        (x, y, z). Its smallest voxel size is the size of the pixels; those of the image without it.
    config : PictureConfig
    frame : Frame
        Slices are perpendicular to its axes, and positions count along them.

    Returns
    -------
    list of SliceImage

    Raises
    ------
    InputError
        If a position is outside of the anatomy.
    """
    base = anatomy if anatomy is not None else overlay
    axis = "xyz".index(config.axis)
    low, high = _range(base.grid, frame)
    size = float(base.grid.voxel_size.min())
    positions = config.positions or _spread(overlay, config, frame, axis)
    outside = [p for p in positions if not low[axis] - size <= p <= high[axis] + size]
    if outside:
        raise InputError(
            f"Slices must be within {low[axis]:.4g} and {high[axis]:.4g} mm along {config.axis}, got "
            f"{outside[0]:g}. Choose other positions."
        )
    across, up = [i for i in range(3) if i != axis]
    counts = [int(np.floor((high[i] - low[i]) / size + 1e-6)) + 1 for i in (across, up)]
    if max(counts) > MOST_PIXELS:
        raise InputError(f"A slice must have at most {MOST_PIXELS} pixels per side, got {max(counts)}.")
    return [
        _slice(overlay, anatomy, config, frame, (axis, across, up), float(p), low, size, counts)
        for p in positions
    ]


def _slice(
    overlay: Volume,
    anatomy: Volume | None,
    config: PictureConfig,
    frame: Frame,
    axes: tuple[int, int, int],
    position: float,
    low: NDArray[np.float64],
    size: float,
    counts: list[int],
) -> SliceImage:
    axis, across, up = axes
    shape, affine = [1, 1, 1], np.diag([size, size, size, 1.0])
    shape[across], shape[up] = counts
    affine[:3, 3] = low
    affine[axis, 3] = position
    grid = Grid((shape[0], shape[1], shape[2]), frame.inverse @ affine)
    half = size / 2
    left, bottom = low[across] - half, low[up] - half
    extent = (left, left + counts[0] * size, bottom, bottom + counts[1] * size)
    directions = frame.inverse[:3, :3]
    sides = (*ends(directions[:, across]), *ends(directions[:, up]))
    below = None if anatomy is None else _pixels(anatomy, grid, axis, _interpolation(anatomy))
    behind, ahead = ends(directions[:, axis])
    hemisphere = "" if position == 0 or behind not in "LR" else ahead if position > 0 else behind
    shown = _shown(overlay, grid, axis, config)
    return SliceImage(position, extent, below, shown, sides, hemisphere, grid)


def _interpolation(volume: Volume) -> Interpolation:
    return "nearest" if volume.kind in ("mask", "atlas") else "linear"


def _pixels(volume: Volume, grid: Grid, axis: int, interpolation: Interpolation) -> NDArray[np.float32]:
    voxels, affine = volume.at(0), volume.affine
    if volume.kind in ("mask", "atlas"):  # a voxel reaches half its size beyond the last center
        voxels, affine = np.pad(voxels, 1), affine @ translation((-1, -1, -1))
    values = resample(voxels, affine, grid, interpolation)
    return np.asarray(np.take(values, 0, axis=axis))


def _shown(volume: Volume, grid: Grid, axis: int, config: PictureConfig) -> NDArray[np.float32]:
    """Pixels of the image; NaN outside of it, at 0 in masks, regions and maps, and below the threshold."""
    values = _pixels(volume, grid, axis, _interpolation(volume))
    if volume.kind in ("anatomy", "bold"):
        inside = replace(volume, data=np.ones(volume.shape[:3], np.float32))
        hidden = _pixels(inside, grid, axis, "nearest") < 0.5
    else:
        threshold = config.threshold if volume.kind == "stat" else 0.0
        hidden = (values == 0) | (np.abs(values) < threshold)
    return np.where(hidden | ~np.isfinite(values), np.float32(np.nan), values)


def _range(grid: Grid, frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest position of the voxels of a grid along the axes of a frame."""
    corners = [[i * (n - 1) for i, n in zip(at, grid.shape, strict=True)] for at in np.ndindex(2, 2, 2)]
    places = frame.to_frame(apply_affine(grid.affine, corners))
    return places.min(axis=0), places.max(axis=0)


def _spread(overlay: Volume, config: PictureConfig, frame: Frame, axis: int) -> tuple[float, ...]:
    """Evenly spaced positions through what is shown of an image."""
    values = overlay.at(0)
    threshold = config.threshold if overlay.kind == "stat" else 0.0
    shown = np.argwhere(np.isfinite(values) & (values != 0) & (np.abs(values) >= threshold))
    if not len(shown):
        raise InputError(
            f"A picture must show something, but no voxel of {overlay.name or 'the image'} reaches "
            f"{threshold:g}. Lower the threshold, or choose another image."
        )
    places = frame.to_frame(apply_affine(overlay.affine, shown))[:, axis]
    low, high = float(places.min()), float(places.max())
    spaced = np.linspace(low, high, config.count + 2)[1:-1] if config.count > 1 else [(low + high) / 2]
    return tuple(round(float(p), 1) for p in spaced)
