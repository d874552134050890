"""A test that left and right are correct on this computer: a phantom is written, read, rotated and cut.

The phantom is a function of scanner millimeters: a head, and on its left side a region that is bright in
every other volume. It is stored obliquely, with an unusual axis order, so that any error in axes, signs or
affines moves the region away from its true position. Positions are computed with nibabel and SciPy, not with
the code under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_fmri_decoder.volumes.frames import axis_codes, rotated_grid
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume

PLANTED = np.array([-22.0, 12.0, 9.0])
"""Scanner coordinates of the region in mm: left, anterior, superior."""
ORIENTATION = "PSL"
"""Orientation of the file: its axes point to posterior, superior and left."""
_ANGLES = (20.0, -8.0, 6.0)  # degrees about x, y, z
_SHAPE, _SIZE = (30, 24, 26), (3.2, 3.6, 3.0)
_N, _TR = 6, 2.5


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check.

    Attributes
    ----------
    name : str
        Condition that is checked.
    passed : bool
    found : str
        The measured value, with its unit and limit.
    """

    name: str
    passed: bool
    found: str


def selftest(folder: Path) -> Iterator[Check]:
    """Write the phantom, read it, rotate it, cut a slab, save that and read it back.

    Parameters
    ----------
    folder : Path
        For temporary files.

    Yields
    ------
    Check
    """
    phantom = _phantom()
    for ending in (".nii", ".nii.gz"):
        again = read(write(phantom, folder / f"phantom{ending}"))
        yield _below(f"{ending} is read as it was written", _apart(again.data, phantom.data), 0, "")
        yield _below(f"{ending} keeps its position", _corners_apart(again.affine, phantom.affine), 1e-3, "mm")
        yield _same(f"{ending} keeps TR and kind", (again.step, again.kind), (_TR, "bold"))
    stored: Any = nib.load(folder / "phantom.nii.gz")
    forms = _corners_apart(stored.header.get_qform(), stored.header.get_sform())
    yield _below("sform and qform agree", forms, 1e-2, "mm")
    yield _same("orientation codes", axis_codes(again.affine), ORIENTATION)

    response = _response(again)
    at = _center(response, again.affine)
    here, mirrored = (_value(response, again.affine, PLANTED * [sign, 1, 1]) for sign in (1, -1))
    yield Check(
        "left is left",
        bool(at[0] < 0 and here > 10 * abs(mirrored)),
        f"x = {at[0]:.2f} mm; {here:.0f} on the left, {mirrored:.0f} on the right",
    )
    yield _below("the region is at its position", float(np.linalg.norm(at - PLANTED)), 0.5, "mm")

    slab = Slab(*_ANGLES, crop=False)
    rotation = Rotation.from_euler("xyz", _ANGLES, degrees=True).as_matrix()
    grid = rotated_grid(again.grid, slab.frame)
    rotated = resample(again.data, slab.frame.matrix @ again.affine, grid)
    seen = _center(_response(Volume(rotated, grid.affine)), grid.affine)
    yield _below("it rotates with the head", float(np.linalg.norm(seen - rotation @ PLANTED)), 0.5, "mm")

    middle = int(np.rint(np.linalg.solve(grid.affine, [*(rotation @ PLANTED), 1])[2]))
    piece, _ = cut(again, Slab(*_ANGLES, axis="z", start=middle - 4, stop=middle + 5, crop=False))
    saved = write(piece, folder / "slab.nii.gz")
    back = read(saved)
    image: Any = nib.load(saved)
    yield _below("a slab is read as it was written", _apart(back.data, piece.data), 0, "")
    along = rotation @ image.affine[:3, :3] - again.affine[:3, :3]
    yield _below("the slab's axes are the rotated axes", float(np.abs(along).max()), 1e-4, "mm per voxel")
    off = _against_formula(back, image.affine, again)
    yield _below("the slab's values match the formula", 100 * off, 1.0, "% of the range")
    place = _center(_response(back), image.affine)
    yield _below(
        "the region is at its position in the slab", float(np.linalg.norm(place - PLANTED)), 1.0, "mm"
    )

    response = np.where(response > response.max() / 2, response, np.float32(0))
    for kind, values in (
        ("mask", response > 0),
        ("atlas", np.arange(response.size).reshape(response.shape) % 7),
    ):
        labels = Volume(values.astype(np.int32), again.affine, kind)  # type: ignore[arg-type]
        found = read(write(labels, folder / f"{kind}.nii.gz"))
        yield _below(f"labels are read as they were written ({kind})", _apart(found.data, labels.data), 0, "")
        yield _below(
            f"labels keep their position ({kind})", _corners_apart(found.affine, again.affine), 1e-3, "mm"
        )


