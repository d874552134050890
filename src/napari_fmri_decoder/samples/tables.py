"""Tables of text as data frames, and the one rule for what counts as a missing value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.cells import MAYBE_MISSING, SURELY_MISSING, header_of, is_missing, read_rows
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable


def read_table(path: Path, what: str = "table") -> pd.DataFrame:
    """Read a table with a header.

    Parameters
    ----------
    path : Path
    what : str
        What messages call it: "label table", "events file".

    Returns
    -------
    DataFrame
        Of str, as written: missing values are still there (see `label_cells`, `number_cells`).

    Raises
    ------
    InputError
        If the file cannot be read, has no header, rows of different lengths, or two columns of one name.
    """
    columns, cells = header_of(read_rows(path, what), path, what)
    return pd.DataFrame(cells, columns=columns, dtype=object)


def text_cells(column: pd.Series) -> pd.Series:
    """Give the cells of a column of text; "" for those without a value."""
    return column.where(~column.map(is_missing), "")


def number_cells(column: pd.Series) -> tuple[NDArray[np.float64], list[int]]:
    """Read the cells of a column of numbers.

    Returns
    -------
    numbers : (n,) float64 array
        NaN for a cell without a value.
    wrong : list of int
        Rows that hold something else than a finite number.

    Examples
    --------
    >>> number_cells(pd.Series(["1.5", "n/a", "1e3", "two", "inf"]))
    (array([   1.5,    nan, 1000. ,    nan,    nan]), [3, 4])
    """
    numbers = np.array([_number(cell) for cell in column], dtype=np.float64)
    finite = np.isfinite(numbers)
    wrong = [i for i, cell in enumerate(column) if not finite[i] and not is_missing(cell)]
    return np.where(finite, numbers, np.nan), wrong


def _number(cell: str) -> float:
    try:
        return float(cell) if "_" not in cell else np.nan
    except ValueError:
        return np.nan


def label_cells(
    column: pd.Series, runs: Sequence[object] = (), missing: Sequence[str] | None = None
) -> tuple[pd.Series, list[str]]:
    """Read a column of labels: cells without a value become "", and are counted.

    "NA", "None" and "null" can be missing values, or the names of a class. They count as a class only
    where the column has no other missing value, and they occur in each run exactly as often as each of
    at least two other labels, as the conditions of a balanced design do.

    Parameters
    ----------
    column : Series of str
    runs : sequence, optional
        The run of each row; all one run without it.
    missing : sequence of str, optional
        The cells that hold no label, besides empty ones, in place of this rule.

    Returns
    -------
    labels : Series of str
    notes : list of str
        What was taken for missing, with counts; and what was not.

    Examples
    --------
    >>> label_cells(pd.Series(["face", "NaN", "house", "n/a"]))[0].tolist()
    ['face', '', 'house', '']
    """
    if missing is not None:
        return column.where(~column.isin([*missing]), ""), []
    low = column.map(lambda cell: cell.strip().lower())
    surely, maybe = low.isin(SURELY_MISSING), low.isin(MAYBE_MISSING)
    notes = []
    if maybe.any() and not surely.any() and _balanced(column, maybe, runs or [""] * len(column)):
        for name, count in Counter(column[maybe]).items():
            notes.append(
                f"{name!r} occurs as often as each other label ({count} times) and is taken for a class, not "
                f'for a missing value. If it is one, set missing = ["{name}"].'
            )
        maybe[:] = False
    gone = surely | maybe
    spelled = Counter(column[gone & ~column.isin(["", "n/a"])])
    if spelled:
        listed = ", ".join(f"{count} {name!r}" for name, count in spelled.most_common())
        notes.append(f"{sum(spelled.values())} of {len(column)} labels are missing values: {listed}.")
        if maybe.any():
            notes[-1] += (
                ' If one of them is a condition, state the cells without a label instead: missing = ["n/a"].'
            )
    return column.where(~gone, ""), notes


def _balanced(column: pd.Series, maybe: pd.Series, runs: Sequence[object]) -> bool:
    """Whether the doubtful names occur in every run as often as all others, which are two or more."""
    if column[~maybe].nunique() < 2:
        return False
    counts = pd.crosstab(pd.Series(list(map(str, runs)), index=column.index), column)
    return bool((counts.nunique(axis=1) == 1).all())


def no_numbers(path: Path, row: int, what: str, found: str) -> InputError:
    """Say which cell is no number."""
    return InputError(
        f"{what} must be numbers with a decimal point; row {row + 1} of {printable(path.name)} has "
        f"{found!r}. Correct it."
    )
