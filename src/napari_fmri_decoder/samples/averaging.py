"""Averaging the volumes of each block, or of each class within each run, into one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.samples.samples import OWN_COLUMNS, group_keys

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig

JOINED = " + "
"""Between the cells of volumes that are averaged."""


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """Samples after averaging.

    Attributes
    ----------
    X : (n, features) float32 array
    table : DataFrame of n rows
        That of the first volume of each sample.
    averaged : (m, 2) int64 array, or None
        See `Samples.averaged`.
    notes : tuple of str
    """

    X: NDArray[np.float32]
    table: pd.DataFrame
    averaged: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def average_samples(X: NDArray[np.float32], table: pd.DataFrame, config: PrepareConfig) -> Averaged:
    """Average over blocks, over classes within runs, or over both in this order.

    Parameters
    ----------
    X : (n, features) float32 array
    table : DataFrame of n rows
        `volume`, `label`, `subject`, `session`, `run`, `block`.
    config : PrepareConfig
        `average_blocks` and `average_runs`.

    Returns
    -------
    Averaged
    """
    if not (config.average_blocks or config.average_runs):
        return Averaged(X, table)
    volumes = table["volume"].to_numpy(dtype=np.int64)
    sample_of_volume = np.arange(len(table))
    notes = []
    if config.average_blocks:
        sample_of_volume = table["block"].to_numpy(dtype=np.int64)
        X, table, note = _average_groups(X, table, sample_of_volume, "blocks")
        notes.append(note)
    if config.average_runs:
        keys = pd.Series(group_keys(table)) + "\n" + table["label"]
        cells = pd.factorize(keys)[0].astype(np.int64)
        sample_of_volume = cells[sample_of_volume]
        X, table, note = _average_groups(X, table, cells, "samples, one per run and class,")
        table = table.assign(block=np.arange(len(table)))
        notes.append(note)
    order = np.argsort(sample_of_volume, kind="stable")
    return Averaged(X, table, np.column_stack([sample_of_volume, volumes])[order], tuple(notes))


def _average_groups(
    X: NDArray[np.float32], table: pd.DataFrame, group: NDArray[np.int64], name: str
) -> tuple[NDArray[np.float32], pd.DataFrame, str]:
    """Average the rows of each group; groups are numbered in the order in which they first occur."""
    _, first, counts = np.unique(group, return_index=True, return_counts=True)
    sums = np.zeros((len(first), X.shape[1]))
    np.add.at(sums, group, X)
    averaged = (sums / counts[:, None]).astype(np.float32)
    note = f"{len(X)} volumes were averaged to {len(first)} {name} of {counts.min()} to {counts.max()}."
    joined = table.iloc[first].reset_index(drop=True)
    for column in (str(name) for name in table if name not in OWN_COLUMNS):
        joined[column] = table.groupby(group)[column].agg(join_cells).to_numpy()
    return averaged, joined, note


def join_cells(cells: pd.Series) -> str:
    """Join the different cells of the volumes that are averaged into one sample.

    Examples
    --------
    >>> join_cells(pd.Series(["face2.png", "face1.png", "face2.png"]))
    'face1.png + face2.png'
    """
    return JOINED.join(sorted({part for cell in cells for part in cell.split(JOINED)}))
