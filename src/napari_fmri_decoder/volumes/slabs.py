"""Slab: a few planes of a rotated volume.

This comes from a notebook that rotated the volumes by 0.35 rad, so that eyes and visual cortex were in the
same planes, and used planes 12 to 15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, Grid, rotated_grid
from napari_fmri_decoder.volumes.resample import LazyResampled, resample

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine
    from napari_fmri_decoder.volumes.interpolation import Interpolation
    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume

AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Slab:
    """How to rotate a volume and which planes to take.

    Attributes
    ----------
    rotate_x, rotate_y, rotate_z : float
        Degrees; R = Rz Ry Rx.
    pivot : (3,) tuple of float or None
        Center of the rotation in scanner millimeters; the origin of the scanner if None.
    axis : {"x", "y", "z"}
        The axis of the file's array (first, second, third) across the planes of the slab.
    start, stop : int or None
        Planes of the rotated, cropped grid; negative numbers count from the end.
    grid : {"full", "nilearn"}
    crop : bool
        Remove empty borders first, as `nilearn.image.crop_img` does.
    interpolation : {"continuous", "linear", "nearest"}
    """

    rotate_x: float = 0.0
    rotate_y: float = 0.0
    rotate_z: float = 0.0
    pivot: tuple[float, float, float] | None = None
    axis: Literal["x", "y", "z"] = "z"
    start: int | None = None
    stop: int | None = None
    grid: Literal["full", "nilearn"] = "full"
    crop: bool = True
    interpolation: Interpolation = "continuous"

    @property
    def frame(self) -> Frame:
        """The rotation."""
        return Frame.from_angles(self.rotate_x, self.rotate_y, self.rotate_z, self.pivot)


@dataclass(frozen=True, slots=True, eq=False)
class RotatedSlab:
    """Position of a slab.

    Attributes
    ----------
    grid : Grid
        In rotated space, where it has the axes of the volume that it was cut from.
    frame : Frame
        Scanner space to rotated space.
    axis : {0, 1, 2}
        Across the planes.
    start : int
        Its first plane in the rotated, cropped volume.
    n_planes : int
        Number of planes of the rotated, cropped volume; 0 if it is not known.
    given : Grid or None
        Its voxels in scanner space, if they come from a recipe: rotating them forward and back would
        change their last bits.
    """

    grid: Grid
    frame: Frame
    axis: int
    start: int = 0
    n_planes: int = 0
    given: Grid | None = None

    @property
    def scanner(self) -> Grid:
        """The same voxels as an oblique grid in scanner space, so that nothing is interpolated twice."""
        return self.given or self.grid.moved(self.frame.inverse)

    @property
    def screen(self) -> Frame:
        """The frame in which the slab is aligned with the screen, even if the acquisition was oblique."""
        return self.frame.then(Frame.straightening(self.grid.affine))


def resolve(slab: Slab, grid: Grid, mean: NDArray[np.float32] | None = None) -> RotatedSlab:
    """Find the grid of a slab.

    Parameters
    ----------
    slab : Slab
    grid : Grid
        That of the volume to cut.
    mean : (x, y, z) array, optional
        On `grid`: the mean over all images, 0 outside the mask. It is rotated, and its empty borders
        are cropped; needed for ``slab.crop``.

    Returns
    -------
    RotatedSlab

    Raises
    ------
    InputError
        If there is no plane between start and stop.
    """
    rotated = rotated_grid(grid, slab.frame, slab.grid)
    if slab.crop:
        if mean is None:
            raise InputError(
                "Cropping needs the mean image, but there is none. Pass it, or set crop = false."
            )
        affine = slab.frame.matrix @ grid.affine
        rotated = rotated.crop(*_filled_box(mean, affine, rotated, slab.interpolation))
    axis = AXES.index(slab.axis)
    start, stop, _ = slice(slab.start, slab.stop).indices(rotated.shape[axis])
    given = [v for v in (slab.start, slab.stop) if v is not None]
    n = rotated.shape[axis]
    if start >= stop or any(not -n <= v <= n for v in given):
        raise InputError(
            f"A slab must be within the {n} planes of the rotated volume along {slab.axis} and have "
            f"stop > start, got start={slab.start}, stop={slab.stop}. Choose 0 <= start < stop <= {n}."
        )
    low, high = [0, 0, 0], list(rotated.shape)
    low[axis], high[axis] = start, stop
    cropped = rotated.crop(tuple(low), tuple(high))  # type: ignore[arg-type]
    return RotatedSlab(cropped, slab.frame, axis, start, n)


def _filled_box(
    mean: NDArray[np.float32], affine: Affine, grid: Grid, interpolation: Interpolation, rtol: float = 1e-8
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Find the box of voxels that are not empty, plus one voxel on each side, as nilearn's crop_img does.

    The search runs from the outside in, so that with linear interpolation only a few planes are computed; a
    cubic spline rings beyond the voxels that are not empty.
    """
    mean = np.nan_to_num(np.asarray(mean, dtype=np.float32))
    box = np.array([(0, 0, 0), grid.shape])
    if interpolation == "continuous":
        rotated: ArrayLike = resample(mean, affine, grid, interpolation)
        threshold = rtol * float(np.abs(np.asarray(rotated)).max())
    else:
        rotated = LazyResampled(lambda: mean, (), affine, grid, mean.dtype, interpolation)
        threshold = rtol * float(np.abs(mean).max())
        box = np.clip(_reached(np.abs(mean) > threshold, np.linalg.inv(grid.affine) @ affine), *box)

    def is_filled(axis: int, plane: int) -> bool:
        key = [slice(a, b) for a, b in box.T]
        key[axis] = slice(plane, plane + 1)
        return bool((np.abs(rotated[tuple(key)]) > threshold).any())

    for axis in range(3):
        planes = range(*box[:, axis])
        first = next((i for i in planes if is_filled(axis, i)), None)
        if first is None:
            raise InputError(
                "The rotated volume must not be empty to be cropped, but it is. "
                "Check the mask and the rotation, or set crop = false."
            )
        last = next(i for i in reversed(planes) if is_filled(axis, i))
        box[:, axis] = first, last + 1
    low, high = np.maximum(box[0] - 1, 0), np.minimum(box[1] + 1, grid.shape)
    return tuple(low.tolist()), tuple(high.tolist())


