"""Read text tables as spreadsheets, R, pandas and PyMVPA save them, or people write them.

The only parser of tables: labels, events, confounds and region names.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import read_text
from napari_fmri_decoder.text import nfc, printable

SURELY_MISSING = frozenset(
    ("", "n/a", "#n/a", "#na", "nan", "-nan", "+nan", "<na>", "#null!", "#value!", "#div/0!", "nat")
)
"""Cells that mean a missing value, in lower case: BIDS, NumPy, pandas, spreadsheets."""
MAYBE_MISSING = frozenset(("na", "none", "null"))
"""Cells that mean a missing number (R, Python, databases), but can also be the name of a label."""


def is_missing(cell: str) -> bool:
    """Whether a cell means a missing value, in any of the usual spellings.

    Examples
    --------
    >>> [is_missing(cell) for cell in ("", "n/a", "NaN", "NA", "None", "0", "rest")]
    [True, True, True, True, True, False, False]
    """
    low = cell.strip().lower()
    return low in SURELY_MISSING or low in MAYBE_MISSING


def read_rows(path: Path, what: str, comments: bool = False) -> list[list[str]]:
    r"""Read the cells of a text table, header included.

    Columns are separated by tabs, semicolons, commas or spaces. Quotes, a byte order mark, all line
    endings and the row names of R are handled.

    Parameters
    ----------
    path : Path
    what : str
        How messages refer to the file, such as "table" or "events file".
    comments : bool
        Whether lines that start with # are comments.

    Returns
    -------
    list of list of str
        Rows of equal length, stripped, in Unicode's composed form (NFC).

    Raises
    ------
    InputError
        If the file cannot be read, is not text, or has rows of different length.
    """
    return rows_of(read_text(path, what), path, what, comments)


def rows_of(text: str, path: Path, what: str, comments: bool = False) -> list[list[str]]:
    """Split the text of a table into cells; see `read_rows`."""
    name = printable(path.name)
    if "\0" in text:
        raise InputError(
            f"The {what} must be a text file in UTF-8, but {name} contains zero bytes, as UTF-16 and binary "
            "files do. Save it as UTF-8."
        )
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if comments:
        lines = [line for line in lines if not line.startswith("#")]
    if lines and re.fullmatch(r'"?sep=.{1,3}', lines[0].strip()):  # written by Excel
        lines = lines[1:]
    if not lines:
        return []
    delimiter = _delimiter(lines, path)
    try:
        rows = _regular(_parsed(lines, delimiter, quotes=True))
        if not _are_regular(rows):  # a quotation mark that is part of the text, as in BIDS
            unquoted = _regular(_parsed(lines, delimiter, quotes=False))
            rows = unquoted if _are_regular(unquoted) else rows
    except csv.Error as error:
        raise InputError(
            f"The {what} must be a text table, but {name} is not: {error}. Check the file."
        ) from error
    wrong = [i for i, row in enumerate(rows) if len(row) != len(rows[0])]
    if wrong:
        raise InputError(
            f"Each row of a table must have as many fields as its header; row {wrong[0]} of {name} has "
            f"{len(rows[wrong[0]])}, the header {len(rows[0])}. Add or remove fields."
        )
    return rows


def header_of(rows: list[list[str]], path: Path, what: str) -> tuple[list[str], list[list[str]]]:
    """Separate the header from the cells; columns without a name are dropped.

    Raises
    ------
    InputError
        If there is no header, or two columns have the same name.
    """
    name = printable(path.name)
    if not rows or not any(rows[0]):
        raise InputError(
            f"The {what} must have a header with the names of its columns, but {name} has none. Add one."
        )
    named = [i for i, column in enumerate(rows[0]) if column]
    columns = [rows[0][i] for i in named]
    if repeated := sorted({column for column in columns if columns.count(column) > 1}):
        raise InputError(
            f"Column names of the {what} must be unique; {name} has "
            f"{', '.join(f'{column!r} {columns.count(column)} times' for column in repeated)}. Rename or "
            "delete one."
        )
    return columns, [[row[i] for i in named] for row in rows[1:]]


def _delimiter(lines: Sequence[str], path: Path) -> str | None:
    """Find the separator of columns: None for spaces, "" for a single column."""
    one_name = len(lines[0].split()) == 1
    for line in lines[
        : 2 if one_name else 1
    ]:  # R gives row names no header, so one name may precede two columns
        if mark := next((mark for mark in "\t;," if mark in line), None):
            return mark
    return "" if path.suffix.lower() in (".tsv", ".csv") and one_name else None


def _parsed(lines: Sequence[str], mark: str | None, quotes: bool) -> list[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    if mark is None:
        lines = [" ".join(line.split()) for line in lines]
    text = io.StringIO("\n".join(lines), newline="")
    delimiter = {None: " ", "": "\t"}.get(mark, mark)
    rows = csv.reader(text, delimiter=delimiter or "\t", quoting=quoting, skipinitialspace=delimiter != "\t")
    return [[nfc(cell.strip()) for cell in row] for row in rows]


def _regular(rows: list[list[str]]) -> list[list[str]]:
    """Remove additions by programs: delimiters at line ends, and R's row names."""
    if len(rows) < 2:
        return rows
    header, body = rows[0], rows[1:]
    if all(len(row) == len(header) + 1 for row in body):
        if all(row[-1] == "" for row in body):
            body = [row[:-1] for row in body]
        elif not all(_is_number(cell) for cell in header) and _are_row_names([row[0] for row in body]):
            body = [row[1:] for row in body]
    while header and header[-1] == "" and all(len(row) < len(header) or row[-1] == "" for row in body):
        body = [row[: len(header) - 1] for row in body]
        header = header[:-1]
    return [header, *body]


def _are_row_names(cells: list[str]) -> bool:
    """Whether cells are increasing numbers, as R's row names are; a missing column name is an error."""
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    return len(numbers) == len(cells) and all(a < b for a, b in pairwise(numbers))


def _are_regular(rows: list[list[str]]) -> bool:
    return all(len(row) == len(rows[0]) for row in rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
