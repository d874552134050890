"""Numbers on a layer's color bar: at both ends and at its thresholds, in place of round numbers between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy.visuals.axis import Ticker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari import Viewer
    from napari.layers import Layer
    from numpy.typing import NDArray

MARKS = "fmri_decoder marks"
"""Key of a layer's metadata with the values that are marked between the ends of its color bar."""
BOX = (0.0, 0.0, 0.0, 1.0)
"""Color of the box behind a color bar and behind texts on the canvas, in both themes."""
_CLOSEST = 0.1  # fraction of the bar; closer numbers would overlap


def show_color_bar(viewer: Viewer, layer: Layer, marks: Sequence[float] = (), *, visible: bool) -> None:
    """Show or hide the color bar of an image, with numbers at its ends and at `marks`.

    Parameters
    ----------
    viewer : napari Viewer
    layer : napari Image
    marks : sequence of float
        Such as the thresholds of a map. Those that are closer to another number than a tenth of the
        bar have a tick without a number.
    visible : bool
    """
    layer.metadata[MARKS] = tuple(float(mark) for mark in marks)
    bar = layer.colorbar
    bar.box, bar.box_color = True, BOX
    bar.visible = visible
    for drawn in _drawn(viewer, layer):
        axis = drawn.node.ticks
        if not isinstance(axis.ticker, _MarkTicker):
            axis.ticker = _MarkTicker(axis, layer)
        drawn._on_ticks_change()


def tick_labels(low: float, high: float, marks: Sequence[float] = ()) -> list[tuple[float, str]]:
    """Values with a tick, lowest first, each with its number or "".

    Examples
    --------
    >>> tick_labels(-8, 8, (-3.1, 3.1))
    [(-8, '-8'), (-3.1, '-3.1'), (3.1, '3.1'), (8, '8')]
    >>> tick_labels(-8, 8, (-0.2, 0.2))
    [(-8, '-8'), (-0.2, '±0.2'), (0.2, ''), (8, '8')]
    """
    ticks = [(low, f"{low:.3g}"), (high, f"{high:.3g}")]
    inside = sorted(mark for mark in set(marks) if low < mark < high)
    pair = len(inside) == 2 and inside[0] == -inside[1]
    for mark in inside:
        text = (
            f"±{abs(mark):.3g}" if pair and inside[1] - inside[0] < _CLOSEST * (high - low) else f"{mark:.3g}"
        )
        near = any(abs(mark - other) < _CLOSEST * (high - low) for other, name in ticks if name)
        ticks.append((mark, "" if near else text))
    return sorted(ticks)


class _MarkTicker(Ticker):  # type: ignore[misc]
    """The ticks of a layer's color bar."""

    def __init__(self, axis: Any, layer: Layer) -> None:
        super().__init__(axis)
        self._layer = layer

    def _get_tick_frac_labels(self) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
        low, high = (float(end) for end in self.axis.domain)
        ticks = tick_labels(low, high, self._layer.metadata.get(MARKS, ()))
        places = np.array([(value - low) / ((high - low) or 1.0) for value, _ in ticks])
        return places, np.empty(0), [name for _, name in ticks]


def _drawn(viewer: Viewer, layer: Layer) -> list[Any]:
    """Drawings of the color bar; none if this napari keeps them elsewhere, which leaves its round numbers."""
    window = getattr(viewer.window, "_qt_viewer", None)
    canvas = getattr(window, "canvas", None)
    known = getattr(canvas, "_layer_overlay_to_visual", {}).get(layer, {})
    found = known.get(layer.colorbar, ())
    return [one for one in (found if isinstance(found, (list, tuple)) else [found]) if hasattr(one, "node")]
