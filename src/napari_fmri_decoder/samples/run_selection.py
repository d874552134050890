"""Select samples by the names of runs, sessions and subjects, as users write them in a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    import pandas as pd

_COLUMN_OF_ENTITY = {"sub": "subject", "ses": "session", "run": "run"}
"""BIDS entities, and the table columns that hold them."""


def rows_of_runs(names: Sequence[str], table: pd.DataFrame, groups: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Find the rows of the runs that names or patterns match.

    Parameters
    ----------
    names : sequence of str
        "3" (run 3 of all), "2/1/3" or "2/*" (subject/session/run), "sub-2", "ses-1/run-3".
    table : DataFrame of n rows
        `subject`, `session`, `run`.
    groups : (n,) str array
        From `group_keys`.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    InputError
        If a name matches no run.
    """
    columns = _COLUMN_OF_ENTITY.values()
    used = [column for column in columns if (table[column].astype(str) != "").any()]
    labels = {
        column: [plain_label(label, column) for label in table[column].astype(str)] for column in columns
    }
    plain = ["/".join(parts) for parts in zip(*(labels[column] for column in used), strict=True)]
    rows = np.zeros(len(table), dtype=bool)
    for name in names:
        pattern = nfc(name)
        found = np.array(labels["run"]) == plain_label(pattern, "run")
        found |= _rows_of_entities(pattern, labels)
        parts = pattern.split("/")
        if len(parts) == len(used):
            pattern = "/".join(plain_label(part, column) for part, column in zip(parts, used, strict=True))
        found |= [
            fnmatchcase(a, pattern) or fnmatchcase(nfc(b), nfc(name))
            for a, b in zip(plain, groups, strict=True)
        ]
        if not found.any():
            known = ", ".join(dict.fromkeys(groups.tolist()))
            raise InputError(f"A split must name existing runs, got {name!r}. The runs are: {known}.")
        rows |= found
    return rows


def _rows_of_entities(name: str, labels: Mapping[str, list[str]]) -> NDArray[np.bool_]:
    """Rows that "sub-2", "ses-1" or "sub-2/run-3" match; none for a name of another form."""
    rows = np.ones(len(labels["run"]), dtype=bool)
    for part in name.split("/"):
        column = _COLUMN_OF_ENTITY.get(part.partition("-")[0])
        if column is None:
            return np.zeros(len(rows), dtype=bool)
        rows &= np.array(labels[column]) == plain_label(part, column)
    return rows
