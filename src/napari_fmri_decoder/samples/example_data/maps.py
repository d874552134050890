"""Simulated z-maps of 26 categories in 4 sessions of 130 maps, as in the original notebook.

Each category has a smooth pattern in the occipito-temporal cortex of the MNI template that varies slightly
between sessions, plus spatially correlated noise.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from napari_fmri_decoder.volumes.frames import Grid, apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

CATEGORIES: Final = tuple(ascii_lowercase)
N_SESSIONS: Final = 4
MAPS_EACH: Final = 5
"""Number of maps of one category in one session."""
N_VOXELS: Final = 992
"""As in the mask of the original notebook."""

_CENTERS: Final = ((-34.0, -66.0, -10.0), (34.0, -66.0, -10.0))
"""Of the region, in MNI millimeters."""
_GRID: Final = Grid((34, 18, 14), np.array([[4.0, 0, 0, -66], [0, 4, 0, -104], [0, 0, 4, -36], [0, 0, 0, 1]]))
_SIGNAL: Final = 0.26
"""Standard deviation of a category's pattern, in units of the noise."""
_SESSION: Final = 0.7
"""Fraction of a pattern that is new in each session."""
_FWHM: Final = 8.0
"""Of noise and patterns, in mm."""


def make_sample_maps(seed: int = 0) -> tuple[Volume, Volume]:
    """Simulate the z-maps; the same seed gives the same bytes.

    Parameters
    ----------
    seed : int

    Returns
    -------
    maps : Volume
        Kind "stat", (34, 18, 14, 520) float32, without NaN, 0 outside of the region; named like
        "sub-01_ses-1_cat-a_map-1_zmap" and sorted by session, then category.
    mask : Volume
        The region's 992 voxels.

    Examples
    --------
    >>> maps, mask = make_sample_maps()
    >>> maps.shape, maps.names[0], int(mask.at(0).sum())
    ((34, 18, 14, 520), 'sub-01_ses-1_cat-a_map-1_zmap', 992)
    """
    rng = np.random.default_rng(seed)
    region = _region()
    patterns = _smooth_noise(rng, len(CATEGORIES))
    data = np.zeros((N_SESSIONS, len(CATEGORIES), MAPS_EACH, *_GRID.shape), dtype=np.float32)
    for session in data:
        session_patterns = patterns + _SESSION * _smooth_noise(rng, len(CATEGORIES))
        session += _SIGNAL * session_patterns[:, None]
        session += _smooth_noise(rng, len(CATEGORIES) * MAPS_EACH).reshape(session.shape)
    data *= region
    names = tuple(
        f"sub-01_ses-{session + 1}_cat-{category}_map-{i + 1}_zmap"
        for session in range(N_SESSIONS)
        for category in CATEGORIES
        for i in range(MAPS_EACH)
    )
    series = np.ascontiguousarray(np.moveaxis(data.reshape(-1, *_GRID.shape), 0, -1))
    maps = Volume(series, _GRID.affine, "stat", None, names, "26 categories")
    return maps, Volume(region.astype(np.uint8), _GRID.affine, "mask", name="26 categories mask")


def write_sample_maps(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Write one file per map to `folder/maps`, and the mask to `folder/mask.nii.gz`.

    Returns
    -------
    maps : Path
        The folder of maps.
    mask : Path
    """
    series, mask = make_sample_maps(seed)
    for i, name in enumerate(series.names):
        one = replace(series, data=series.at(i), names=(), name=name)
        write(one, folder / "maps" / f"{name}.nii.gz")
    return folder / "maps", write(mask, folder / "mask.nii.gz")


def _region() -> NDArray[np.bool_]:
    """Select the brain voxels nearest to the centers of the region."""
    from nilearn.datasets import load_mni152_brain_mask

    template = load_mni152_brain_mask(resolution=2)
    brain = resample(np.asarray(template.dataobj, dtype=np.float32), template.affine, _GRID, "nearest") > 0.5
    mm = apply_affine(_GRID.affine, np.moveaxis(np.indices(_GRID.shape), 0, -1))
    distance = np.min([np.linalg.norm(mm - center, axis=-1) for center in _CENTERS], axis=0)
    distance[~brain] = np.inf
    nearest = np.argsort(distance, axis=None, kind="stable")[:N_VOXELS]
    region = np.zeros(_GRID.shape, dtype=bool)
    region.flat[nearest] = True
    return region


def _smooth_noise(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    """Draw n volumes of spatially correlated noise with unit variance."""
    sigma = _FWHM / np.sqrt(8 * np.log(2)) / _GRID.voxel_size
    noise = rng.standard_normal((n, *_GRID.shape), dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, (0, *sigma), mode="wrap")
    return np.asarray(smooth / smooth.std(), dtype=np.float32)
