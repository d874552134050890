"""Whether left is left on this machine: a phantom goes through all that moves voxels, and is measured.

The phantom is a formula of scanner millimetres: a head, and on its left a region that is bright in
every other volume. It is stored obliquely, with its axes in no usual order, so that whatever mixes
up axes, signs or affines moves the region away from where the formula has it. Places are reckoned
by nibabel and SciPy, not by the code that is tested.
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
from napari_fmri_decoder.volumes.nifti import read, write
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume

PLANTED = np.array([-22.0, 12.0, 9.0])
"""Scanner millimetres of the region: left, anterior, superior."""
ORIENTATION = "PSL"
"""Of the file: its axes run to posterior, superior and left."""
_ANGLES = (20.0, -8.0, 6.0)  # degrees about x, y, z
_SHAPE, _SIZE = (30, 24, 26), (3.2, 3.6, 3.0)
_N, _TR = 6, 2.5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was measured.

    Attributes
    ----------
    name : str
        What must hold.
    passed : bool
    found : str
        The figure, with its unit and its limit.
    """

    name: str
    passed: bool
    found: str


def selftest(folder: Path) -> Iterator[Check]:
    """Write the phantom, read it, rotate it, cut a slab, save that and read it back.

    Parameters
    ----------
    folder : Path
        For the files; may be thrown away.

    Yields
    ------
    Check
    """
    phantom = _phantom()
    for ending in (".nii", ".nii.gz"):
        again = read(write(phantom, folder / f"phantom{ending}"))
        yield _below(f"{ending} comes back the same", _apart(again.data, phantom.data), 0, "")
        yield _below(f"{ending} lies where it was", _corners_apart(again.affine, phantom.affine), 1e-3, "mm")
        yield _same(f"{ending} keeps TR and kind", (again.step, again.kind), (_TR, "bold"))
    stored: Any = nib.load(folder / "phantom.nii.gz")
    forms = _corners_apart(stored.header.get_qform(), stored.header.get_sform())
    yield _below("sform and qform agree", forms, 1e-2, "mm")
    yield _same("orientation codes", axis_codes(again.affine), ORIENTATION)

    answer = _answer(again)
    at = _centre(answer, again.affine)
    here, mirrored = (_value(answer, again.affine, PLANTED * [sign, 1, 1]) for sign in (1, -1))
    yield Check(
        "left is left",
        bool(at[0] < 0 and here > 10 * abs(mirrored)),
        f"x = {at[0]:.2f} mm; {here:.0f} on the left, {mirrored:.0f} on the right",
    )
    yield _below("the planted region is at its mm", float(np.linalg.norm(at - PLANTED)), 0.5, "mm")

    slab = Slab(*_ANGLES, crop=False)
    turn = Rotation.from_euler("xyz", _ANGLES, degrees=True).as_matrix()
    grid = rotated_grid(again.grid, slab.frame)
    turned = resample(again.data, slab.frame.matrix @ again.affine, grid)
    seen = _centre(_answer(Volume(turned, grid.affine)), grid.affine)
    yield _below("it turns with the head", float(np.linalg.norm(seen - turn @ PLANTED)), 0.5, "mm")

    middle = int(np.rint(np.linalg.solve(grid.affine, [*(turn @ PLANTED), 1])[2]))
    piece, _ = cut(again, Slab(*_ANGLES, axis="z", start=middle - 4, stop=middle + 5, crop=False))
    saved = write(piece, folder / "slab.nii.gz")
    back = read(saved)
    image: Any = nib.load(saved)
    yield _below("a slab comes back the same", _apart(back.data, piece.data), 0, "")
    along = turn @ image.affine[:3, :3] - again.affine[:3, :3]
    yield _below("its axes are the turned file's", float(np.abs(along).max()), 1e-4, "mm a voxel")
    off = _against_formula(back, image.affine, again)
    yield _below("its values are the formula's at its mm", 100 * off, 1.0, "% of the range")
    place = _centre(_answer(back), image.affine)
    yield _below("the region is in it, in the scanner", float(np.linalg.norm(place - PLANTED)), 1.0, "mm")

    answer = np.where(answer > answer.max() / 2, answer, np.float32(0))
    for kind, values in (("mask", answer > 0), ("atlas", np.arange(answer.size).reshape(answer.shape) % 7)):
        labels = Volume(values.astype(np.int32), again.affine, kind)  # type: ignore[arg-type]
        found = read(write(labels, folder / f"{kind}.nii.gz"))
        yield _below(f"labels come back the same ({kind})", _apart(found.data, labels.data), 0, "")
        yield _below(
            f"labels lie where they were ({kind})", _corners_apart(found.affine, again.affine), 1e-3, "mm"
        )


