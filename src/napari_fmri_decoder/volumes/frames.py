"""Where things lie: grids of voxels, rotated frames, and the places of a network's layers.

Affines map voxel indices to scanner RAS+ millimetres; angles are degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fmri_decoder.errors import InputError

Affine = NDArray[np.float64]


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> NDArray[np.float64]:
    """Rotate about the scanner's axes: R = Rz Ry Rx.

    Parameters
    ----------
    x, y, z : float
        Degrees about the axis to the right, to anterior and to superior; counter-clockwise
        for one who looks against the axis.

    Returns
    -------
    (3, 3) float64 array

    Examples
    --------
    >>> (rotation(x=90) @ [0, 1, 0]).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.deg2rad([x, y, z])), np.sin(np.deg2rad([x, y, z]))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


def apply_affine(affine: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """Move points by an affine.

    Parameters
    ----------
    affine : (4, 4) array-like
    points : (..., 3) array-like

    Returns
    -------
    (..., 3) float64 array

    Examples
    --------
    >>> apply_affine(np.diag([2, 2, 2, 1]), [1, 2, 3]).tolist()
    [2.0, 4.0, 6.0]
    """
    matrix, pts = np.asarray(affine, dtype=float), np.asarray(points, dtype=float)
    return np.asarray(pts @ matrix[:3, :3].T + matrix[:3, 3])


def translation(offset: ArrayLike) -> Affine:
    """Affine that moves by `offset`, (3,) in the units of its space."""
    affine = np.eye(4)
    affine[:3, 3] = offset
    return affine


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A box of voxels in space: its shape and its affine.

    Attributes
    ----------
    shape : (3,) tuple of int
    affine : (4, 4) float64 array
        Voxel index to millimetres.

    Examples
    --------
    >>> grid = Grid((4, 5, 6), np.diag([2.0, 2, 2, 1]))
    >>> grid.crop((1, 0, 0), (4, 5, 3)).affine[:3, 3].tolist()
    [2.0, 0.0, 0.0]
    """

    shape: tuple[int, int, int]
    affine: Affine

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4):
            raise InputError(f"An affine must be 4 x 4, got shape {affine.shape}.")
        if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise InputError(
                f"An affine must be finite and invertible, got {affine[:3].round(4).tolist()}. "
                "Choose the other of sform and qform, or repair the header."
            )
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        x, y, z = (int(n) for n in self.shape)
        if min(x, y, z) < 1:
            raise InputError(f"A grid must have at least one voxel along each axis, got shape {(x, y, z)}.")
        object.__setattr__(self, "shape", (x, y, z))

    @property
    def voxel_size(self) -> NDArray[np.float64]:
        """(3,) lengths of the voxel's edges in millimetres."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def corners(self) -> NDArray[np.float64]:
        """(8, 3) centres of the corner voxels in millimetres."""
        return apply_affine(self.affine, list(product(*((0, n - 1) for n in self.shape))))

    def crop(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Grid:
        """Take the box of voxels from `start` up to but without `stop`."""
        shape = tuple(b - a for a, b in zip(start, stop, strict=True))
        return Grid(shape, self.affine @ translation(start))  # type: ignore[arg-type]

    def moved(self, matrix: ArrayLike) -> Grid:
        """The same voxels after the (4, 4) transform `matrix` of space."""
        return Grid(self.shape, np.asarray(matrix, dtype=float) @ self.affine)

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether both have the same shape and corners that lie within `tolerance_mm`."""
        return self.shape == other.shape and bool(
            np.abs(self.corners - other.corners).max() <= tolerance_mm
        )