def _phantom() -> Volume:
    """Make the series with axes to posterior, superior and left, oblique to the scanner."""
    directions = np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]])  # columns: posterior, superior, left
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (9, -7, 12), degrees=True).as_matrix() @ directions * _SIZE
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(_SHAPE) - 1) / 2) + [2, 5, 3]
    mm = apply_affine(affine, np.moveaxis(np.indices(_SHAPE), 0, -1))
    data = np.stack([_formula(mm, i) for i in range(_N)], axis=-1).astype(np.float32)
    return Volume(data, affine, "bold", _TR, name="phantom")


def _formula(mm: NDArray[np.float64], volume: int) -> NDArray[np.float64]:
    """Signal at (..., 3) scanner coordinates in mm: a head, and the region in odd volumes."""
    head = 800 * np.exp(-(mm**2).sum(axis=-1) / (2 * 22**2))
    region = 400 * np.exp(-((mm - PLANTED) ** 2).sum(axis=-1) / (2 * 6**2))
    return np.asarray(head + (volume % 2) * region)


def _response(series: Volume) -> NDArray[np.float32]:
    """Mean of the odd volumes minus the mean of the even volumes."""
    data = np.asarray(series.data[...])
    return np.asarray(data[..., 1::2].mean(axis=-1) - data[..., ::2].mean(axis=-1))


def _center(response: NDArray[np.float32], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Center in mm of the voxels with at least half of the largest response."""
    weight = np.where(response > response.max() / 2, response, 0)
    voxel = [(weight * index).sum() / weight.sum() for index in np.indices(response.shape)]
    return np.asarray(apply_affine(affine, voxel))


def _value(response: NDArray[np.float32], affine: NDArray[np.float64], mm: NDArray[np.float64]) -> float:
    """Value of the voxel at (3,) scanner coordinates in mm."""
    return float(response[tuple(np.rint(apply_affine(np.linalg.inv(affine), mm)).astype(int))])


def _against_formula(slab: Volume, affine: NDArray[np.float64], scan: Volume) -> float:
    """Largest difference from the formula, as a fraction of its range, well inside the scan."""
    mm = apply_affine(affine, np.moveaxis(np.indices(slab.shape[:3]), 0, -1))
    voxel = apply_affine(np.linalg.inv(scan.affine), mm)
    inside = ((voxel >= 2) & (voxel <= np.array(scan.shape[:3]) - 3)).all(axis=-1)
    apart = [np.abs(slab.at(i) - _formula(mm, i))[inside].max() for i in range(_N)]
    return float(max(apart) / np.ptp(np.asarray(scan.data[...])))


def _apart(found: object, wanted: object) -> float:
    one, other = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")


def _corners_apart(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Largest distance in mm between the same corner of the scan under two affines."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(_SHAPE) - 1)
    apart = apply_affine(found, corners) - apply_affine(wanted, corners)
    return float(np.linalg.norm(apart, axis=-1).max())


def _below(name: str, found: float, limit: float, unit: str) -> Check:
    return Check(name, bool(found <= limit), f"{found:.3g} {unit} (at most {limit:g})".replace("  ", " "))


def _same(name: str, found: object, wanted: object) -> Check:
    return Check(name, found == wanted, f"{found} (must be {wanted})")
