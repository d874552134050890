"""Positions in space: voxel grids, rotations and rotated frames.

Affines map voxel indices to scanner RAS+ millimeters; angles are in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from nibabel.orientations import aff2axcodes, io_orientation
from numpy.typing import ArrayLike, NDArray

from napari_fmri_decoder.errors import InputError

Affine = NDArray[np.float64]


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> NDArray[np.float64]:
    """Make the matrix of a rotation about the scanner's axes: R = Rz Ry Rx.

    Parameters
    ----------
    x, y, z : float
        Degrees about the axes to the right, to anterior and to superior; counterclockwise when
        looking against the direction of the axis.

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
    """Transform points by an affine.

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
    """Affine of a translation by `offset`, (3,) in the units of the space."""
    affine = np.eye(4)
    affine[:3, 3] = offset
    return affine


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A box of voxels in space, given by its shape and affine.

    Attributes
    ----------
    shape : (3,) tuple of int
    affine : (4, 4) float64 array
        Voxel index to millimeters.

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
        with np.errstate(over="ignore", invalid="ignore"):
            volume = abs(np.linalg.det(affine[:3, :3]))  # of a voxel
        if not np.isfinite(affine).all() or not 1e-12 <= volume < np.inf:
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
        """(3,) lengths of a voxel's edges in millimeters."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def corners(self) -> NDArray[np.float64]:
        """(8, 3) centers of the corner voxels in millimeters."""
        return apply_affine(self.affine, list(product(*((0, n - 1) for n in self.shape))))

    def crop(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Grid:
        """Take the box of voxels from `start` up to, but not including, `stop`."""
        shape = tuple(b - a for a, b in zip(start, stop, strict=True))
        return Grid(shape, self.affine @ translation(start))  # type: ignore[arg-type]

    def moved(self, matrix: ArrayLike) -> Grid:
        """The same voxels after a (4, 4) transform of space."""
        return Grid(self.shape, np.asarray(matrix, dtype=float) @ self.affine)

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether two grids have the same shape, and corners within `tolerance_mm` of each other."""
        return self.shape == other.shape and bool(np.abs(self.corners - other.corners).max() <= tolerance_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A rigid transform of scanner space, by which the viewer rotates all brain layers.

    Attributes
    ----------
    matrix : (4, 4) float64 array
        Scanner millimeters to frame millimeters.

    Examples
    --------
    >>> frame = Frame.from_angles(z=90, pivot=(1, 0, 0))
    >>> frame.to_frame([2, 0, 0]).round(6).tolist()
    [1.0, 1.0, 0.0]
    """

    matrix: Affine

    @classmethod
    def from_angles(
        cls, x: float = 0.0, y: float = 0.0, z: float = 0.0, pivot: ArrayLike | None = None
    ) -> Frame:
        """Rotate by degrees about x, then y, then z, around `pivot` in mm (scanner origin if None)."""
        matrix = np.eye(4)
        matrix[:3, :3] = rotation(x, y, z)
        if pivot is not None:
            at = np.asarray(pivot, dtype=float)
            matrix = translation(at) @ matrix @ translation(-at)
        return cls(matrix)

    @classmethod
    def straightening(cls, affine: ArrayLike) -> Frame:
        """Find the frame that makes an oblique grid straight: the inverse of its `obliquity`."""
        matrix = np.eye(4)
        matrix[:3, :3] = obliquity(affine).T
        return cls(matrix)

    @property
    def is_identity(self) -> bool:
        """Whether the frame equals scanner space."""
        return bool(np.allclose(self.matrix, np.eye(4), atol=1e-9))

    @property
    def inverse(self) -> Affine:
        """(4, 4) frame millimeters to scanner millimeters."""
        return np.asarray(np.linalg.inv(self.matrix))

    def to_frame(self, points: ArrayLike) -> NDArray[np.float64]:
        """Transform scanner mm to frame mm, (..., 3)."""
        return apply_affine(self.matrix, points)

    def to_scanner(self, points: ArrayLike) -> NDArray[np.float64]:
        """Transform frame mm to scanner mm, (..., 3)."""
        return apply_affine(self.inverse, points)

    def then(self, other: Frame) -> Frame:
        """Apply this frame first, then `other`."""
        return Frame(other.matrix @ self.matrix)


def closest_axes(affine: ArrayLike) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Find the scanner axes closest to the voxel axes.

    Parameters
    ----------
    affine : (4, 4) array-like

    Returns
    -------
    order : tuple of int
        Voxel axes in the order R, A, S: ``data.transpose(order)``.
    signed : (3, 3) array of -1, 0, 1
        Column i is the direction of voxel axis i.
    """
    orientation = io_orientation(np.asarray(affine, dtype=float))
    signed = np.zeros((3, 3))
    for voxel_axis, (scanner_axis, sign) in enumerate(orientation):
        signed[int(scanner_axis), voxel_axis] = sign
    x, y, z = (int(i) for i in np.argsort(orientation[:, 0]))
    return (x, y, z), signed


def obliquity(affine: ArrayLike) -> NDArray[np.float64]:
    """Find the rotation from the closest scanner axes to the voxel axes.

    Parameters
    ----------
    affine : (4, 4) array-like

    Returns
    -------
    (3, 3) float64 array
        A proper rotation; the identity for a straight grid. Shear is ignored: this is the nearest
        rotation, by singular value decomposition.
    """
    matrix = np.asarray(affine, dtype=float)[:3, :3]
    _, signed = closest_axes(affine)
    u, _, vt = np.linalg.svd((matrix / np.linalg.norm(matrix, axis=0)) @ signed.T)
    return np.asarray(u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt)


def is_straight(affine: ArrayLike, tolerance: float = 1e-4) -> bool:
    """Whether every voxel axis is parallel to a scanner axis, within `tolerance` of its length."""
    matrix = np.asarray(affine, dtype=float)[:3, :3]
    directions = np.abs(matrix / np.linalg.norm(matrix, axis=0))
    return bool((np.sort(directions, axis=0)[:2] <= tolerance).all())


def axis_codes(affine: ArrayLike) -> str:
    """Letters of the directions in which voxel indices increase.

    Examples
    --------
    >>> axis_codes(np.diag([-2, 2, 2, 1]))
    'LAS'
    """
    return "".join(aff2axcodes(np.asarray(affine, dtype=float)))


def degrees_oblique(affine: ArrayLike) -> float:
    """Largest angle in degrees between a voxel axis and its closest scanner axis."""
    matrix = np.asarray(affine, dtype=float)[:3, :3]
    cosines = np.abs(matrix / np.linalg.norm(matrix, axis=0)).max(axis=0)
    return float(np.rad2deg(np.arccos(np.clip(cosines, -1, 1))).max())


def rotated_grid(grid: Grid, frame: Frame, how: Literal["full", "nilearn"] = "full") -> Grid:
    """Grid that contains a volume after a rotation, with the axes and voxel size of the original.

    Parameters
    ----------
    grid : Grid
        Grid of the volume, with affine A.
    frame : Frame
        The rotation R; the rotated volume has affine R A.
    how : {"full", "nilearn"}
        "full" moves the origin by whole voxels so that nothing is cut off; "nilearn" starts at
        voxel 0 of A, as `nilearn.image.resample_img` with ``target_affine=A`` does, and cuts off
        everything below.

    Returns
    -------
    Grid
        In rotated space.
    """
    to_voxels = np.linalg.inv(grid.affine) @ frame.matrix
    corners = apply_affine(to_voxels, grid.corners).round(9)
    start = np.floor(corners.min(axis=0)).astype(int) if how == "full" else np.zeros(3, dtype=int)
    stop = np.ceil(corners.max(axis=0)).astype(int) + 1
    if (stop <= start).any():
        raise InputError(
            "The rotated volume must overlap the grid that starts at the original voxel 0 "
            f'(grid = "nilearn"), but it ends at voxel {stop.tolist()}. Use grid = "full".'
        )
    return grid.crop(tuple(start), tuple(stop))