def _phantom() -> Volume:
    """Make the series, posterior-superior-left in memory, tilted against the scanner."""
    directions = np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]])  # columns: posterior, superior, left
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (9, -7, 12), degrees=True).as_matrix() @ directions * _SIZE
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(_SHAPE) - 1) / 2) + [2, 5, 3]
    mm = apply_affine(affine, np.moveaxis(np.indices(_SHAPE), 0, -1))
    data = np.stack([_formula(mm, i) for i in range(_N)], axis=-1).astype(np.float32)
    return Volume(data, affine, "bold", _TR, name="phantom")


def _formula(mm: NDArray[np.float64], volume: int) -> NDArray[np.float64]:
    """Signal at (..., 3) scanner millimetres: a head, and the region in odd volumes."""
    head = 800 * np.exp(-(mm**2).sum(axis=-1) / (2 * 22**2))
    region = 400 * np.exp(-((mm - PLANTED) ** 2).sum(axis=-1) / (2 * 6**2))
    return np.asarray(head + (volume % 2) * region)


def _answer(series: Volume) -> NDArray[np.float32]:
    """Mean of the odd volumes less that of the even ones."""
    data = np.asarray(series.data[...])
    return np.asarray(data[..., 1::2].mean(axis=-1) - data[..., ::2].mean(axis=-1))


def _centre(answer: NDArray[np.float32], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre in millimetres of what answers at least half as much as the most."""
    weight = np.where(answer > answer.max() / 2, answer, 0)
    voxel = [(weight * index).sum() / weight.sum() for index in np.indices(answer.shape)]
    return np.asarray(apply_affine(affine, voxel))


def _value(answer: NDArray[np.float32], affine: NDArray[np.float64], mm: NDArray[np.float64]) -> float:
    """Value of the voxel at (3,) millimetres."""
    return float(answer[tuple(np.rint(apply_affine(np.linalg.inv(affine), mm)).astype(int))])


def _against_formula(slab: Volume, affine: NDArray[np.float64], whole: Volume) -> float:
    """Largest difference from the formula, as part of its range, where the slab is well within the scan."""
    mm = apply_affine(affine, np.moveaxis(np.indices(slab.shape[:3]), 0, -1))
    voxel = apply_affine(np.linalg.inv(whole.affine), mm)
    inside = ((voxel >= 2) & (voxel <= np.array(whole.shape[:3]) - 3)).all(axis=-1)
    apart = [np.abs(slab.at(i) - _formula(mm, i))[inside].max() for i in range(_N)]
    return float(max(apart) / np.ptp(np.asarray(whole.data[...])))


def _apart(found: object, wanted: object) -> float:
    one, other = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")


def _corners_apart(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Largest distance between the same corner of the scan by two affines, in mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(_SHAPE) - 1)
    apart = apply_affine(found, corners) - apply_affine(wanted, corners)
    return float(np.linalg.norm(apart, axis=-1).max())


def _below(name: str, found: float, limit: float, unit: str) -> Check:
    return Check(name, bool(found <= limit), f"{found:.3g} {unit} (at most {limit:g})".replace("  ", " "))


def _same(name: str, found: object, wanted: object) -> Check:
    return Check(name, found == wanted, f"{found} (must be {wanted})")
