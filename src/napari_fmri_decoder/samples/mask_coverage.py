"""How many voxels of a mask the network sees, and whether the mask excludes much of the images.

No labels are used for this, only the mean image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.features import box_of
from napari_fmri_decoder.samples.masks import resample_mask
from napari_fmri_decoder.samples.masks.intensity import ThresholdMask
from napari_fmri_decoder.samples.read_voxels import find_space
from napari_fmri_decoder.volumes.moments import Moments, RunningMoments, with_moments
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.samples.slab_config import SlabConfig

LARGEST_EXCLUDED = 1 / 3
"""Largest fraction of the voxels with signal that a mask excludes without a warning."""
NO_AIR = 0.95
"""If the default threshold keeps more than this fraction of the voxels, the background is not 0."""
AIR = 0.1
"""Threshold for images whose background is not 0, as a fraction of the 98th percentile of the mean."""
_MOST_PATTERNS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What one pass over a series finds out about its voxels.

    Attributes
    ----------
    moments : Moments
    missing : tuple of (x, y, z) bool array
        Voxels that are not finite: one array per set of voxels that are missing in the same volumes.
    """

    moments: Moments
    missing: tuple[NDArray[np.bool_], ...]

    def known(self, series: Volume) -> Volume:
        """Return the series with its moments, which then need no reading."""
        return with_moments(series, self.moments)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Numbers of voxels of a mask, within the slab if there is one.

    Attributes
    ----------
    features : int
        Voxels that the network sees.
    signal : int
        Voxels that the mask strategy threshold keeps.
    excluded : int
        Those of them that are outside the mask.
    above : float
        Threshold of that strategy.
    part : {"slab", "images"}
    """

    features: int
    signal: int
    excluded: int
    above: float
    part: str

    @property
    def warning(self) -> str | None:
        """A sentence with both counts if the mask excludes more than a third, else None."""
        if self.excluded <= LARGEST_EXCLUDED * self.signal:
            return None
        return (
            f"The mask excludes {self.excluded:,} of the {self.signal:,} voxels of the {self.part} that "
            f"the mask strategy threshold keeps (mean above {self.above:.4g}): more than a third. The "
            "network does not see signal outside the mask, such as that of the eyes. Use threshold or grow "
            "the mask, unless the mask is a region of interest."
        )


def survey(series: Volume) -> Survey:
    """Read a series once, volume by volume.

    Parameters
    ----------
    series : Volume
        (x, y, z, n).
    """
    running, patterns = RunningMoments(), dict[bytes, NDArray[np.bool_]]()
    for volume in running.over(series):
        missing = ~np.isfinite(volume)
        if missing.any():
            key = np.packbits(missing).tobytes()
            if key not in patterns and len(patterns) == _MOST_PATTERNS:
                key = next(reversed(patterns))
                missing |= patterns[key]
            patterns[key] = missing
    return Survey(running.result(), tuple(patterns.values()))


def expected_space(series: Volume, found: Survey, mask: Volume | None, slab: SlabConfig | None) -> Space:
    """Find the voxels that samples of a series will have as features, without reading it.

    Scrubbed volumes are not known here: a voxel that is missing only in them counts as missing.

    Parameters
    ----------
    series : Volume
    found : Survey
        Of the series.
    mask : Volume or None
    slab : SlabConfig or None

    Raises
    ------
    InputError
        If the mask or the slab contains no voxel of the series.
    """
    space, _ = find_space(found.known(series), mask, slab)
    lost = np.zeros(space.n_features, dtype=bool)
    for pattern in found.missing:
        here = _at(pattern, series, space)
        if not here.all():  # `drop_missing` excludes a volume without any value, not the voxels
            lost |= here
    return space.only(~lost)


def coverage(space: Space, series: Volume, *, part: str) -> Coverage:
    """Compare the voxels that the network sees with those that the mask strategy threshold keeps.

    For statistical maps it compares the absolute value of the mean, and for other images the mean. Its
    threshold is 0, the default of the strategy. Where this keeps almost all voxels, because the background
    of the images is not 0, it is a tenth of the 98th percentile of the mean.

    Parameters
    ----------
    space : Space
        Of the samples, or from `expected_space`.
    series : Volume
        With known moments; see `Survey.known` and `with_moments`.
    part : {"slab", "images"}
    """
    config = ThresholdMask(absolute=series.kind == "stat")
    keep, _ = config.make(series, Path())
    if keep.mean() > NO_AIR and not config.absolute:
        above = AIR * float(np.percentile(series.mean().at(0), 98))
        config = ThresholdMask(above=float(f"{above:.4g}"))
        keep, _ = config.make(series, Path())
    signal = Volume(keep.astype(np.uint8), series.affine, "mask")
    within, _ = resample_mask(signal, space.grid)
    excluded = within & ~space.mask
    return Coverage(space.n_features, int(within.sum()), int(excluded.sum()), config.above, part)


def _at(pattern: NDArray[np.bool_], series: Volume, space: Space) -> NDArray[np.bool_]:
    """Values of a pattern at the voxels of a space, from the nearest voxel as in `extract`."""
    box = box_of(space.grid, series.grid)
    if box is not None:
        return np.asarray(pattern[box][space.mask])
    return np.asarray(
        resample(pattern.astype(np.float32), series.affine, space.grid, "nearest")[space.mask] > 0.5
    )
