"""A slab of 3 planes from 96 volumes of 40 x 51 x 41, rotated by 20 degrees, against nilearn.

nilearn's way is the notebook's: turn the affine, `resample_img` onto the old axes, `crop_img`, take
the planes. Ours is `cut`, which finds the crop in the mean. Where the slab's voxels are known (from a
recipe, for every further image) `resample` is all that is left, and is held to nilearn without the
crop; beside it stands what nilearn takes if it is told the slab's grid instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import nibabel as nib
import numpy as np
from nilearn.image import crop_img, resample_img
from scipy.ndimage import gaussian_filter

from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume
from timing import Row, finish, in_turn

START, STOP = 12, 15


def series() -> Volume:
    """Make a head of smooth texture in an empty box, laid out in memory as files are."""
    data = np.zeros((40, 51, 41, 96), np.float32, order="F")
    texture = np.random.default_rng(0).standard_normal((32, 43, 33, 96), dtype=np.float32)
    data[4:36, 4:47, 4:37] = 500 + 300 * gaussian_filter(texture, (1, 1, 1, 0))
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-80, -100, -80]
    return Volume(data, affine, "bold", 2.0)


def main() -> None:
    """Measure both, and hold their results together."""
    warnings.simplefilter("ignore")
    scan = series()
    rows = []
    for interpolation, limit in (("continuous", ">= 6"), ("linear", ">= 50")):
        slab = Slab(rotate_x=20, start=START, stop=STOP, grid="nilearn", interpolation=interpolation)

        ours, where = cut(scan, slab)
        known = where.scanner

        def rotated(slab: Slab = slab, how: str = interpolation) -> nib.Nifti1Image:
            turned = nib.Nifti1Image(scan.data, slab.frame.matrix @ scan.affine)
            return resample_img(turned, target_affine=scan.affine, interpolation=how)

        def theirs(rotated: Callable[[], nib.Nifti1Image] = rotated) -> np.ndarray:
            return np.asarray(crop_img(rotated()).dataobj)[:, :, START:STOP]

        def told(grid: Grid = known, how: str = interpolation) -> nib.Nifti1Image:
            image = nib.Nifti1Image(scan.data, scan.affine)
            return resample_img(image, grid.affine, grid.shape, interpolation=how)

        apart = np.abs(np.asarray(ours.data) - theirs()).max() / np.ptp(scan.data)
        seconds = in_turn(
            {
                "nilearn: rotate, crop, slice": theirs,
                "nilearn: rotate, slice": lambda rotated=rotated: np.asarray(rotated().dataobj)[
                    ..., START:STOP, :
                ],
                "nilearn, told the slab's grid": told,
                "cut": lambda slab=slab: cut(scan, slab),
                "resample": lambda grid=known, how=interpolation: resample(scan.data, scan.affine, grid, how),
            },
            repeats=7,
        )
        for name, side, peer, required in (
            ("slab, crop and all", "cut", "nilearn: rotate, crop, slice", limit),
            ("slab, its voxels known", "resample", "nilearn: rotate, slice", limit),
            ("slab, its voxels known", "resample", "nilearn, told the slab's grid", ""),
        ):
            ratio = seconds[peer] / seconds[side]
            shown = f"{1000 * seconds[side]:.3g} ms", f"{1000 * seconds[peer]:.4g} ms"
            rows.append(Row(f"{name}, {interpolation}, times faster", peer, *shown, ratio, required))
        rows.append(
            Row(
                f"slab, {interpolation}, largest difference",
                "range of the data",
                "",
                "",
                float(apart),
                "<= 0.001",
            )
        )
    finish(rows)


if __name__ == "__main__":
    main()
