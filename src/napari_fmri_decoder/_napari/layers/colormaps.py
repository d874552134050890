"""Colors and contrast limits of each kind of image, as plain values for napari's layer properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.evaluation.palette import COLD, HOT, MASK
from napari_fmri_decoder.volumes.thresholds import N_COLORS, N_OPACITIES

_EDGE = 1e-4  # of the range: colors begin right after 0
Signs = Literal["both", "positive", "negative"]


def cold_hot(threshold: float, limit: float, signs: Signs = "both") -> dict[str, Any]:
    """Color map of a signed map from -limit to limit: transparent below the threshold, then cold or hot.

    Parameters
    ----------
    threshold : float
        Smaller absolute values are transparent; 0 always is.
    limit : float
        Color limit; positive.
    signs : {"both", "positive", "negative"}

    Returns
    -------
    dict
        Arguments of napari's Colormap, always with the same name: napari would list each new name.
    """
    start = min(max(threshold / limit, _EDGE), 1 - 3 * _EDGE)
    hot, cold = float(signs != "negative"), float(signs != "positive")
    above = [(start + at * (1 - start), (*rgb, hot)) for at, rgb in HOT]
    below = [(-start - at * (1 - start), (*rgb, cold)) for at, rgb in COLD][::-1]
    clear = [(-start + _EDGE / 2, (*COLD[0][1], 0.0)), (start - _EDGE / 2, (*HOT[0][1], 0.0))]
    stops = [*below, *clear, *above]
    return {
        "name": "cold-hot",
        "colors": [list(color) for _, color in stops],
        "controls": [min(1.0, max(0.0, at / 2 + 0.5)) for at, _ in stops],
    }


COLD_HOT: dict[str, Any] = cold_hot(0.16, 1.0)
"""For a map that was just opened: values within 16% of the limit are transparent."""

CLEAR_GRAY: dict[str, Any] = {
    "name": "gray-clear",
    "colors": [[0.0, 0.0, 0.0, 0.0], [0.02, 0.02, 0.02, 1.0], [1.0, 1.0, 1.0, 1.0]],
    "controls": [0.0, 0.02, 1.0],
}
"""Gray with transparent black, so that empty voxels do not hide the layer below."""

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
"""From dark to pale orange, transparent at the bottom: a slab over the gray series it was cut from."""

MASK_COLORS = ("transparent", MASK, *("#ffb000",) * 254)
"""A mask is blue; other labels painted into it, up to 255, are orange."""


def two_map_colors() -> dict[int | None, tuple[float, float, float, float]]:
    """Color of each code of `volumes.thresholds.codes`."""
    table: dict[int | None, tuple[float, float, float, float]] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0)}
    for color in range(N_COLORS):
        at = (color + 0.5) / N_COLORS * 2 - 1
        stops = HOT if at > 0 else COLD
        places, rgb = [s for s, _ in stops], np.array([c for _, c in stops])
        r, g, b = (float(np.interp(abs(at), places, rgb[:, i])) for i in range(3))
        for opacity in range(N_OPACITIES):
            table[1 + color * N_OPACITIES + opacity] = (r, g, b, (opacity + 1) / N_OPACITIES)
    return table


Limits = tuple[float, float]


def gray_limits(volumes: Iterable[NDArray[Any]]) -> Limits:
    """Contrast limits for tissue: from 0 or the 1st percentile to the 99.5th percentile of nonzero voxels.

    Examples
    --------
    >>> gray_limits([np.arange(1001.0)])
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
    """Limits symmetric about 0 at the 99.9th percentile of absolute values; NaN and 0 are ignored.

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
