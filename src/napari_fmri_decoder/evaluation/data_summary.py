"""What was decoded, in numbers: voxels, volumes, runs (scores.json, `data`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class DataSummary:
    """The samples and the images that they come from.

    Attributes
    ----------
    n_voxels : int
        Of the samples.
    volume_mm3 : float
        That these voxels fill.
    voxel_mm : tuple of 3 float
    n_volumes : int
        Of the images.
    tr : float or None
        Seconds between volumes; None for maps.
    n_subjects, n_runs, n_blocks : int
        Of the samples.
    date : str
        Day on which the run ended, as YYYY-MM-DD; "" if unknown.
    """

    n_voxels: int
    volume_mm3: float
    voxel_mm: tuple[float, ...]
    n_volumes: int
    tr: float | None
    n_subjects: int
    n_runs: int
    n_blocks: int
    date: str = ""


def summarize_data(samples: Samples, series: Volume, date: str = "") -> DataSummary:
    """Count what was decoded.

    Parameters
    ----------
    samples : Samples
    series : Volume
        The images that the samples come from.
    date : str
    """
    grid, n_voxels = samples.space.grid, samples.space.n_features
    return DataSummary(
        n_voxels=n_voxels,
        volume_mm3=float(n_voxels * abs(np.linalg.det(grid.affine[:3, :3]))),
        voxel_mm=tuple(float(size) for size in grid.voxel_size),
        n_volumes=series.n_volumes,
        tr=series.step,
        n_subjects=samples.table["subject"].nunique(),
        n_runs=len(set(samples.groups.tolist())),
        n_blocks=samples.table["block"].nunique(),
        date=date,
    )
