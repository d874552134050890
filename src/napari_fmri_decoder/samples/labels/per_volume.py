"""Helpers for sources that list one label per volume: runs from files, and the lag of the response."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import runs_of_files
from napari_fmri_decoder.samples.labels.base import COLUMNS
from napari_fmri_decoder.samples.samples import RUN_COLUMNS, group_keys

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


def runs_by_file(series: Volume) -> pd.DataFrame:
    """Treat each file of a series as a run, under its BIDS name if it has one.

    Returns
    -------
    DataFrame of n rows
        `subject`, `session`, `run` of each volume; see `runs_of_files`.
    """
    lengths = [part.n_volumes for part in series.parts]
    if sum(lengths) != series.n_volumes:
        names, lengths = [("", "", "1")], [series.n_volumes]
    else:
        names = runs_of_files([part.path for part in series.parts])
    runs = pd.DataFrame(names, columns=["subject", "session", "run"])
    return runs.loc[np.repeat(np.arange(len(lengths)), lengths)].reset_index(drop=True)


def apply_lag(rows: pd.DataFrame, lag: float, step: float | None) -> pd.DataFrame:
    """Shift labels that are given per volume, and other columns, by `lag` seconds within their run.

    Parameters
    ----------
    rows : DataFrame of n rows
        `label`, the columns of the run, and others.
    lag : float
        Seconds.
    step : float or None
        Repetition time in seconds.

    Returns
    -------
    DataFrame of n rows
        Volume i has the label and cells that applied at (i + 0.5) step - lag; "" if that is outside its run.

    Raises
    ------
    InputError
        If there is a lag but no repetition time.
    """
    if lag == 0:
        return rows
    if step is None:
        raise InputError(
            f"A lag needs the repetition time (TR), but these images are not a time series "
            f"(lag = {lag:g} s). Set lag = 0, or correct the TR in the file's header."
        )
    groups = group_keys(rows.reindex(columns=list(COLUMNS), fill_value=""))
    position = np.arange(len(rows))
    source = np.floor(np.round(position + 0.5 - lag / step, 6)).astype(int)
    inside = (source >= 0) & (source < len(rows))
    source = source.clip(0, len(rows) - 1)
    inside &= groups[source] == groups
    shifted = [str(column) for column in rows if column not in RUN_COLUMNS]
    return rows.assign(
        **{column: np.where(inside, rows[column].to_numpy(dtype=object)[source], "") for column in shifted}
    )
