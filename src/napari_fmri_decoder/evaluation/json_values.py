"""Values that can be written as JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any


def finite_or_none(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not have, with None in nested dicts, lists and tuples.

    Examples
    --------
    >>> finite_or_none({"std": float("nan"), "scores": [0.5, float("inf")]})
    {'std': None, 'scores': [0.5, None]}
    """
    if isinstance(value, dict):
        return {key: finite_or_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_none(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
