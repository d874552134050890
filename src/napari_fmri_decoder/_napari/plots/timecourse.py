"""The time course of one voxel, with the conditions and runs of its series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt, QTimer, Signal

from napari_fmri_decoder._napari.plots.base import Plot, css
from napari_fmri_decoder._napari.plots.curves import REDRAW_MS
from napari_fmri_decoder._napari.plots.spans import starts
from napari_fmri_decoder.evaluation.palette import PALETTE, RGBA

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent
    from qtpy.QtWidgets import QWidget

SHADE = 0.4
"""Opacity of the conditions behind the curve."""
MAX_SYMBOLS = 60
"""Up to this many volumes, each value is marked with a dot."""


@dataclass(frozen=True, slots=True)
class VolumeAnnotations:
    """Time, name, label and run of each volume of a series.

    Attributes
    ----------
    n : int
        Number of volumes.
    step : float or None
        Seconds between volumes; None for a stack of maps.
    names : tuple of str
        Names of the maps, or empty.
    labels, runs : tuple of str
        One per volume, or empty.
    colors : mapping of str to RGBA
        Colors of the labels.
    """

    n: int
    step: float | None = None
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    colors: Mapping[str, RGBA] | None = None

    def describe(self, volume: int) -> str:
        """Describe a volume: "volume 12 (30 s), house, run 2"."""
        parts = [f"volume {volume}" + (f" ({volume * self.step:g} s)" if self.step else "")]
        parts += [known[volume] for known in (self.names, self.labels) if known and known[volume]]
        parts += [f"run {self.runs[volume]}"] if self.runs and self.runs[volume] else []
        return ", ".join(parts)


class TimecoursePlot(Plot):
    """A curve over shaded conditions, with dashed borders of runs and a line at the current volume.

    The range of the values is rounded outward, so that moving over similar voxels redraws the curve and
    not the axes. It is drawn at most five times a second.

    Attributes
    ----------
    clicked : Signal(int)
        The volume that was clicked.
    shade : ImageItem
        The conditions.
    borders : PlotCurveItem
        Between runs.
    line : InfiniteLine
        The current volume.
    """

    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=210)
        self.view.zoomable = True
        pane = self.add_pane("", "")
        pane.setMouseEnabled(True, False)
        pane.getAxis("left").setWidth(58)
        self.add_legend()
        self._annotations = VolumeAnnotations(0)
        self._y: NDArray[np.float64] = np.empty(0)
        self._symmetric = False
        self._current: int | None = None
        self._span: tuple[int, int] | None = None
        self._range = (0.0, 1.0)
        self.shade = pg.ImageItem(axisOrder="row-major")
        self.shade.setZValue(-10)
        self.borders = pg.PlotCurveItem(connect="pairs")
        self._curve = pg.PlotDataItem(connect="finite", symbolPen=None)
        self.line = pg.InfiniteLine(angle=90)
        for item in (self.shade, self.borders, self._curve, self.line):
            pane.addItem(item, ignoreBounds=True)
        self._pause = QTimer(self)
        self._pause.setInterval(REDRAW_MS)
        self._pause.timeout.connect(self._tick)
        self._dirty = False
        self.set_ink(self.ink)

    def set_annotations(self, annotations: VolumeAnnotations) -> None:
        """Switch to another series, without values yet."""
        self._annotations, self._y, self._span = annotations, np.empty(0), None
        self.draw()

    def set_span(self, span: tuple[int, int] | None) -> None:
        """Show only the volumes from `start` up to `stop`, or all of them (None)."""
        if span != self._span:
            self._span = span
            self.reset_range()
            self._draw_soon()

    def reset_range(self) -> None:
        """Show the current span."""
        start, stop = self._span or (0, max(self._annotations.n, 1))
        self.panes[0].setXRange((start - 0.5) * self._seconds, (stop - 0.5) * self._seconds, padding=0)

    def set_values(self, values: ArrayLike, unit: str, *, symmetric: bool = False) -> None:
        """Show the values of a voxel.

        Parameters
        ----------
        values : (n,) array-like
            NaN leaves a gap.
        unit : str
            Label of the axis.
        symmetric : bool
            Whether the axis is symmetric about 0, as for percent and z.
        """
        self._y, self._symmetric = np.asarray(values, dtype=float), symmetric
        if self.panes[0].getAxis("left").labelText != unit:
            self.panes[0].setLabel("left", unit, color=self.ink)
        self._draw_soon()

    def set_current(self, volume: int | None) -> None:
        """Mark the current volume of the viewer, or none."""
        if volume != self._current:
            self._current = volume
            self._draw_soon()

    def draw(self) -> None:
        """Draw everything, including axes and conditions."""
        pane, annotations = self.panes[0], self._annotations
        pane.setLabel("bottom", "time (s)" if annotations.step else "volume", color=self.ink)
        self.reset_range()
        colors = {
            name: color
            for name, color in (annotations.colors or {}).items()
            if name in set(annotations.labels)
        }
        self.shade.setVisible(bool(colors))
        if colors:
            table = {name: (*color[:3], SHADE * color[3]) for name, color in colors.items()}
            rgba = np.array([table.get(label, (0.0, 0.0, 0.0, 0.0)) for label in annotations.labels])
            self.shade.setImage((255 * rgba).round().astype(np.uint8)[None], levels=(0, 255))
        self.line.setPen(pg.mkPen(self.ink, width=1.5))
        self.borders.setPen(pg.mkPen(self.ink, style=Qt.PenStyle.DashLine))
        self.legend.show_names({name: css(color) for name, color in colors.items()}, self.ink)
        self._range = (np.nan, np.nan)
        self._draw_values()

    def table(self) -> pd.DataFrame:
        """One row per volume: number, time, name, label and run (where known), and value."""
        annotations = self._annotations
        columns: dict[str, Any] = {"volume": np.arange(annotations.n)}
        if annotations.step:
            columns["time_s"] = np.arange(annotations.n) * annotations.step
        known = {"name": annotations.names, "label": annotations.labels, "run": annotations.runs}
        columns |= {name: values for name, values in known.items() if values}
        values = self._y if len(self._y) == annotations.n else np.full(annotations.n, np.nan)
        return pd.DataFrame({**columns, "value": values})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the volume under the mouse and its value."""
        volume = self._nearest(x)
        if volume is None:
            return ""
        value = f": {self._y[volume]:.4g}" if len(self._y) == self._annotations.n else ""
        return self._annotations.describe(volume) + value

    def click(self, x: float, y: float, pane: int) -> None:
        """Send the volume."""
        volume = self._nearest(x)
        if volume is not None:
            self.clicked.emit(volume)

    @property
    def _seconds(self) -> float:
        return self._annotations.step or 1.0

    def _nearest(self, x: float) -> int | None:
        volume = round(x / self._seconds)
        return volume if 0 <= volume < self._annotations.n else None

    def _draw_soon(self) -> None:
        """Draw at once, or after a pause if something was just drawn."""
        self._dirty = True
        if not self._pause.isActive():
            self._tick()
            self._pause.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop the timer; a dock that is closed gets this event and no closeEvent."""
        super().hideEvent(event)
        self._pause.stop()

    def _tick(self) -> None:
        """Draw changes; stop the timer when there are none."""
        if self._dirty:
            self._draw_values()
        else:
            self._pause.stop()

    def _draw_values(self) -> None:
        """Draw the curve, the line, and everything that depends on the range of the values."""
        self._dirty = False
        annotations, step = self._annotations, self._seconds
        current = self._current
        self.line.setVisible(current is not None and 0 <= current < annotations.n)
        self.line.setValue((current or 0) * step)
        # pyqtgraph warns about a curve of NaN only.
        shown = self._y if len(self._y) == annotations.n and np.isfinite(self._y).any() else np.empty(0)
        color = PALETTE[1] if not annotations.colors else self.ink
        dots = (
            {"symbol": "o", "symbolSize": 4, "symbolBrush": color}
            if annotations.n <= MAX_SYMBOLS
            else {"symbol": None}
        )
        self._curve.setData(np.arange(len(shown)) * step, shown, pen=pg.mkPen(color, width=1.5), **dots)
        range_ = nice_range(shown[slice(*(self._span or (None,)))], symmetric=self._symmetric)
        if range_ != self._range:
            self._range = range_
            low, high = range_
            self.panes[0].setYRange(low, high, padding=0)
            self.shade.setRect(-step / 2, low, max(annotations.n, 1) * step, high - low)
            borders = np.repeat([(i - 0.5) * step for i in starts(annotations.runs)[1:]], 2)
            self.borders.setData(borders, np.tile([low, high], len(borders) // 2))


def nice_range(values: NDArray[np.float64], *, symmetric: bool = False) -> tuple[float, float]:
    """Return an axis range that holds all finite values, rounded outward to steps of about a fifth.

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
