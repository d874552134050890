"""An interactive map over the anatomy, as one HTML page without a network (nilearn's `view_img`)."""

from __future__ import annotations

import re
import warnings
from base64 import b64encode
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.resample import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import Volume

MOST_VOXELS = 96
"""Voxels of the anatomy along its longest side; a larger one is shown with larger voxels."""
MOST_BYTES = 4_000_000
"""A larger page is not included."""

_FAVICON = re.compile(r'<link rel="icon".*?/>', re.DOTALL)
"""nilearn's icon, the one thing that its page would load from the network."""


def interactive_map(image: Volume, below: Volume) -> str:
    """Draw a map or a mask over an image, as a page that can be clicked through.

    Parameters
    ----------
    image : Volume
        (x, y, z): a map or a mask.
    below : Volume
        (x, y, z): the anatomy, or a mean.

    Returns
    -------
    str
        The page as a data URL, for an `iframe`; "" if it would be too large.
    """
    from nilearn.plotting import view_img

    grid = _isotropic(below.grid)
    background = resample(_finite(below), below.affine, grid, "linear")
    kind = "nearest" if image.kind == "mask" else "continuous"
    values = _finite(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nilearn, on the types of images
        view = view_img(
            nib.Nifti1Image(values, image.affine),
            bg_img=nib.Nifti1Image(np.asarray(background, dtype=np.float32), grid.affine),
            title=image.name,
            threshold=1e-6,
            black_bg=False,
            colorbar=image.kind != "mask",
            cmap="autumn" if image.kind == "mask" else "RdBu_r",
            symmetric_cmap=image.kind != "mask",
            resampling_interpolation=kind,
        )
    page = _FAVICON.sub("", view.get_standalone()).encode()
    return "" if len(page) > MOST_BYTES else f"data:text/html;base64,{b64encode(page).decode('ascii')}"


def _isotropic(grid: Grid) -> Grid:
    """A grid along the axes of the scanner with cubic voxels that covers a grid, of at most `MOST_VOXELS`."""
    low, high = grid.corners.min(axis=0), grid.corners.max(axis=0)
    size = max(float(grid.voxel_size.min()), float((high - low).max()) / (MOST_VOXELS - 1))
    x, y, z = (int(np.ceil(length / size - 1e-6)) + 1 for length in high - low)
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = low
    return Grid((x, y, z), affine)


def _finite(volume: Volume) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(volume.at(0), dtype=np.float32), posinf=0, neginf=0)
