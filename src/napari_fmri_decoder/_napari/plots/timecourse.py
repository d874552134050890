"""The time course of one voxel, over the conditions and runs of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt, QTimer, Signal

from napari_fmri_decoder._napari.palette import PALETTE, RGBA
from napari_fmri_decoder._napari.plots.base import Plot, css
from napari_fmri_decoder._napari.plots.curves import REDRAW_MS

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent
    from qtpy.QtWidgets import QWidget

SHADE = 0.4
"""Opacity of the conditions behind the curve."""


@dataclass(frozen=True, slots=True)
class Along:
    """What is known of each volume of a series, whatever the voxel.

    Attributes
    ----------
    n : int
        Volumes.
    step : float or None
        Seconds from one to the next; None for a stack of maps.
    names : tuple of str
        Of the maps, or none.
    labels, runs : tuple of str
        One per volume, or none.
    colors : mapping of str to RGBA
        Of the labels.
    """

    n: int
    step: float | None = None
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    colors: Mapping[str, RGBA] | None = None

    def describe(self, volume: int) -> str:
        """Say which volume it is, and what it shows: "volume 12 (30 s), house, run 2"."""
        parts = [f"volume {volume}" + (f" ({volume * self.step:g} s)" if self.step else "")]
        parts += [known[volume] for known in (self.names, self.labels) if known and known[volume]]
        parts += [f"run {self.runs[volume]}"] if self.runs and self.runs[volume] else []
        return ", ".join(parts)


class TimecoursePlot(Plot):
    """A curve over shaded conditions, with dashed borders of runs and a line at the volume that is shown.

    The range of the values is rounded outwards, so that a mouse that moves over similar voxels
    redraws the curve and not the axes; it is drawn at most five times a second.

    Attributes
    ----------
    clicked : Signal(int)
        The volume that was clicked.
    """

    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=210)
        self.view.zoomable = True
        pane = self.add_pane("", "")
        pane.setMouseEnabled(True, False)
        pane.getAxis("left").setWidth(58)
        self.add_legend()
        self._along = Along(0)
        self._y: NDArray[np.float64] = np.empty(0)
        self._symmetric = False
        self._current: int | None = None
        self._span: tuple[int, int] | None = None
        self._range = (0.0, 1.0)
        self._shade = pg.ImageItem(axisOrder="row-major")
        self._shade.setZValue(-10)
        self._borders = pg.PlotCurveItem(connect="pairs")
        self._curve = pg.PlotDataItem(connect="finite", symbolPen=None)
        self._line = pg.InfiniteLine(angle=90)
        for item in (self._shade, self._borders, self._curve, self._line):
            pane.addItem(item, ignoreBounds=True)
        self._pause = QTimer(self)
        self._pause.setInterval(REDRAW_MS)
        self._pause.timeout.connect(self._tick)
        self._dirty = False
        self.set_ink(self.ink)

    def set_along(self, along: Along) -> None:
        """Take another series; its values are to come."""
        self._along, self._y, self._span = along, np.empty(0), None
        self.draw()

    def set_span(self, span: tuple[int, int] | None) -> None:
        """Show the volumes from `start` up to `stop` only, or all (None)."""
        if span != self._span:
            self._span = span
            self.reset_range()
            self._draw_soon()

    def reset_range(self) -> None:
        """Show the whole span."""
        start, stop = self._span or (0, max(self._along.n, 1))
        self._panes[0].setXRange((start - 0.5) * self._seconds, (stop - 0.5) * self._seconds, padding=0)

    def set_values(self, values: ArrayLike, unit: str, *, symmetric: bool = False) -> None:
        """Show another voxel.

        Parameters
        ----------
        values : (n,) array-like
            NaN leaves a gap.
        unit : str
            What the axis says.
        symmetric : bool
            About 0, for percent and z.
        """
        self._y, self._symmetric = np.asarray(values, dtype=float), symmetric
        if self._panes[0].getAxis("left").labelText != unit:
            self._panes[0].setLabel("left", unit, color=self.ink)
        self._draw_soon()

    def set_current(self, volume: int | None) -> None:
        """Mark the volume that the viewer shows, or none."""
        if volume != self._current:
            self._current = volume
            self._draw_soon()

    def draw(self) -> None:
        """Draw all, axes and shades too."""
        pane, along = self._panes[0], self._along
        pane.setLabel("bottom", "time (s)" if along.step else "volume", color=self.ink)
        self.reset_range()
        colors = {name: color for name, color in (along.colors or {}).items() if name in set(along.labels)}
        self._shade.setVisible(bool(colors))
        if colors:
            table = {name: (*color[:3], SHADE * color[3]) for name, color in colors.items()}
            rgba = np.array([table.get(label, (0.0, 0.0, 0.0, 0.0)) for label in along.labels])
            self._shade.setImage((255 * rgba).round().astype(np.uint8)[None], levels=(0, 255))
        self._line.setPen(pg.mkPen(self.ink, width=1.5))
        self._borders.setPen(pg.mkPen(self.ink, style=Qt.PenStyle.DashLine))
        self.legend.show_names({name: css(color) for name, color in colors.items()}, self.ink)
        self._range = (np.nan, np.nan)
        self._draw_values()

    def table(self) -> pd.DataFrame:
        """One row per volume: its number, time or name, label and run where they are known, its value."""
        along = self._along
        columns: dict[str, Any] = {"volume": np.arange(along.n)}
        if along.step:
            columns["time_s"] = np.arange(along.n) * along.step
        known = {"name": along.names, "label": along.labels, "run": along.runs}
        columns |= {name: values for name, values in known.items() if values}
        values = self._y if len(self._y) == along.n else np.full(along.n, np.nan)
        return pd.DataFrame({**columns, "value": values})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Say the value and the condition of the volume under the mouse."""
        volume = self._nearest(x)
        if volume is None:
            return ""
        value = f": {self._y[volume]:.4g}" if len(self._y) == self._along.n else ""
        return self._along.describe(volume) + value

    def click(self, x: float, y: float, pane: int) -> None:
        """Send the volume."""
        volume = self._nearest(x)
        if volume is not None:
            self.clicked.emit(volume)

    @property
    def _seconds(self) -> float:
        return self._along.step or 1.0

    def _nearest(self, x: float) -> int | None:
        volume = round(x / self._seconds)
        return volume if 0 <= volume < self._along.n else None

    def _draw_soon(self) -> None:
        """Draw at once, unless something was drawn just now."""
        self._dirty = True
        if not self._pause.isActive():
            self._tick()
            self._pause.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Rest: a dock that is closed sends this, and no closeEvent."""
        super().hideEvent(event)
        self._pause.stop()

    def _tick(self) -> None:
        """Draw what came; rest once nothing comes."""
        if self._dirty:
            self._draw_values()
        else:
            self._pause.stop()

    def _draw_values(self) -> None:
        """Draw the curve and the line, and what depends on the range of the values."""
        self._dirty = False
        along, step = self._along, self._seconds
        current = self._current
        self._line.setVisible(current is not None and 0 <= current < along.n)
        self._line.setValue((current or 0) * step)
        # pyqtgraph warns of a curve without a number.
        shown = self._y if len(self._y) == along.n and np.isfinite(self._y).any() else np.empty(0)
        color = PALETTE[1] if not along.colors else self.ink
        dots = {"symbol": "o", "symbolSize": 4, "symbolBrush": color} if along.n <= 60 else {"symbol": None}
        self._curve.setData(np.arange(len(shown)) * step, shown, pen=pg.mkPen(color, width=1.5), **dots)
        range_ = nice_range(shown[slice(*(self._span or (None,)))], symmetric=self._symmetric)
        if range_ != self._range:
            self._range = range_
            low, high = range_
            self._panes[0].setYRange(low, high, padding=0)
            self._shade.setRect(-step / 2, low, max(along.n, 1) * step, high - low)
            borders = np.repeat([(i - 0.5) * step for i in starts(along.runs)[1:]], 2)
            self._borders.setData(borders, np.tile([low, high], len(borders) // 2))


def starts(values: Sequence[str]) -> list[int]:
    """Positions at which each stretch of equal values begins.

    Examples
    --------
    >>> starts(["1", "1", "2", "1"])
    [0, 2, 3]
    """
    return [i for i, value in enumerate(values) if i == 0 or value != values[i - 1]]


def nice_range(values: NDArray[np.float64], *, symmetric: bool = False) -> tuple[float, float]:
    """Range of an axis that holds all finite values, rounded outwards to steps of about a fifth.

    Examples
    --------
    >>> nice_range(np.array([483.0, 561.0]))
    (480.0, 580.0)
    >>> nice_range(np.array([-0.7, 1.9]), symmetric=True)
    (-2.0, 2.0)
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    if symmetric:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - (abs(low) or 1.0) * 0.1, high + (abs(high) or 1.0) * 0.1
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * f for f in (1, 2, 5, 10) if power * f >= rough)
    return float(np.floor(low / step + 1e-9) * step), float(np.ceil(high / step - 1e-9) * step)
