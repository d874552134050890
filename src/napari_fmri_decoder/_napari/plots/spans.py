"""Spans of equal values along an axis, and their names in a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtGui import QFontMetrics

if TYPE_CHECKING:
    from qtpy.QtGui import QFont


def starts(values: Sequence[str]) -> list[int]:
    """Return the positions at which each span of equal values begins.

    Examples
    --------
    >>> starts(["1", "1", "2", "1"])
    [0, 2, 3]
    """
    return [i for i, value in enumerate(values) if i == 0 or value != values[i - 1]]


class SpanNames:
    """Names in the middle of their spans, hidden where they are wider than the span.

    Parameters
    ----------
    pane : PlotItem
        Whose x axis counts the values.
    """

    def __init__(self, pane: Any) -> None:
        self._pane = pane
        self._texts: list[tuple[pg.TextItem, int, int]] = []  # text, its width in pixels, length of the span
        pane.vb.sigXRangeChanged.connect(self.fit)
        pane.vb.sigResized.connect(self.fit)

    def clear(self) -> None:
        """Forget the names; `PlotItem.clear` removes them from the pane."""
        self._texts.clear()

    def add(self, name: str, start: int, stop: int, y: float, color: str, font: QFont) -> None:
        """Write the name of the values from `start` up to `stop`; call `fit` after the last one."""
        text = pg.TextItem(name, color=color, anchor=(0.5, 0.5))
        text.setPos((start + stop - 1) / 2, y)
        self._pane.addItem(text, ignoreBounds=True)
        self._texts.append((text, QFontMetrics(font).horizontalAdvance(name), stop - start))

    def fit(self, *_: object) -> None:
        """Hide the names that do not fit into their spans."""
        pixel = self._pane.vb.viewPixelSize()[0] if self._texts else 1.0
        for text, width, length in self._texts:
            text.setVisible(width + 4 <= length / max(pixel, 1e-9))
