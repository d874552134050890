"""Labels, runs and folds along time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal

from napari_fmri_decoder._napari.plots.base import Plot, css
from napari_fmri_decoder._napari.plots.spans import SpanNames, starts
from napari_fmri_decoder.evaluation.palette import RGBA, class_colors

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

HEIGHT, ROW_HEIGHT = 150, 22
"""Pixels of three rows, and of each further row."""
BAND_HEIGHT = 0.8
"""Fraction of a row that its band fills."""


class BandsPlot(Plot):
    """Rows of bands along the volumes of a series: labels in their colors, runs and folds in grays.

    Attributes
    ----------
    clicked : Signal(int)
        The volume that was clicked.
    painted : Signal(int, int)
        First and last volume of a stroke, while dragging paints.
    """

    clicked = Signal(int)
    painted = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=HEIGHT)
        self.view.zoomable = True
        pane = self.add_pane("volume", "")
        pane.setMouseEnabled(True, False)
        pane.invertY(True)
        self._brush: RGBA | None = None
        self._stroke = pg.LinearRegionItem(movable=False)
        self._pan = pane.vb.mouseDragEvent
        pane.vb.mouseDragEvent = self._drag
        self._names = SpanNames(pane)
        self.add_legend()
        self._rows: dict[str, tuple[str, ...]] = {}
        self._colored: set[str] = set()
        self._colors: dict[str, RGBA] = {}
        self._current: int | None = None
        self._line = pg.InfiniteLine(angle=90)
        self.set_ink(self.ink)

    def set_data(
        self,
        rows: Mapping[str, Sequence[str]],
        colors: Mapping[str, RGBA] | None = None,
        colored: Sequence[str] = (),
    ) -> None:
        """Show bands.

        Parameters
        ----------
        rows : mapping of str to (volumes,) sequence of str
            One value per volume: "label" first, then "run", "fold" and so on. "" is drawn empty.
        colors : mapping of str to RGBA, optional
            Colors of the labels; the class palette by default.
        colored : sequence of str
            Further rows that are drawn in the colors of the labels.
        """
        self._rows = {name: tuple(map(str, values)) for name, values in rows.items()}
        self._colored = {*list(self._rows)[:1], *colored}
        shown = {value for name in self._colored for value in self._rows[name]}
        known = {**class_colors(sorted(shown - {""})), **(colors or {})}
        self._colors = {name: color for name, color in known.items() if name in shown}
        self.legend.set_plain_height(HEIGHT + max(len(self._rows) - 3, 0) * ROW_HEIGHT)
        self.draw()
        self.reset_range()

    def set_current(self, volume: int | None) -> None:
        """Mark the volume that the viewer shows, or none."""
        self._current = volume
        self._line.setVisible(volume is not None)
        self._line.setValue(volume or 0)

    def set_brush(self, color: RGBA | None) -> None:
        """Let dragging paint in a color, or pan the time axis (None)."""
        self._brush = color
        self.view.setCursor(Qt.CursorShape.IBeamCursor if color else Qt.CursorShape.ArrowCursor)

    def _drag(self, event: Any, axis: int | None = None) -> None:
        """Show the stroke while the button is pressed, and send it on release."""
        if self._brush is None or event.button() != Qt.MouseButton.LeftButton:
            self._pan(event, axis)
            return
        event.accept()
        pane = self.panes[0]
        ends = sorted(round(pane.vb.mapToView(p).x()) for p in (event.buttonDownPos(), event.pos()))
        first, last = (min(max(volume, 0), self._length - 1) for volume in ends)
        if event.isFinish():
            pane.removeItem(self._stroke)
            self.painted.emit(first, last)
            return
        if event.isStart():
            self._stroke.setBrush(pg.mkBrush([round(255 * part) for part in (*self._brush[:3], 0.6)]))
            pane.addItem(self._stroke, ignoreBounds=True)
        self._stroke.setRegion((first - 0.5, last + 0.5))

    def draw(self) -> None:
        """Draw all bands."""
        pane = self.panes[0]
        pane.clear()
        self._names.clear()
        for row, (name, values) in enumerate(self._rows.items()):
            image = pg.ImageItem(self._pixels(name, values)[None], axisOrder="row-major", levels=(0, 255))
            image.setRect(-0.5, row + (1 - BAND_HEIGHT) / 2, len(values), BAND_HEIGHT)
            pane.addItem(image)
            if name not in self._colored:
                self._add_names(row, values)
        pane.getAxis("left").setTicks([[(row + 0.5, name) for row, name in enumerate(self._rows)]])
        pane.setYRange(0, max(len(self._rows), 1), padding=0)
        self._line.setPen(pg.mkPen(self.ink, width=2))
        self.set_current(self._current)
        pane.addItem(self._line)
        self.legend.show_names({name: css(color) for name, color in self._colors.items()}, self.ink)
        self._names.fit()

    def reset_range(self) -> None:
        """Show all volumes."""
        self.panes[0].setXRange(-0.5, max(self._length, 1) - 0.5, padding=0)

    def table(self) -> pd.DataFrame:
        """One row per volume: `volume` and a column for each row of bands."""
        return pd.DataFrame({"volume": np.arange(self._length), **self._rows})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the volume under the mouse."""
        volume = round(x)
        if not 0 <= volume < self._length:
            return ""
        parts = [f"{name} {values[volume]}" for name, values in self._rows.items() if values[volume]]
        return ", ".join([f"volume {volume}", *parts])

    def click(self, x: float, y: float, pane: int) -> None:
        """Send the volume."""
        if 0 <= round(x) < self._length:
            self.clicked.emit(round(x))

    @property
    def _length(self) -> int:
        return max(map(len, self._rows.values()), default=0)

    def _pixels(self, name: str, values: tuple[str, ...]) -> NDArray[np.uint8]:
        """(volumes, 4) RGBA, 0 to 255."""
        if name in self._colored:
            table = {name: [round(255 * part) for part in color] for name, color in self._colors.items()}
            return np.array([table.get(value, [0, 0, 0, 0]) for value in values], dtype=np.uint8)
        parity = np.zeros(len(values), dtype=int)
        parity[starts(values)] = 1
        parity = np.cumsum(parity) % 2
        ink = [int(self.ink[i : i + 2], 16) for i in (1, 3, 5)]
        opacity = np.where(parity == 1, 90, 45) * np.array([value != "" for value in values])
        return np.column_stack([np.tile(ink, (len(values), 1)), opacity]).astype(np.uint8)

    def _add_names(self, row: int, values: tuple[str, ...]) -> None:
        """Write the name of each span."""
        begins = starts(values)
        for start, stop in zip(begins, [*begins[1:], len(values)], strict=True):
            if values[start]:
                self._names.add(values[start], start, stop, row + 0.5, self.ink, self.font())
