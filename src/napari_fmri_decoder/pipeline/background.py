"""The image below the decoded voxels in the report: the anatomy, or the mean of the series."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline.events import Prepared


def background(prepared: Prepared, base: Path) -> Volume | None:
    """Find what the report draws below the decoded voxels.

    Parameters
    ----------
    prepared : Prepared
    base : Path
        Folder to which the paths of its recipe are relative.

    Returns
    -------
    Volume or None
        The anatomy of the recipe if it can be read, else the mean of the series if it is known without
        reading the series again; None without figures.
    """
    recipe = prepared.recipe
    if not recipe.report.formats:
        return None
    if recipe.data.anatomy is not None:
        try:
            return read(base / recipe.data.anatomy)
        except (InputError, OSError):
            pass  # the picture is not worth a run: the mean is shown
    if prepared.moments is None:
        return None
    mean = prepared.moments.mean.astype(np.float32)
    return Volume(mean, prepared.series.affine, "anatomy", name="the mean of the images")
