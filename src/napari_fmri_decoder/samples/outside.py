"""Some of the voxels outside a mask, kept while a series is read, for comparison with those inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.mask_coverage import AIR

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.prepare import Cleaned
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.volumes.volume import Volume

MOST_VOXELS = 4096
"""Largest number of voxels that are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """Voxels outside a mask, cleaned as those inside.

    Attributes
    ----------
    X : (n, voxels) float32 array
        One row per volume of the series; NaN for volumes that are not used.
    total : int
        Number of voxels with signal outside the mask, of which these were drawn at random.
    """

    X: NDArray[np.float32]
    total: int

    def of_samples(self, samples: Samples) -> NDArray[np.float32]:
        """Average the volumes of each sample: (n samples, voxels)."""
        rows, volumes = samples.volumes.T
        sums = np.zeros((len(samples.table), self.X.shape[1]), dtype=np.float32)
        np.add.at(sums, rows, self.X[volumes])
        counts = np.bincount(rows, minlength=len(sums))[:, None]
        return np.asarray(sums / counts, dtype=np.float32)


class KeepingVoxels:
    """The voxels of a series, which keeps some of those outside a mask from each volume that is read.

    Voxels with signal are chosen in the first volume that is read: for statistical maps those that are not 0,
    otherwise those above a tenth of its 98th percentile.

    Parameters
    ----------
    series : Volume
        (x, y, z, n).
    inside : (x, y, z) bool array
    """

    def __init__(self, series: Volume, inside: NDArray[np.bool_]) -> None:
        self._data, self._inside, self._maps = series.data, inside, series.kind == "stat"
        self.shape, self.ndim, self.dtype = tuple(self._data.shape), self._data.ndim, self._data.dtype
        self._chosen: NDArray[np.int64] | None = None
        self._total = 0
        self._kept = np.zeros((0, 0), dtype=np.float32)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read voxels."""
        read: NDArray[Any] = self._data[key]
        number = key[-1] if isinstance(key, tuple) else None
        if np.shape(read) == self.shape[:3] and isinstance(number, int | np.integer):
            self._keep(np.asarray(read), int(number))
        return read

    def _keep(self, volume: NDArray[Any], number: int) -> None:
        if self._chosen is None:
            self._chosen = self._choose(volume)
            self._kept = np.full((self.shape[3], len(self._chosen)), np.nan, dtype=np.float32)
        self._kept[number] = volume.ravel()[self._chosen]

    def _choose(self, volume: NDArray[Any]) -> NDArray[np.int64]:
        finite = np.isfinite(volume)
        least = 0.0 if self._maps else AIR * float(np.percentile(volume[finite], 98)) if finite.any() else 0.0
        signal = (volume != 0) if self._maps else (volume > least)
        candidates = np.flatnonzero((signal & finite & ~self._inside).ravel())
        self._total = len(candidates)
        if len(candidates) <= MOST_VOXELS:
            return candidates
        return np.sort(np.random.default_rng(0).choice(candidates, MOST_VOXELS, replace=False))

    def outside(
        self, cleaned: Cleaned, table: pd.DataFrame, confounds: NDArray[np.float64] | None
    ) -> Outside | None:
        """Clean what was kept as the voxels inside; None if no voxel outside varies.

        Parameters
        ----------
        cleaned : Cleaned
            The voxels inside.
        table : DataFrame
            One row per volume of the series, with its run.
        confounds : (n, c) float64 array, or None
        """
        rows = cleaned.volumes
        values = self._kept[rows] if len(self._kept) else np.zeros((len(rows), 0), dtype=np.float32)
        usable = np.isfinite(values).all(axis=0) & (values != values[:1]).any(axis=0)
        if not usable.any():
            return None
        config = cleaned.config
        X = np.full((self.shape[3], int(usable.sum())), np.nan, dtype=np.float32)
        X[rows] = clean_runs(
            values[:, usable],
            table.iloc[rows].reset_index(drop=True),
            detrend=bool(config.detrend),
            center=config.center_runs,
            standardize=bool(config.standardize_runs),
            confounds=None if confounds is None else confounds[rows],
        )
        return Outside(X, round(self._total * usable.mean()))
