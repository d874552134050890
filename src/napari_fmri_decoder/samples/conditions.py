"""Conditions on the columns of a label table: {task = "seen", rt = "< 0.5"}."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import several_texts
from napari_fmri_decoder.text import nfc, shortened

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

INTERNAL = ("volume", "block")
"""Columns of a label table that do not come from the user."""
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def _texts(value: object) -> object:
    """Accept a number or a single value for a list of texts."""
    if not isinstance(value, Mapping):
        return value
    return {column: several_texts(wanted) for column, wanted in value.items()}


Conditions = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_texts)]
"""Type of an option: the values that columns must have, by their names."""


def cells_of(table: pd.DataFrame, column: str) -> NDArray[np.str_]:
    """Read a column of a label table as text.

    Parameters
    ----------
    table : DataFrame of n rows
    column : str

    Returns
    -------
    (n,) str array
        "" for missing values.

    Raises
    ------
    InputError
        If there is no such column.
    """
    known = [str(name) for name in table.columns if name not in INTERNAL]
    if column not in known:
        raise InputError(
            f"A split must name existing columns, got {column!r}. The labels have: {', '.join(known)}. "
            "Columns are read from a label table or from events files, not for z-maps."
        )
    return table[column].to_numpy(dtype=str)


def rows_where(conditions: Mapping[str, tuple[str, ...]], table: pd.DataFrame) -> NDArray[np.bool_]:
    """Find the rows in which each column has one of its values.

    Parameters
    ----------
    conditions : mapping of str to tuple of str
        Values may be patterns ("house*") or comparisons with a number (">= 2").
    table : DataFrame of n rows

    Returns
    -------
    (n,) bool array

    Raises
    ------
    InputError
        If a column does not exist, or no row has a value.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"task": ["seen", "imagined", "seen"], "rt": ["0.3", "0.4", "0.9"]})
    >>> rows_where({"task": ("seen",), "rt": ("< 0.5",)}, table).tolist()
    [True, False, False]
    """
    rows = np.ones(len(table), dtype=bool)
    for column, values in conditions.items():
        cells = cells_of(table, column)
        matching = np.zeros(len(table), dtype=bool)
        for value in values:
            found = _rows_of_value(cells, value)
            if not found.any():
                known = ", ".join(sorted(set(cells.tolist()) - {""}))
                raise InputError(
                    f"A condition must hold for some samples, but no sample has {column} = {value!r}. Its "
                    f"values are: {shortened(known, 300)}."
                )
            matching |= found
        rows &= matching
    return rows


def conditions_text(conditions: Mapping[str, tuple[str, ...]]) -> str:
    """Name conditions by their values.

    Examples
    --------
    >>> conditions_text({"task": ("seen",), "run": ("1", "2")})
    'seen, 1 or 2'
    """
    return ", ".join(" or ".join(values) for values in conditions.values())


def _rows_of_value(cells: NDArray[np.str_], value: str) -> NDArray[np.bool_]:
    comparison = re.fullmatch(r"\s*(<=|>=|<|>)\s*(\S+)\s*", value)
    limit = _number(comparison[2]) if comparison else np.nan
    if comparison and np.isfinite(limit):
        numbers = np.array([_number(cell) for cell in cells])
        return np.asarray(_COMPARED[comparison[1]](numbers, limit), dtype=bool)
    pattern = nfc(value.strip())
    distinct = {cell: cell == pattern or fnmatchcase(cell, pattern) for cell in set(cells.tolist())}
    return np.array([distinct[cell] for cell in cells.tolist()], dtype=bool)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
