"""The description of an image and its header, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

LABELS = {
    "oblique": "obliqueness",
    "voxel_mm": "voxel size",
    "kind_from": "kind by",
    "TR_s": "TR",
    "TR_from": "TR by",
    "origin_mm": "first voxel",
    "centre_mm": "center",
    "dtype": "data type",
    "stored_dtype": "stored as",
    "unit_space": "space unit",
    "unit_time": "time unit",
    "transform": "placed by",
}
"""Row names of keys of `volumes.describe.describe`; other keys are shown without underscores."""

UNITS = {"oblique": "°", "TR_s": " s", "voxel_mm": " mm", "origin_mm": " mm", "centre_mm": " mm"}
_CROSSED = ("shape", "voxel_mm")  # written as 2 x 2 x 3
_FIRST = (
    "file",
    "kind",
    "kind_from",
    "shape",
    "orientation",
    "oblique",
    "voxel_mm",
    "TR_s",
    "TR_from",
    "transform",
    "space",
    "notes",
)


def header_rows(described: dict[str, Any]) -> list[tuple[str, str]]:
    """Write the result of `describe` as rows.

    Parameters
    ----------
    described : dict
        Plain values, lists, and dicts of these; None and empty values are skipped.

    Returns
    -------
    list of (name, text)
        A text may have several lines.
    """
    described = dict(described)
    if described.get("transform") in ("sform", "qform"):
        described.pop("affine", None)  # it is listed below
    if forms_agree(described):
        qform = described["qform"]
        described["qform"] = f"{qform['name']} (code {qform['code']}), the same as the sform"
    order = [*_FIRST, *(key for key in described if key not in _FIRST)]
    rows = []
    for key in order:
        value = described.get(key)
        if value is None or value == "" or value == [] or (key == "intent_code" and value == 0):
            continue
        text = _text(value, " x " if key in _CROSSED else ", ")
        rows.append((LABELS.get(key, key.replace("_", " ")), text + UNITS.get(key, "")))
    return rows


def forms_agree(described: dict[str, Any]) -> bool:
    """Whether sform and qform are both set and equal, to a thousandth of a mm."""
    sform, qform = ((described.get(name) or {}).get("affine") for name in ("sform", "qform"))
    return sform is not None and qform is not None and np.allclose(sform, qform, rtol=0, atol=1e-3)


def as_text(rows: list[tuple[str, str]]) -> str:
    """Write rows as plain text in two aligned columns."""
    width = max((len(name) for name, _ in rows), default=0)
    lines = ((name if i == 0 else "", line) for name, text in rows for i, line in enumerate(text.split("\n")))
    return "\n".join(f"{name:<{width}}  {line}".rstrip() for name, line in lines)


def _text(value: Any, between: str) -> str:
    if isinstance(value, dict):
        return _transform(value) if {"code", "name", "affine"} <= set(value) else _pairs(value)
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(row, (list, tuple)) for row in value):
            return _matrix(value)
        if value and all(isinstance(one, str) for one in value):
            return "\n".join(value)
        return between.join(_text(one, between) for one in value)
    text = f"{value + 0.0:g}" if isinstance(value, float) else str(value)  # no -0
    return "".join(c for c in text if c.isprintable() or c == "\n")


def _pairs(value: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {_text(one, ', ')}" for name, one in value.items() if one is not None)


def _transform(value: dict[str, Any]) -> str:
    name = f"{value['name']} (code {value['code']})"
    if value["affine"] is None:
        return name if value["code"] else "not set (code 0)"
    return f"{name}\n{_matrix(value['affine'])}"


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    """Write the first three rows of an affine, or all rows of another matrix, in aligned columns."""
    rows = rows[:3] if len(rows) == 4 and list(rows[3]) == [0, 0, 0, 1] else rows
    cells = [[f"{round(v, 3) + 0.0:.7g}" for v in row] for row in rows]
    width = max(len(cell) for row in cells for cell in row)
    return "\n".join(" ".join(cell.rjust(width) for cell in row) for row in cells)
