"""The design of the phantom: runs, blocks and labels of its volumes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TR: Final = 2.0
"""Repetition time in seconds."""
N_RUNS: Final = 6
RUN_LENGTH: Final = 64
"""Number of volumes per run, the chunk size of the original notebook."""
BLOCK_LENGTH: Final = 4
"""Number of volumes per block of eyes closed or open."""
N_VOLUMES: Final = N_RUNS * RUN_LENGTH


def phantom_table() -> pd.DataFrame:
    """Return the labels and runs: 4 closed, 4 open, 48 times, and 64 volumes per run.

    Returns
    -------
    DataFrame of 384 rows
        Columns `volume`, `label`, `run`.

    Examples
    --------
    >>> phantom_table()["label"].head(5).tolist()
    ['closed', 'closed', 'closed', 'closed', 'open']
    """
    volume = np.arange(N_VOLUMES)
    label = np.where(eyes_open(), "open", "closed")
    return pd.DataFrame({"volume": volume, "label": label, "run": (volume // RUN_LENGTH + 1).astype(str)})


def eyes_open() -> NDArray[np.bool_]:
    """(n,) volumes in which the eyes are open."""
    return np.asarray(np.arange(N_VOLUMES) // BLOCK_LENGTH % 2 == 1)


def run_slices() -> list[slice]:
    """Volumes of each run."""
    return [slice(run * RUN_LENGTH, (run + 1) * RUN_LENGTH) for run in range(N_RUNS)]
