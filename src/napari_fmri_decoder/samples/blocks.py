"""Blocks: consecutive volumes of one label and run, which a split must keep together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    import pandas as pd


def number_blocks(table: pd.DataFrame) -> NDArray[np.int64]:
    """Number the blocks of a label table.

    Parameters
    ----------
    table : DataFrame of n rows
        Columns `volume`, `label`, `subject`, `session`, `run`.

    Returns
    -------
    (n,) int64 array
        From 0; increases where the label or the group (subject, session, run) changes, or volumes
        are skipped.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"volume": [0, 1, 2, 5], "label": list("aabb"), "run": ["1"] * 4})
    >>> number_blocks(table.assign(subject="", session="")).tolist()
    [0, 0, 1, 2]
    """
    if not len(table):
        return np.zeros(0, dtype=np.int64)
    label, group = table["label"].to_numpy(dtype=str), group_keys(table)
    changes = (label[1:] != label[:-1]) | (group[1:] != group[:-1])
    changes |= np.diff(table["volume"].to_numpy()) != 1
    return np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)


def run_starts(table: pd.DataFrame) -> dict[str, list[int]]:
    """Find the rows at which each run starts; a run that is interrupted has several.

    Examples
    --------
    >>> import pandas as pd
    >>> run_starts(pd.DataFrame({"subject": "", "session": "", "run": ["1", "1", "2", "1"]}))
    {'1': [0, 3], '2': [2]}
    """
    groups = group_keys(table).tolist()
    starts: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        if i == 0 or groups[i - 1] != group:
            starts.setdefault(group, []).append(i)
    return starts
