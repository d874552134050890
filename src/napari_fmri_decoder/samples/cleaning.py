"""Detrending, regressing out confounds, and standardizing, run by run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.blocks import run_starts
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 8192
"""Voxels at a time, so that memory never holds a float64 copy of a whole run."""
_FLAT = 1e-6
"""A voxel whose standard deviation is a smaller fraction of its values than this is constant except for the
rounding of float32."""


def clean_runs(
    X: NDArray[np.float32],
    table: pd.DataFrame,
    *,
    detrend: bool = False,
    center: bool = False,
    standardize: bool = False,
    confounds: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Detrend, regress, center or standardize each voxel within each run, as `nilearn.signal.clean` does.

    Parameters
    ----------
    X : (n, features) float32 array
        All volumes of the runs, rest included; without NaN.
    table : DataFrame of n rows
        `subject`, `session`, `run`.
    detrend : bool
        Remove a linear trend, and with it the mean, from each run.
    center : bool
        Subtract the mean of each run.
    standardize : bool
        Also divide by the standard deviation of each run (n - 1); a voxel that is constant within a
        run becomes 0.
    confounds : (n, c) float64 array, optional
        Regressed out of each voxel together with the trend: if a run is detrended, so are its confounds
        (Lindquist et al. 2019, doi:10.1002/hbm.24528). A column that is NaN throughout a run does not
        belong to that run.

    Returns
    -------
    (n, features) float32 array
        In the order of X.

    Raises
    ------
    InputError
        If a run has too few volumes, or is detrended although its volumes are not consecutive.
    """
    if not (detrend or center or standardize or confounds is not None):
        return X
    if detrend:
        _check_consecutive(table)
    groups, out = group_keys(table), np.empty_like(X)
    for run in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == run)
        needed = 3 if detrend else 2 if standardize else 1
        if len(rows) < needed:
            raise InputError(
                f"A run needs at least {needed} volumes to be detrended or standardized; run {run!r} has "
                f"{len(rows)} (not counting scrubbed volumes). Exclude it, or turn off detrend and "
                "standardize_runs."
            )
        regressors = None if confounds is None else _regressors_of_run(confounds[rows], run, detrend)
        for start in range(0, X.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            values = X[rows, part].astype(np.float64)
            if detrend or regressors is not None:
                from nilearn.signal import clean

                cleaned = clean(values, detrend=detrend, confounds=regressors, standardize=None, filter=False)
            else:
                cleaned = values
            if detrend or center or standardize:
                cleaned = _centered(cleaned, values, standardize)
            out[rows, part] = cleaned
    return out


def _regressors_of_run(confounds: NDArray[np.float64], run: str, detrend: bool) -> NDArray[np.float64] | None:
    """Return the columns that vary within this run."""
    spread = np.nanmax(confounds, axis=0, initial=-np.inf) > np.nanmin(confounds, axis=0, initial=np.inf)
    regressors = confounds[:, spread]
    needed = regressors.shape[1] + (2 if detrend else 1)
    if len(regressors) <= needed:
        raise InputError(
            f"A run must have more volumes than regressors; run {run!r} has {len(regressors)} volumes for "
            f"{regressors.shape[1]} confounds. Choose fewer confounds."
        )
    return regressors if regressors.shape[1] else None


def _centered(
    cleaned: NDArray[np.float64], original: NDArray[np.float64], standardize: bool
) -> NDArray[np.float64]:
    centered = cleaned - cleaned.mean(axis=0)
    flat = centered.std(axis=0) <= _FLAT * np.abs(original).max(axis=0)
    if standardize:
        centered = centered / np.where(flat, 1.0, centered.std(axis=0, ddof=1))
    centered[:, flat] = 0
    return np.asarray(centered)


def _check_consecutive(table: pd.DataFrame) -> None:
    for run, starts in run_starts(table).items():
        if len(starts) > 1:
            raise InputError(
                f"The volumes of a run must be consecutive to be detrended, but run {run!r} starts a second "
                f"time at volume {table['volume'].iloc[starts[1]]}. Give each run its own number, add a "
                "session or subject column, or turn off detrend. [runs-interleaved]"
            )
