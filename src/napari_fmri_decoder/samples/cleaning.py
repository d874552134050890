"""Detrending, regressing confounds and standardising, run by run."""

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
"""Voxels at a time, so that no second copy of a run stands in memory in float64."""
_FLAT = 1e-6
"""A voxel whose spread is below this part of its size holds only rounding errors of float32."""


def clean_runs(
    X: NDArray[np.float32],
    table: pd.DataFrame,
    *,
    detrend: bool = False,
    center: bool = False,
    standardize: bool = False,
    confounds: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Detrend, regress, centre or standardise each voxel within each run, as `nilearn.signal.clean` does.

    Parameters
    ----------
    X : (n, features) float32 array
        Every volume of the runs, rest included; without NaN.
    table : DataFrame of n rows
        `subject`, `session`, `run`.
    detrend : bool
        Take out a line over each run, and with it its mean.
    center : bool
        Take out each run's mean.
    standardize : bool
        Divide by each run's standard deviation too (n - 1); a voxel that is constant within a
        run becomes 0.
    confounds : (n, c) float64 array, optional
        Regressed out of each voxel together with the line: where a run is detrended, its confounds
        are too (Lindquist et al. 2019, doi:10.1002/hbm.24528). A column that is NaN throughout a
        run is none of that run's.

    Returns
    -------
    (n, features) float32 array
        In the order of X.

    Raises
    ------
    InputError
        If a run has too few volumes, or lies in several places and is to be detrended.
    """
    if not (detrend or center or standardize or confounds is not None):
        return X
    if detrend:
        _check_whole(table)
    groups, out = group_keys(table), np.empty_like(X)
    for run in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == run)
        needed = 3 if detrend else 2 if standardize else 1
        if len(rows) < needed:
            raise InputError(
                f"A run needs at least {needed} volumes to be detrended or standardised; run {run!r} has "
                f"{len(rows)} (scrubbed ones not counted). Leave it out, or turn detrend and "
                "standardize_runs off."
            )
        regressors = None if confounds is None else _of_run(confounds[rows], run, detrend)
        for start in range(0, X.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            values = X[rows, part].astype(np.float64)
            if detrend or regressors is not None:
                from nilearn.signal import clean

                cleaned = clean(values, detrend=detrend, confounds=regressors, standardize=None, filter=False)
            else:
                cleaned = values
            if detrend or center or standardize:
                cleaned = _centred(cleaned, values, standardize)
            out[rows, part] = cleaned
    return out


def _of_run(confounds: NDArray[np.float64], run: str, detrend: bool) -> NDArray[np.float64] | None:
    """Give the columns that say something in this run."""
    spread = np.nanmax(confounds, axis=0, initial=-np.inf) > np.nanmin(confounds, axis=0, initial=np.inf)
    regressors = confounds[:, spread]
    needed = regressors.shape[1] + (2 if detrend else 1)
    if len(regressors) <= needed:
        raise InputError(
            f"A run must have more volumes than what is regressed out of it; run {run!r} has "
            f"{len(regressors)} for {regressors.shape[1]} confounds. Choose fewer confounds."
        )
    return regressors if regressors.shape[1] else None


def _centred(
    cleaned: NDArray[np.float64], before: NDArray[np.float64], standardize: bool
) -> NDArray[np.float64]:
    centred = cleaned - cleaned.mean(axis=0)
    flat = centred.std(axis=0) <= _FLAT * np.abs(before).max(axis=0)
    if standardize:
        centred = centred / np.where(flat, 1.0, centred.std(axis=0, ddof=1))
    centred[:, flat] = 0
    return np.asarray(centred)


def _check_whole(table: pd.DataFrame) -> None:
    for run, starts in run_starts(table).items():
        if len(starts) > 1:
            raise InputError(
                f"The volumes of a run must follow one another to be detrended, but run {run!r} begins anew "
                f"at volume {table['volume'].iloc[starts[1]]}. Number the runs through, add a session or "
                "subject column, or turn detrend off."
            )
