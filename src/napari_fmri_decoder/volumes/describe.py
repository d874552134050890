"""What an image is, in a few plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_fmri_decoder.volumes.frames import axis_codes, degrees_oblique
from napari_fmri_decoder.volumes.nifti import read
from napari_fmri_decoder.volumes.volume import Volume


def describe(image: str | Path | Volume) -> dict[str, Any]:
    """Describe an image.

    Parameters
    ----------
    image : path or Volume

    Returns
    -------
    dict
        `file`, `kind`, `shape`, `orientation` (letters of the directions in which voxel
        indices grow), `oblique` (degrees from the scanner's axes), `voxel_mm`, `TR_s` (None
        where the last axis is no time), `origin_mm` (centre of the first voxel), `dtype`.
    """
    volume = image if isinstance(image, Volume) else read(image)
    return {
        "file": volume.name if isinstance(image, Volume) else str(image),
        "kind": volume.kind,
        "shape": list(volume.shape),
        "orientation": axis_codes(volume.affine),
        "oblique": round(degrees_oblique(volume.affine), 3),
        "voxel_mm": [round(float(v), 4) for v in volume.grid.voxel_size],
        "TR_s": volume.step,
        "origin_mm": [round(float(v), 4) for v in volume.affine[:3, 3]],
        "dtype": str(volume.data.dtype),
    }
