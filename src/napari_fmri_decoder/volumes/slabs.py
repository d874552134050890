"""Slab: a few planes of a rotated volume.

The origin is a notebook that turned the head by 0.35 rad, so that eyes and visual cortex lay in
the same planes, and cut planes 12 to 15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, Grid, rotated_grid
from napari_fmri_decoder.volumes.resample import Interpolation, LazyResampled, resample

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine
    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume

AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Slab:
    """How to rotate and cut.

    Attributes
    ----------
    rotate_x, rotate_y, rotate_z : float
        Degrees; R = Rz Ry Rx.
    pivot : (3,) tuple of float or None
        Scanner millimetres about which to rotate; the scanner's origin if None.
    axis : {"x", "y", "z"}
        The array axis of the file (first, second, third) across the slab's planes.
    start, stop : int or None
        Planes of the rotated, cropped grid; negative counts from the end.
    grid : {"full", "nilearn"}
    crop : bool
        Drop empty borders first, as `nilearn.image.crop_img` does.
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
    """Where a slab lies.

    Attributes
    ----------
    grid : Grid
        In rotated space, where it has the axes of the volume it was cut from.
    frame : Frame
        Scanner space to rotated space.
    axis : {0, 1, 2}
        Across the planes.
    start : int
        Its first plane among those of the rotated, cropped volume.
    n_planes : int
        How many those are; 0 where that is not known.
    given : Grid or None
        Its voxels in scanner space where they were written down: turned there and back, their last
        bits would be others.
    """

    grid: Grid
    frame: Frame
    axis: int
    start: int = 0
    n_planes: int = 0
    given: Grid | None = None

    @property
    def scanner(self) -> Grid:
        """The same voxels in scanner space, obliquely: no second interpolation."""
        return self.given or self.grid.moved(self.frame.inverse)

    @property
    def screen(self) -> Frame:
        """The frame in which the slab lies straight on the screen, oblique acquisition or not."""
        return self.frame.then(Frame.straightening(self.grid.affine))


def resolve(slab: Slab, grid: Grid, mean: NDArray[np.float32] | None = None) -> RotatedSlab:
    """Find the grid of a slab.

    Parameters
    ----------
    slab : Slab
    grid : Grid
        Of the volume to cut.
    mean : (x, y, z) array, optional
        On `grid`: the mean over all images, 0 outside of their mask. Its empty borders, once
        rotated, are cropped; needed for ``slab.crop``.

    Returns
    -------
    RotatedSlab

    Raises
    ------
    InputError
        If no plane lies between start and stop.
    """
    rotated = rotated_grid(grid, slab.frame, slab.grid)
    if slab.crop:
        if mean is None:
            raise InputError("Cropping needs the mean image, found none. Give it, or set crop = false.")
        affine = slab.frame.matrix @ grid.affine
        rotated = rotated.crop(*_filled_box(mean, affine, rotated, slab.interpolation))
    axis = AXES.index(slab.axis)
    start, stop, _ = slice(slab.start, slab.stop).indices(rotated.shape[axis])
    given = [v for v in (slab.start, slab.stop) if v is not None]
    n = rotated.shape[axis]
    if start >= stop or any(not -n <= v <= n for v in given):
        raise InputError(
            f"A slab must lie within the {n} planes of the rotated volume along {slab.axis} and have "
            f"stop > start, got start={slab.start}, stop={slab.stop}. Choose 0 <= start < stop <= {n}."
        )
    low, high = [0, 0, 0], list(rotated.shape)
    low[axis], high[axis] = start, stop
    cropped = rotated.crop(tuple(low), tuple(high))  # type: ignore[arg-type]
    return RotatedSlab(cropped, slab.frame, axis, start, n)


def _filled_box(
    mean: NDArray[np.float32], affine: Affine, grid: Grid, interpolation: Interpolation, rtol: float = 1e-8
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Find the box of a grid's voxels that are not empty, one voxel wider: the rule of nilearn's crop_img.

    It is looked for from the outside in, so that of a linear image just a few planes are computed;
    a cubic spline rings on beyond what is filled.
    """
    mean = np.nan_to_num(np.asarray(mean, dtype=np.float32))
    box = np.array([(0, 0, 0), grid.shape])
    if interpolation == "continuous":
        turned: ArrayLike = resample(mean, affine, grid, interpolation)
        floor = rtol * float(np.abs(np.asarray(turned)).max())
    else:
        turned = LazyResampled(lambda: mean, (), affine, grid, mean.dtype, interpolation)
        floor = rtol * float(np.abs(mean).max())
        box = np.clip(_reached(np.abs(mean) > floor, np.linalg.inv(grid.affine) @ affine), *box)

    def is_filled(axis: int, plane: int) -> bool:
        key = [slice(a, b) for a, b in box.T]
        key[axis] = slice(plane, plane + 1)
        return bool((np.abs(turned[tuple(key)]) > floor).any())

    for axis in range(3):
        planes = range(*box[:, axis])
        first = next((i for i in planes if is_filled(axis, i)), None)
        if first is None:
            raise InputError(
                "The rotated volume must hold data to crop to, but it is empty. "
                "Check mask and rotation, or set crop = false."
            )
        last = next(i for i in reversed(planes) if is_filled(axis, i))
        box[:, axis] = first, last + 1
    low, high = np.maximum(box[0] - 1, 0), np.minimum(box[1] + 1, grid.shape)
    return tuple(low.tolist()), tuple(high.tolist())


def _reached(filled: NDArray[np.bool_], to_grid: Affine) -> NDArray[np.int64]:
    """(2, 3) first voxels of a box on a grid, and those past its last, that filled voxels blend into."""
    y, z = np.nonzero(filled.any(axis=0))
    rows = filled[:, y, z]  # each lies between its ends
    first, last = rows.argmax(axis=0), len(rows) - 1 - rows[::-1].argmax(axis=0)
    ends = np.array([np.append(first, last), np.append(y, y), np.append(z, z)])
    if not ends.size:
        return np.zeros((2, 3), dtype=np.int64)
    places = to_grid[:3, :3] @ ends + to_grid[:3, 3:]
    reach = np.abs(to_grid[:3, :3]).sum(axis=1)  # there, a filled voxel's weight is 0
    low, high = np.floor(places.min(axis=1) - reach) + 1, np.ceil(places.max(axis=1) + reach)
    return np.array([low, high], dtype=np.int64)


def cut(volume: Volume, slab: Slab, mean: NDArray[np.float32] | None = None) -> tuple[Volume, RotatedSlab]:
    """Cut a slab out of a volume or series.

    Parameters
    ----------
    volume : Volume
    slab : Slab
    mean : (x, y, z) array, optional
        What cropping looks at; the volume's own mean if None.

    Returns
    -------
    slab : Volume
        float32, in scanner space.
    where : RotatedSlab
    """
    if slab.crop and mean is None:
        mean = volume.at(0) if not volume.is_series else volume.mean().at(0)
    where = resolve(slab, volume.grid, mean)
    interpolation = "nearest" if volume.kind in ("mask", "atlas") else slab.interpolation
    data = resample(volume.data, volume.affine, where.scanner, interpolation)
    name = f"{volume.name} slab".strip()
    return replace(volume, data=data, affine=where.scanner.affine, name=name), where
