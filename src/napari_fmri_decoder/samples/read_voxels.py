"""Which voxels of a series become features, and reading them in one pass over the volumes."""

from __future__ import annotations

from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.features import Progress, extract
from napari_fmri_decoder.samples.masks import resample_mask
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.volumes.moments import Moments, RunningMoments, with_moments
from napari_fmri_decoder.volumes.slabs import AXES
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_fmri_decoder.samples.slab_config import SlabConfig

AHEAD = 8
"""Volumes that are read to predict where a slab is cropped; all of them are in memory at once."""


def read_voxels(
    series: Volume,
    *,
    mask: Volume | None = None,
    slab: SlabConfig | None = None,
    smooth_mm: float = 0.0,
    moments: Moments | None = None,
    measure: bool = False,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], Space, list[str], Moments | None]:
    """Read the voxels of a mask and slab, and on the way the moments of the series.

    Each volume is read once. Where a slab is cropped to the part of the mean image that is not empty, the
    crop is predicted from the first volumes; only if the mean of all volumes is cropped in another way, the
    series is read a second time.

    Parameters
    ----------
    series : Volume
        (x, y, z, n).
    mask : Volume, optional
        On any grid; every voxel if None.
    slab : SlabConfig, optional
        Only the voxels of the slab are computed.
    smooth_mm : float
        See `extract`.
    moments : Moments, optional
        Of the series, if they are known.
    measure : bool
        Whether the caller needs the moments.
    progress : callable, optional
        Called with (volumes done, volumes in all).

    Returns
    -------
    X : (n, features) float32 array
        One row per volume of the series; NaN where the images are not finite.
    space : Space
    notes : list of str
    moments : Moments or None
        Of the series; None if neither cropping nor the caller needed them.

    Raises
    ------
    InputError
        If the mask or the slab contains no voxel of the series.
    """

    def take(space: Space, volumes: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        interpolation = slab.interpolation if slab else "continuous"
        return extract(
            series,
            space,
            smooth_mm=smooth_mm,
            interpolation=interpolation,
            volumes=volumes,
            progress=progress,
        )

    if moments is not None:
        space, notes = find_space(with_moments(series, moments), mask, slab)
        return take(space, series), space, notes, moments
    running = RunningMoments()
    volumes = running.over(series)
    if slab is None or not slab.needs_mean:
        space, notes = find_space(series, mask, slab)
        X = take(space, volumes if measure else series)
        return X, space, notes, running.result() if measure else None
    first = list(islice(volumes, AHEAD))
    predicted = _predicted_space(with_moments(series, running.result()), mask, slab)
    if predicted is not None:
        X = take(predicted, chain(first, volumes))
    deque(volumes, maxlen=0)  # without a prediction, the remaining volumes are read only for their mean
    moments = running.result()
    space, notes = find_space(with_moments(series, moments), mask, slab)
    if predicted is None or not _same(space, predicted):
        X = take(space, series)
    return X, space, notes, moments


def _predicted_space(series: Volume, mask: Volume | None, slab: SlabConfig) -> Space | None:
    """Find the voxels with the mean of the first volumes; None if this mean does not allow it."""
    try:
        return find_space(series, mask, slab)[0]
    except InputError:  # the mean of all volumes may not raise it; if it does, the user sees it
        return None


def _same(first: Space, second: Space) -> bool:
    return np.array_equal(first.grid.affine, second.grid.affine) and np.array_equal(first.mask, second.mask)


def find_space(series: Volume, mask: Volume | None, slab: SlabConfig | None) -> tuple[Space, list[str]]:
    """Find the voxels that become features.

    Parameters
    ----------
    series : Volume
    mask : Volume or None
    slab : SlabConfig or None

    Returns
    -------
    space : Space
        The voxels of the mask, on the grid of the series or resampled to the nearest voxel on that of the
        slab; without a mask, all voxels within the images.
    notes : list of str
    """
    given = mask or Volume(
        np.ones(series.grid.shape, np.uint8), series.affine, "mask", name="the field of view"
    )
    on_series, note = resample_mask(given, series.grid)
    notes = [note] if note else []
    if slab is None:
        return Space(series.grid, on_series), notes
    grid = slab.placed(series, mask).scanner
    keep, _ = resample_mask(given, grid)
    if not keep.any():
        raise InputError(
            f"A slab must contain voxels of the mask, but its {' x '.join(map(str, grid.shape))} voxels "
            "contain none. Move start and stop, or change the rotation."
        )
    return Space(grid, keep, AXES.index(slab.axis)), notes
