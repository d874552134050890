"""Read tables as data frames of text, and convert their columns: text, numbers, labels, missing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.text_tables import MAYBE_MISSING, SURELY_MISSING, header_of, is_missing, read_rows


def read_table(path: Path, what: str = "table") -> pd.DataFrame:
    """Read a table with a header.

    Parameters
    ----------
    path : Path
    what : str
        Name of the file in messages: "label table", "events file".

    Returns
    -------
    DataFrame
        Of str, as written, including missing values (see `label_cells`, `number_cells`).

    Raises
    ------
    InputError
        If the file cannot be read, has no header, rows of different lengths, or two columns of one name.
    """
    columns, cells = header_of(read_rows(path, what), path, what)
    return pd.DataFrame(cells, columns=columns, dtype=object)


def text_cells(column: pd.Series) -> pd.Series:
    """Read a column of text; "" for missing values."""
    return column.where(~column.map(is_missing), "")


def number_cells(column: pd.Series) -> tuple[NDArray[np.float64], list[int]]:
    """Read a column of numbers.

    Returns
    -------
    numbers : (n,) float64 array
        NaN for missing values.
    wrong : list of int
        Rows with anything other than a finite number.

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
    """Read a column of labels; missing values become "" and are counted in the notes.

    "NA", "None" and "null" can be missing values or names of a class. They are treated as a class only
    if the column has no other missing value and they occur in each run exactly as often as each of
    at least two other labels, as in a balanced design.

    Parameters
    ----------
    column : Series of str
    runs : sequence, optional
        The run of each row; a single run by default.
    missing : sequence of str, optional
        Cells that mean no label, in addition to empty ones; replaces this rule.

    Returns
    -------
    labels : Series of str
    notes : list of str
        Counts of the cells that were treated as missing, and doubtful cells that were not.

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
                f"{name!r} occurs as often as each other label ({count} times) and is treated as a class, "
                "not "
                f'as a missing value. If it means no label, set missing = ["{name}"].'
            )
        maybe[:] = False
    absent = surely | maybe
    spelled = Counter(column[absent & ~column.isin(["", "n/a"])])
    if spelled:
        listed = ", ".join(f"{count} {name!r}" for name, count in spelled.most_common())
        notes.append(f"{sum(spelled.values())} of {len(column)} labels are missing values: {listed}.")
        if maybe.any():
            notes[-1] += (
                ' If one of them is a condition, list the cells that mean no label: missing = ["n/a"].'
            )
    return column.where(~absent, ""), notes


def _balanced(column: pd.Series, maybe: pd.Series, runs: Sequence[object]) -> bool:
    """Whether the doubtful names occur in every run as often as each of at least two other labels."""
    if column[~maybe].nunique() < 2:
        return False
    counts = pd.crosstab(pd.Series(list(map(str, runs)), index=column.index), column)
    return bool((counts.nunique(axis=1) == 1).all())


def not_a_number(path: Path, row: int, what: str, found: str) -> InputError:
    """Build the error for a cell that is not a number."""
    return InputError(
        f"{what} must be numbers with a decimal point; row {row + 1} of {printable(path.name)} has "
        f"{found!r}. Correct it."
    )
