"""The head of the phantom: the MNI template with eyes, its mean BOLD image, and the responding regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.example_data.open_data import mni_anatomy
from napari_fmri_decoder.volumes.frames import Grid, translation
from napari_fmri_decoder.volumes.volume import Volume

Image = NDArray[np.float32]
"""(x, y, z)."""
Point = tuple[float, float, float]

EYES: Final = ((-33.0, 60.0, -40.0), (33.0, 60.0, -40.0))
"""Centers of the eyeballs in MNI millimeters."""
EYE_RADIUS: Final = 12.0
"""Millimeters."""
V1: Final = ((-9.0, -78.0, 16.0), (9.0, -78.0, 16.0))
"""Centers of the part of the visual cortex that responds, in MNI millimeters."""
EYE_AXES: Final = (9.8, 9.8, 9.8)
V1_AXES: Final = (6.0, 10.0, 28.0)
"""Half axes in millimeters of the ellipsoids that respond; those of the eyes are inside the eyeballs."""

SHAPE: Final = (40, 51, 42)
VOXEL_SIZE: Final = 4
"""Millimeters."""
_FIRST_VOXEL: Final = (18, 20, -8)
"""First voxel of the 1 mm template that is used; 8 mm are added at the bottom."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The head without noise.

    Attributes
    ----------
    anatomy : Volume
        1 mm.
    image : (x, y, z) float32 array
        Mean BOLD image.
    brain, inside : (x, y, z) bool array
        Brain voxels; brain and eyes.
    grid : Grid
        Of the BOLD image.
    """

    anatomy: Volume
    image: Image
    brain: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    grid: Grid


def make_head() -> Head:
    """Build the head from the MNI template."""
    template = mni_anatomy()
    t1 = _crop_to_field_of_view(template.at(0))
    affine = template.affine @ translation(_FIRST_VOXEL)
    eyeballs = domes(Grid(t1.shape, affine), EYES, (EYE_RADIUS,) * 3) > 0
    brain = t1 > 0.2  # the threshold of nilearn's load_mni152_brain_mask
    # In BOLD images gray matter is brighter than white matter, and cerebrospinal fluid brighter still.
    bold = np.where(eyeballs, np.float32(1350), np.where(brain, 1350 - 600 * t1, np.float32(0)))
    tissue = _block_mean((brain | eyeballs).astype(np.float32))
    inside = tissue > 0.5
    image = np.where(inside, _block_mean(bold) / np.maximum(tissue, np.float32(0.5)), np.float32(0))
    anatomy = np.rint(1000 * np.where(eyeballs, np.float32(1), t1)).astype(np.int16)
    coarse = affine @ translation([(VOXEL_SIZE - 1) / 2] * 3) @ np.diag([VOXEL_SIZE] * 3 + [1.0])
    return Head(
        anatomy=Volume(anatomy, affine, "anatomy", name="phantom anatomy"),
        image=image,
        brain=_block_mean(brain.astype(np.float32)) > 0.5,
        inside=inside,
        grid=Grid(SHAPE, coarse),
    )


def offsets(grid: Grid, center: Point) -> list[NDArray[np.float32]]:
    """Millimeters from `center` along x, y and z, each broadcastable over an unrotated grid."""
    steps, origin = np.diag(grid.affine)[:3], grid.affine[:3, 3]
    along = [np.float32(origin[i] + steps[i] * np.arange(grid.shape[i]) - center[i]) for i in range(3)]
    return list(np.meshgrid(*along, indexing="ij", sparse=True))


def dome(grid: Grid, center: Point, axes: Point) -> Image:
    """Half an ellipsoid as a height map: 1 at the center, 0 at and beyond the surface."""
    along = [d.ravel() / np.float32(a) for d, a in zip(offsets(grid, center), axes, strict=True)]
    box = [np.flatnonzero(np.abs(d) < 1) for d in along]  # all else is 0
    squares = sum(d[near] ** 2 for d, near in zip(along, np.ix_(*box), strict=True))
    image = np.zeros(grid.shape, dtype=np.float32)
    image[np.ix_(*box)] = np.sqrt(np.clip(np.float32(1) - squares, 0, None))
    return image


def domes(grid: Grid, centers: tuple[Point, ...], axes: Point) -> Image:
    """Sum of `dome` over several centers."""
    return np.asarray(sum(dome(grid, center, axes) for center in centers))


def _crop_to_field_of_view(template: Image) -> Image:
    """Crop the template to the field of view of the scan; the part below the template is empty."""
    x, y, z = _FIRST_VOXEL
    nx, ny, nz = (n * VOXEL_SIZE for n in SHAPE)
    below = np.zeros((nx, ny, -z), dtype=np.float32)
    return np.concatenate([below, template[x : x + nx, y : y + ny, : nz + z]], axis=2)


def _block_mean(fine: Image) -> Image:
    """Average over the 1 mm voxels of each 4 mm voxel."""
    x, y, z = SHAPE
    blocks = fine.reshape(x, VOXEL_SIZE, y, VOXEL_SIZE, z, VOXEL_SIZE)
    return np.asarray(blocks.mean((1, 3, 5), dtype=np.float32))