def _reached(filled: NDArray[np.bool_], to_grid: Affine) -> NDArray[np.int64]:
    """(2, 3) box of the voxels that depend on filled voxels: first voxel, and one past the last, per axis."""
    y, z = np.nonzero(filled.any(axis=0))
    rows = filled[:, y, z]  # along x, the ends of each row suffice
    first, last = rows.argmax(axis=0), len(rows) - 1 - rows[::-1].argmax(axis=0)
    ends = np.array([np.append(first, last), np.append(y, y), np.append(z, z)])
    if not ends.size:
        return np.zeros((2, 3), dtype=np.int64)
    positions = to_grid[:3, :3] @ ends + to_grid[:3, 3:]
    reach = np.abs(to_grid[:3, :3]).sum(axis=1)  # at this distance the weight of a filled voxel is 0
    low, high = np.floor(positions.min(axis=1) - reach) + 1, np.ceil(positions.max(axis=1) + reach)
    return np.array([low, high], dtype=np.int64)


def cut(volume: Volume, slab: Slab, mean: NDArray[np.float32] | None = None) -> tuple[Volume, RotatedSlab]:
    """Cut a slab out of a volume or series.

    Parameters
    ----------
    volume : Volume
    slab : Slab
    mean : (x, y, z) array, optional
        Used for cropping; the mean of the volume if None.

    Returns
    -------
    slab : Volume
        float32, in scanner space.
    placement : RotatedSlab
    """
    if slab.crop and mean is None:
        mean = volume.at(0) if not volume.is_series else volume.mean().at(0)
    placement = resolve(slab, volume.grid, mean)
    interpolation = "nearest" if volume.kind in ("mask", "atlas") else slab.interpolation
    data = resample(volume.data, volume.affine, placement.scanner, interpolation)
    name = f"{volume.name} slab".strip()
    return replace(volume, data=data, affine=placement.scanner.affine, name=name), placement
