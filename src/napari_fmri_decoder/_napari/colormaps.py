"""Colours and contrast of each kind of image, as plain values that napari takes in a layer's meta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLD_HOT: dict[str, Any] = {
    "name": "cold-hot",
    "colors": [
        [0.55, 1.0, 1.0, 1.0],
        [0.0, 0.45, 1.0, 1.0],
        [0.0, 0.0, 0.75, 0.85],
        [0.0, 0.0, 0.6, 0.0],
        [0.6, 0.0, 0.0, 0.0],
        [0.8, 0.0, 0.0, 0.85],
        [1.0, 0.45, 0.0, 1.0],
        [1.0, 1.0, 0.35, 1.0],
    ],
    "controls": [0.0, 0.2, 0.34, 0.42, 0.58, 0.66, 0.8, 1.0],
}
"""Diverging, clear in the middle: what lies within 16% of the limit is not seen. One name, one entry."""

CLEAR_GREY: dict[str, Any] = {
    "name": "grey-clear",
    "colors": [[0.0, 0.0, 0.0, 0.0], [0.02, 0.02, 0.02, 1.0], [1.0, 1.0, 1.0, 1.0]],
    "controls": [0.0, 0.02, 1.0],
}
"""Grey whose black is clear: what is empty does not hide the layer below."""

CLEAR_WARM: dict[str, Any] = {
    "name": "warm-clear",
    "colors": [
        [0.15, 0.0, 0.1, 0.0],
        [0.2, 0.0, 0.12, 1.0],
        [0.7, 0.2, 0.1, 1.0],
        [1.0, 0.65, 0.15, 1.0],
        [1.0, 1.0, 0.8, 1.0],
    ],
    "controls": [0.0, 0.02, 0.4, 0.75, 1.0],
}
"""From dark to pale orange, clear at the bottom: what was cut out, over the grey it came from."""

MASK_COLORS: dict[int | None, str] = {None: "#ffb000", 0: "transparent", 1: "#00c8ff"}
"""A mask is blue; whatever else is painted into it orange."""

Limits = tuple[float, float]


def grey_limits(volumes: Iterable[NDArray[Any]]) -> Limits:
    """Limits that show tissue: from 0, or the darkest percent, to all but the brightest half percent.

    Examples
    --------
    >>> grey_limits([np.arange(1001.0)])
    (0.0, 995.0)
    """
    values = _sample(volumes)
    filled = values[values != 0]
    if not filled.size:
        return 0.0, 1.0
    low = min(0.0, float(np.percentile(values, 1)))
    high = float(np.percentile(filled, 99.5, method="nearest"))
    return (low, high) if high > low else (low, low + 1.0)


def symmetric_limits(volumes: Iterable[NDArray[Any]]) -> Limits:
    """Limits about 0 that hold all but the largest thousandth; NaN and 0 do not count.

    Examples
    --------
    >>> symmetric_limits([np.array([np.nan, 0, -4.0, 2.0])])
    (-4.0, 4.0)
    """
    values = np.abs(_sample(volumes))
    values = values[values > 0]
    limit = float(np.percentile(values, 99.9, method="higher")) if values.size else 1.0
    return -limit, limit


def _sample(volumes: Iterable[NDArray[Any]], most: int = 1_000_000) -> NDArray[np.float32]:
    """Finite values, every n-th voxel of large volumes."""
    pieces = []
    for volume in volumes:
        flat = np.asarray(volume).reshape(-1)
        flat = flat[:: max(1, flat.size // most)].astype(np.float32)
        pieces.append(flat[np.isfinite(flat)])
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.float32)
