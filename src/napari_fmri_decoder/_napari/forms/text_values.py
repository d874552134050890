"""Lists and pairs in one line of text: `face, house` and `cond1 = face; cond2 = house`, with quotes."""

from __future__ import annotations

import csv
import json
import re
from typing import Any


def split_list(text: str) -> list[str]:
    """Split a list at its commas, except those in quotes."""
    text = re.sub(r"[\r\n\u2028\u2029]+", ",", text)  # a pasted column
    try:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:  # a part is too long
        parts = text.split(",")
    return [part.strip() for part in parts if part.strip()]


def quoted(value: object, marks: str = ",") -> str:
    """Write one value of a list, in quotes if it contains one of the `marks` that would end it."""
    text = str(value)
    needed = text.startswith('"') or any(mark in text for mark in marks)
    return '"' + text.replace('"', '""') + '"' if needed else text


MARKS = ',;=[]"'
"""Characters that end a name or a value in a line of pairs."""


def split_unquoted(text: str, mark: str) -> list[str]:
    """Split a text at a mark, except in quotes; the parts keep their quotes."""
    return [part.strip() for part in re.findall(rf'(?:"(?:[^"]|"")*"|[^{mark}])+', text) if part.strip()]


def unquoted(text: str) -> str:
    """Remove the quotes that `quoted` adds."""
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if quoted else text


def split_pairs(text: str) -> dict[str, str]:
    """Split a line of name = value; name = value; the values keep their quotes."""
    pairs = [split_unquoted(part, "=") for part in split_unquoted(text, ";")]
    return {unquoted(name): "=".join(value) for name, *value in filter(None, pairs)}


def parse_value(text: str) -> Any:
    """Parse a number or a Boolean; any other text is returned as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also a number of thousands of digits
        return text.strip()


def format_value(value: Any) -> str:
    """Write a value so that `parse_value` reads it."""
    return value if isinstance(value, str) else json.dumps(value)
