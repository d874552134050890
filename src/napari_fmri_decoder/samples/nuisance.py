"""Motion and other confounds of a series, and what its tables say about each sample apart from the brain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.averaging import JOINED
from napari_fmri_decoder.samples.bids.names import find_confounds
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.confounds import GROUPS, choose_columns, read_columns, tables_of_series
from napari_fmri_decoder.samples.samples import OWN_COLUMNS
from napari_fmri_decoder.samples.tables import number_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.volumes.volume import Volume

REACTION_TIME = re.compile(r"(.*_)?(rts?|(reaction|response)_?(time|latency)|latency)", re.I)
"""Names of columns with reaction times; BIDS defines response_time."""
_DERIVED = ("*_derivative1*", "*_power2", "cosine*", "?_comp_cor_*", "dropped_*", "edge_comp_*", "*outlier*")
"""Columns of fMRIPrep that repeat others, depend only on time, or are components of brain tissue."""
_MOST_COLUMNS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """Numbers that may tell the classes apart although they are not voxels.

    Attributes
    ----------
    name : str
        Such as "motion".
    columns : tuple of str
    values : (n, columns) float64 array
        NaN where a value is missing.
    """

    name: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]


def read_nuisance(config: PrepareConfig, series: Volume, base: Path) -> tuple[list[Nuisance], list[str]]:
    """Read motion and other confounds, whether they are regressed out or not.

    Parameters
    ----------
    config : PrepareConfig
        Its `confounds_files` are read; without them, the tables that fMRIPrep wrote next to the images.
    series : Volume
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    families : list of Nuisance
        "motion" and "other confounds", one row per volume of the series; none without tables.
    notes : list of str
        Why tables could not be used.
    """
    images = [Path(part.path) for part in series.parts]
    if not config.confounds_files and not (images and all(map(find_confounds, images))):
        return [], []
    try:
        found = tables_of_series(config.confounds_files, series, base)
        tables = [_numbers(path, n, config) for path, n in found]
    except InputError as error:
        if config.confounds or config.scrub_mm:
            raise
        return [], [f"The labels were not compared with confounds: {error}"]
    joined = pd.concat(tables, ignore_index=True)
    motion = [name for name in GROUPS["motion"] if name in joined]
    others = [str(name) for name in joined if name not in motion][:_MOST_COLUMNS]
    families = [
        Nuisance(name, tuple(columns), joined[columns].to_numpy(np.float64))
        for name, columns in (("motion", motion), ("other confounds", others))
        if columns
    ]
    return families, []


def _numbers(path: Path, n_volumes: int, config: PrepareConfig) -> pd.DataFrame:
    """Numbers of a table of confounds: motion, those that are regressed out, and others that are measured."""
    cells = read_columns(path)
    if len(cells) != n_volumes:
        raise InputError(
            f"Confounds must have one row per volume; {path.name} has {len(cells)} rows for the {n_volumes} "
            "volumes of its run. Use the table of these images."
        )
    names = [str(name) for name in cells if not any(fnmatchcase(str(name), p) for p in _DERIVED)]
    wanted = [name for name in config.confounds if name not in ("outliers", "cosine")]
    if wanted:
        names = list(dict.fromkeys([*names, *choose_columns(list(cells.columns), wanted, path.name)]))
    numbers = pd.DataFrame({name: number_cells(cells[name])[0] for name in names}, index=cells.index)
    return numbers.dropna(axis=1, how="all")


def clean_nuisance(family: Nuisance, table: pd.DataFrame, *, detrend: bool) -> NDArray[np.float64]:
    """Detrend and standardize the columns within runs, as the voxels; missing values become 0.

    Parameters
    ----------
    family : Nuisance
        One row per volume.
    table : DataFrame
        `subject`, `session`, `run` of each volume.
    detrend : bool
    """
    values = pd.DataFrame(family.values)
    scale = values.std().replace(0.0, 1.0).fillna(1.0)
    known = ((values - values.mean()) / scale).fillna(0.0).to_numpy(np.float32)
    return clean_runs(known, table, detrend=detrend, standardize=True).astype(np.float64)


def read_event_columns(table: pd.DataFrame) -> list[Nuisance]:
    """Find the duration and reaction times of events in the table of samples.

    Parameters
    ----------
    table : DataFrame
        Of `Samples`, with the columns of the events as text; values of averaged volumes are averaged.

    Returns
    -------
    list of Nuisance
        "duration" and "reaction time"; where values are missing, a second column marks them.

    Examples
    --------
    >>> table = pd.DataFrame({"label": list("ab"), "response_time": ["0.5 + 0.7", "n/a"]})
    >>> [(family.name, family.columns) for family in read_event_columns(table)]
    [('reaction time', ('response_time', 'no response_time'))]
    """
    names = [str(name) for name in table if name not in OWN_COLUMNS]
    found = {
        "duration": [name for name in names if name.lower() == "duration"],
        "reaction time": [name for name in names if REACTION_TIME.fullmatch(name)],
    }
    families = []
    for family, columns in found.items():
        shown: dict[str, NDArray[np.float64]] = {}
        for column in columns:
            numbers = _mean_of_cells(table[column].astype(str).tolist())
            missing = np.isnan(numbers)
            if missing.all():
                continue
            shown[column] = numbers
            if missing.any():
                shown[f"no {column}"] = missing.astype(np.float64)
        if shown:
            families.append(Nuisance(family, tuple(shown), np.column_stack(list(shown.values()))))
    return families


def _mean_of_cells(cells: Sequence[str]) -> NDArray[np.float64]:
    parts = [cell.split(JOINED) for cell in cells]
    numbers = number_cells(pd.Series([part for of_cell in parts for part in of_cell]))[0]
    row = np.repeat(np.arange(len(parts)), [len(of_cell) for of_cell in parts])
    return np.asarray(pd.Series(np.asarray(numbers, dtype=np.float64)).groupby(row).mean().to_numpy())
