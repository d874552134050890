"""Scrubbing: volumes that moved, or that came before the signal was steady, are no samples.

A regressor that is 1 at one volume and 0 elsewhere takes all there is from that volume: what remains of it is
rounding error. So such a volume is removed before anything is estimated, as nilearn's `sample_mask` does
(`load_confounds` with the strategy "scrub"): detrending, confounds and standardizing see the others only.
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
    from napari_fmri_decoder.samples.prepare import PrepareConfig
    from napari_fmri_decoder.volumes.volume import Volume

HEAD_MM = 50.0
"""Radius of the sphere on which rotations are measured (Power et al. 2012)."""
_FLAGS = ("*outlier*", "*censor*", "*scrub*", "*spike*")
"""Columns of ones and zeros whose ones are volumes to remove, several in one column too."""
_STEADY = "non_steady_state*"


@dataclass(frozen=True, slots=True, eq=False)
class Cleaning:
    """What the tables of confounds say of the volumes of a series.

    Attributes
    ----------
    confounds : (n, c) float64 array, or None
        To regress out; NaN throughout a run that lacks a column which others have.
    scrubbed : (n,) bool array
        Volumes to remove.
    notes : tuple of str
    """

    confounds: NDArray[np.float64] | None
    scrubbed: NDArray[np.bool_]
    notes: tuple[str, ...]


def read_cleaning(config: PrepareConfig, series: Volume, base: Path) -> Cleaning:
    """Read the confounds of a series, and which of its volumes are scrubbed.

    Parameters
    ----------
    config : PrepareConfig
    series : Volume
    base : Path
        Folder that relative paths start from.

    Raises
    ------
    InputError
        If a table is missing, does not fit, or has neither a framewise displacement nor motion.
    """
    nothing = np.zeros(series.n_volumes, dtype=bool)
    if not config.confounds and not config.scrub_mm:
        return Cleaning(None, nothing, ())
    regressed, masks = [], []
    for path, n in tables_of_series(config.confounds_files, series, base):
        table = (
            confounds_of_run(path, config.confounds, n) if config.confounds else pd.DataFrame(index=range(n))
        )
        moved, unsteady, others = part_flags(table)
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
    said = _say(flags, masks, config)
    return Cleaning(confounds, scrubbed, tuple(filter(None, [*(notes if plain else ()), said])))


def _say(flags: NDArray[np.bool_], masks: Sequence[NDArray[np.bool_]], config: PrepareConfig) -> str:
    if not flags.any():
        return "No volume is scrubbed." if config.scrub_mm or "outliers" in config.confounds else ""
    unsteady, moved, far, around = flags.T
    why = [
        (unsteady, "before the signal was steady"),
        (moved, "outliers of the confounds"),
        (far, f"framewise displacement above {config.scrub_mm:g} mm"),
        (
            around & ~unsteady & ~moved & ~far,
            f"{config.scrub_before} before and {config.scrub_after} after these",
        ),
    ]
    n = flags.any(axis=1).sum()
    parts = ", ".join(f"{int(which.sum())} {what}" for which, what in why if which.any())
    per_run = ", ".join(str(int(mask.any(axis=1).sum())) for mask in masks)
    return (
        f"{int(n)} of {len(flags)} volumes are scrubbed and are no samples: {parts} (per image: {per_run}). "
        "Detrending, confounds and standardizing do not see them."
    )


def part_flags(table: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_], pd.DataFrame]:
    """Part the columns that mark volumes to remove from those to regress out.

    Parameters
    ----------
    table : DataFrame of n rows
        Confounds of a run.

    Returns
    -------
    moved, unsteady : (n,) bool array
        Volumes that a column marks: by a name such as motion_outlier00 or censor and the values 0 and 1, or
        as the only one that differs in its column; unsteady ones by non_steady_state_outlier00.
    others : DataFrame

    Examples
    --------
    >>> table = pd.DataFrame({"motion_outlier00": [0, 0, 1, 0], "csf": [1.0, 3, 2, 5]})
    >>> moved, _, others = part_flags(table)
    >>> moved.tolist(), list(others)
    ([False, False, True, False], ['csf'])
    """
    moved, unsteady = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    kept = []
    for name in table:
        values = table[name].to_numpy(np.float64)
        named = any(fnmatchcase(str(name).lower(), pattern) for pattern in _FLAGS)
        marked = values == 1 if named and np.isin(values, (0, 1)).all() else spike(values)
        if marked is None:
            kept.append(name)
        elif fnmatchcase(str(name).lower(), _STEADY):
            unsteady |= marked
        else:
            moved |= marked
    return moved, unsteady, table[kept]


def spike(values: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Find the one value that differs from all others, which are equal; None where there is no such one.

    Examples
    --------
    >>> spike(np.array([0.0, 0, 1, 0])).tolist()
    [False, False, True, False]
    """
    if len(values) < 3 or not np.isfinite(values).all():
        return None
    usual = np.median(values)
    different = values != usual
    return different if different.sum() == 1 else None


def spikes(
    confounds: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Find the volumes that a confound of their run marks alone.

    Parameters
    ----------
    confounds : (n, c) float64 array
    groups : (n,) str array
        The run of each volume.

    Returns
    -------
    marked : (n,) bool array
    confounds : (n, c) float64 array
        NaN throughout a run where the column only marked a volume.
    """
    marked, rest = np.zeros(len(confounds), dtype=bool), confounds.copy()
    for run in np.unique(groups):
        rows = np.flatnonzero(groups == run)
        for column in range(confounds.shape[1]):
            found = spike(confounds[rows, column])
            if found is not None:
                marked[rows[found]] = True
                rest[rows, column] = np.nan
    return marked, rest


def widened(marked: NDArray[np.bool_], before: int, after: int) -> NDArray[np.bool_]:
    """Add the volumes before and after those that are marked.

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
        In mm; 0 at the first volume, before which nothing is known.
    """
    table = read_columns(path)
    if len(table) != n_volumes:
        raise InputError(
            f"Confounds must have one row per volume; {path.name} has {len(table)} rows for the {n_volumes} "
            "volumes of its run. Give the table of these images."
        )
    name = next((c for c in ("framewise_displacement", "FramewiseDisplacement") if c in table), None)
    if name is not None:
        columns = table[[name]]
    elif set(GROUPS["motion"]) <= set(table):
        columns = table[list(GROUPS["motion"])]
    else:
        raise InputError(
            "Scrubbing by scrub_mm needs the column framewise_displacement or the six of motion (trans_x to "
            f"rot_z); {path.name} has neither. Set scrub_mm = 0, or give another table."
        )
    numbers = np.column_stack([number_cells(columns[c])[0] for c in columns])
    known = np.asarray(np.isfinite(numbers).all(axis=1))
    if not known[1:].all():
        row = int(np.flatnonzero(~known[1:])[0]) + 2
        raise InputError(
            f"Motion must be numbers in every row but the first; {path.name} has none in row {row}. Correct "
            "it."
        )
    if name is not None:
        return np.nan_to_num(numbers[:, 0])
    angle = np.pi / 180 if path.suffix.lower() == ".1d" else 1.0
    steps = np.abs(np.diff(numbers, axis=0)) @ np.array([1.0] * 3 + [HEAD_MM * angle] * 3)
    return np.concatenate([[0.0], np.nan_to_num(steps)])
