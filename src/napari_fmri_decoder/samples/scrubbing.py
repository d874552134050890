"""Scrubbing: volumes with motion, or from before the signal was steady, are not used as samples.

A regressor that is 1 at one volume and 0 elsewhere explains that volume completely: only rounding error
remains. Such a volume is therefore removed before anything is estimated, as with nilearn's `sample_mask`
(`load_confounds` with the strategy "scrub"): detrending, confounds and standardizing use only the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.confounds import (
    GROUPS,
    confounds_of_run,
    joined_confounds,
    read_columns,
    tables_of_series,
)
from napari_fmri_decoder.samples.tables import number_cells

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.volumes.volume import Volume

HEAD_MM = 50.0
"""Radius of the sphere on which rotations are measured (Power et al. 2012)."""
_FLAGS = ("*outlier*", "*censor*", "*scrub*", "*spike*")
"""Columns of zeros and ones; each one marks a volume to remove, and a column may mark several."""
_STEADY = "non_steady_state*"


@dataclass(frozen=True, slots=True, eq=False)
class Cleaning:
    """Confounds of a series, and the volumes that they scrub.

    Attributes
    ----------
    confounds : (n, c) float64 array, or None
        To regress out; NaN throughout a run that lacks a column of other runs.
    scrubbed : (n,) bool array
        Volumes to remove.
    notes : tuple of str
    """

    confounds: NDArray[np.float64] | None
    scrubbed: NDArray[np.bool_]
    notes: tuple[str, ...]


def read_cleaning(config: PrepareConfig, series: Volume, base: Path) -> Cleaning:
    """Read the confounds of a series, and find the volumes to scrub.

    Parameters
    ----------
    config : PrepareConfig
    series : Volume
    base : Path
        Folder that relative paths start from.

    Raises
    ------
    InputError
        If a table is missing, does not fit, or has neither framewise displacement nor motion.
    """
    nothing = np.zeros(series.n_volumes, dtype=bool)
    if not config.confounds and not config.scrub_mm:
        return Cleaning(None, nothing, ())
    regressed, masks = [], []
    for path, n in tables_of_series(config.confounds_files, series, base):
        table = (
            confounds_of_run(path, config.confounds, n) if config.confounds else pd.DataFrame(index=range(n))
        )
        moved, unsteady, others = separate_flags(table)
        far = displacement(path, n) > config.scrub_mm if config.scrub_mm else np.zeros(n, dtype=bool)
        around = widened(moved | far, config.scrub_before, config.scrub_after)
        regressed.append(others)
        masks.append(np.column_stack([unsteady, moved & ~unsteady, far & ~unsteady & ~moved, around]))
    flags = np.concatenate(masks)
    scrubbed = np.asarray(flags.any(axis=1))
    plain = [name for name in config.confounds if name != "outliers"]
    confounds, notes = (
        (None, []) if not config.confounds else joined_confounds(regressed, plain or ["outliers"])
    )
    summary = _summary(flags, masks, config)
    return Cleaning(confounds, scrubbed, tuple(filter(None, [*(notes if plain else ()), summary])))


def _summary(flags: NDArray[np.bool_], masks: Sequence[NDArray[np.bool_]], config: PrepareConfig) -> str:
    if not flags.any():
        return "No volume is scrubbed." if config.scrub_mm or "outliers" in config.confounds else ""
    unsteady, moved, far, around = flags.T
    reasons = [
        (unsteady, "before the signal was steady"),
        (moved, "outliers in the confounds"),
        (far, f"framewise displacement above {config.scrub_mm:g} mm"),
        (
            around & ~unsteady & ~moved & ~far,
            f"{config.scrub_before} before and {config.scrub_after} after these",
        ),
    ]
    n = flags.any(axis=1).sum()
    parts = ", ".join(f"{int(which.sum())} {reason}" for which, reason in reasons if which.any())
    per_run = ", ".join(str(int(mask.any(axis=1).sum())) for mask in masks)
    return (
        f"{int(n)} of {len(flags)} volumes are scrubbed: {parts} (per image: {per_run}). They are not used "
        "as samples, nor for detrending, confounds or standardizing."
    )


def separate_flags(table: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_], pd.DataFrame]:
    """Separate the columns that mark volumes to remove from those to regress out.

    Parameters
    ----------
    table : DataFrame of n rows
        Confounds of a run.

    Returns
    -------
    moved, unsteady : (n,) bool array
        Volumes that a column marks. A column marks volumes if it has a name such as motion_outlier00 or
        censor and only the values 0 and 1, or if all of its values but one are equal. Those marked by
        non_steady_state_outlier00 and the like are unsteady.
    others : DataFrame

    Examples
    --------
    >>> table = pd.DataFrame({"motion_outlier00": [0, 0, 1, 0], "csf": [1.0, 3, 2, 5]})
    >>> moved, _, others = separate_flags(table)
    >>> moved.tolist(), list(others)
    ([False, False, True, False], ['csf'])
    """
    moved, unsteady = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    regressors = []
    for name in table:
        values = table[name].to_numpy(np.float64)
        named = any(fnmatchcase(str(name).lower(), pattern) for pattern in _FLAGS)
        marked = values == 1 if named and np.isin(values, (0, 1)).all() else spike(values)
        if marked is None:
            regressors.append(name)
        elif fnmatchcase(str(name).lower(), _STEADY):
            unsteady |= marked
        else:
            moved |= marked
    return moved, unsteady, table[regressors]


def spike(values: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Find the one value that differs when all others are equal; None if there is no such value.

    Examples
    --------
    >>> spike(np.array([0.0, 0, 1, 0])).tolist()
    [False, False, True, False]
    """
    if len(values) < 3 or not np.isfinite(values).all():
        return None
    different = values != np.median(values)
    return different if different.sum() == 1 else None


