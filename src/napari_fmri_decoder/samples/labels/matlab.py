"""Safe reader of text, numbers and cell arrays in MATLAB files (version 5 to 7.2).

SciPy's `loadmat` can crash the process on damaged files. This reader checks every size that a file declares
against the bytes that it has. Objects and functions are skipped. Format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _CHAR = 1, 4
_NUMERIC = range(6, 16)
_MAX_BYTES = 2**26
"""Of one variable, after decompression: 64 MiB."""
_MAX_DEPTH = 8
"""Of nested cell arrays."""


class NewerVersionError(ValueError):
    """Raised for a file of MATLAB 7.3."""


def read_mat(raw: bytes, wanted: Sequence[str]) -> dict[str, Any]:
    """Read variables of a MATLAB file.

    Parameters
    ----------
    raw : bytes
        Content of the file.
    wanted : sequence of str
        Names of variables; others are skipped.

    Returns
    -------
    dict of str to str, float64 array or list
        Text, numbers ((n,), in MATLAB's order), or the contents of a cell array; None for any other type.

    Raises
    ------
    ValueError
        If the file is damaged, or not a MATLAB file.
    NewerVersionError
        If it is of version 7.3, which is another format (HDF5).
    """
    if len(raw) < 128 or raw[126:128] not in (b"IM", b"MI"):
        raise ValueError("it does not start like a MATLAB file")
    order = "<" if raw[126:128] == b"IM" else ">"
    if int(np.frombuffer(raw[124:126], f"{order}u2")[0]) == 0x0200:
        raise NewerVersionError("version 7.3")
    found = {}
    for kind, body in _elements(raw[128:], order):
        if kind == _COMPRESSED:
            try:
                inner = zlib.decompressobj().decompress(body, _MAX_BYTES)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            kind, body = next(_elements(inner, order), (0, b""))
        if kind == _MATRIX:
            name, value = _matrix(body, order, wanted)
            if name in wanted:
                found[name] = value
    return found


def _elements(raw: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Split bytes into elements: (type, content)."""
    at = 0
    while at + 8 <= len(raw):
        kind, size = map(int, np.frombuffer(raw, f"{order}u4", 2, at))
        if kind >> 16:  # a small element: type and size share the first four bytes
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            following = at + 8
        else:
            start = at + 8
            following = start + size + (-size % 8 if kind != _COMPRESSED else 0)
        if start + size > len(raw):
            raise ValueError("it ends too early")
        yield kind, raw[start : start + size]
        at = following


def _matrix(body: bytes, order: str, wanted: Sequence[str] | None, depth: int = 0) -> tuple[str, Any]:
    """Read an array: its name and its content."""
    parts = _elements(body, order)
    try:
        (_, flags), (_, dims), (_, name) = next(parts), next(parts), next(parts)
    except StopIteration as error:
        raise ValueError("an array lacks its header") from error
    if len(flags) != 8 or not dims or len(dims) % 4:
        raise ValueError("an array has a damaged header")
    kind = int(np.frombuffer(flags, f"{order}u4")[0]) & 0xFF
    n = math.prod(map(int, np.frombuffer(dims, f"{order}u4")))
    variable = name.decode("latin-1")
    if wanted is not None and variable not in wanted:
        return variable, None
    if kind == _CELL:
        if depth == _MAX_DEPTH:
            raise ValueError("its cells are nested too deeply")
        cells = [
            _matrix(part, order, None, depth + 1)[1] for data_type, part in parts if data_type == _MATRIX
        ]
        if len(cells) != n:
            raise ValueError(f"a cell array has {len(cells)} of {n} cells")
        return variable, cells
    if kind == _CHAR:
        data_type, data = next(parts, (0, b""))
        return variable, _characters(data_type, data, order)
    if kind in _NUMERIC:
        data_type, data = next(parts, (0, b""))
        if data_type not in _NUMBERS or len(data) != n * np.dtype(_NUMBERS[data_type]).itemsize:
            raise ValueError("the values of an array do not fit its size")
        return variable, np.frombuffer(data, f"{order}{_NUMBERS[data_type]}").astype(np.float64)
    return variable, None


def _characters(data_type: int, data: bytes, order: str) -> str:
    """Decode text."""
    if not data:
        return ""
    encoding = _TEXT.get(data_type)
    if encoding is None:
        raise ValueError("text is stored in an unknown encoding")
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    return data.decode(encoding)