def spikes(
    confounds: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Find the volumes that a confound of their run marks, and no other volume.

    Parameters
    ----------
    confounds : (n, c) float64 array
    groups : (n,) str array
        The run of each volume.

    Returns
    -------
    marked : (n,) bool array
    confounds : (n, c) float64 array
        NaN throughout a run in which the column only marks a volume.
    """
    marked, others = np.zeros(len(confounds), dtype=bool), confounds.copy()
    for run in np.unique(groups):
        rows = np.flatnonzero(groups == run)
        for column in range(confounds.shape[1]):
            found = spike(confounds[rows, column])
            if found is not None:
                marked[rows[found]] = True
                others[rows, column] = np.nan
    return marked, others


def widened(marked: NDArray[np.bool_], before: int, after: int) -> NDArray[np.bool_]:
    """Also mark the volumes before and after those that are marked.

    Examples
    --------
    >>> widened(np.array([False, False, True, False, False, False]), 1, 2).tolist()
    [False, True, True, True, True, False]
    """
    wide = marked.copy()
    for shift in range(1, before + 1):
        wide[:-shift] |= marked[shift:]
    for shift in range(1, after + 1):
        wide[shift:] |= marked[:-shift]
    return wide


def displacement(path: Path, n_volumes: int) -> NDArray[np.float64]:
    """Read the framewise displacement of a run, or compute it from its motion (Power et al. 2012).

    Parameters
    ----------
    path : Path
        Table with the column framewise_displacement, or six of motion in mm and radians (AFNI's .1D:
        degrees).
    n_volumes : int

    Returns
    -------
    (n,) float64 array
        In mm; 0 at the first volume, which has none before it.
    """
    table = read_columns(path)
    if len(table) != n_volumes:
        raise InputError(
            f"Confounds must have one row per volume; {path.name} has {len(table)} rows for the {n_volumes} "
            "volumes of its run. Use the table of these images."
        )
    name = next((c for c in ("framewise_displacement", "FramewiseDisplacement") if c in table), None)
    if name is not None:
        columns = table[[name]]
    elif set(GROUPS["motion"]) <= set(table):
        columns = table[list(GROUPS["motion"])]
    else:
        raise InputError(
            "scrub_mm needs the column framewise_displacement or the six motion columns (trans_x to "
            f"rot_z); {path.name} has neither. Set scrub_mm = 0, or use another table."
        )
    numbers = np.column_stack([number_cells(columns[c])[0] for c in columns])
    known = np.asarray(np.isfinite(numbers).all(axis=1))
    if not known[1:].all():
        row = int(np.flatnonzero(~known[1:])[0]) + 2
        raise InputError(
            f"Motion must be given as numbers in every row except the first; {path.name} has none in row "
            f"{row}. Correct that row."
        )
    if name is not None:
        return np.nan_to_num(numbers[:, 0])
    angle = np.pi / 180 if path.suffix.lower() == ".1d" else 1.0
    steps = np.abs(np.diff(numbers, axis=0)) @ np.array([1.0] * 3 + [HEAD_MM * angle] * 3)
    return np.concatenate([[0.0], np.nan_to_num(steps)])
