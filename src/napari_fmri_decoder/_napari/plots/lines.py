"""Histograms and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import Qt

from napari_fmri_decoder._napari.plots.base import Plot, css
from napari_fmri_decoder._napari.plots.graphics_view import DASHES, DASHES_DOTS, DOTS
from napari_fmri_decoder.evaluation.histograms import bin_edges
from napari_fmri_decoder.evaluation.palette import N_DISTINCT, RGBA, class_colors

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

MAX_FILLED = 3
"""More histograms than this are drawn as outlines, so that none hides another."""

STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
SIGNS = ("■", DASHES, DOTS, DASHES_DOTS)
"""Styles of curves and their signs in the legend; every eight curves have the next one."""


class HistogramPlot(Plot):
    """Histograms of several sets of values over the same bins, with lines that mark values.

    Attributes
    ----------
    marks : dict of float
        Vertical lines, by name.
    """

    def __init__(self, parent: QWidget | None = None, x_label: str = "", y_label: str = "count") -> None:
        super().__init__(parent)
        self.add_pane(x_label, y_label)
        self.add_legend()
        self._edges: NDArray[np.float64] = np.array([0.0, 1.0])
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._colors: dict[str, str] = {}
        self.marks: dict[str, float] = {}
        self.set_ink(self.ink)

    def set_data(
        self,
        series: Mapping[str, ArrayLike],
        colors: Mapping[str, RGBA | str] | None = None,
        bins: int = 50,
        value_range: tuple[float, float] | None = None,
        marks: Mapping[str, float] | None = None,
    ) -> None:
        """Count and show values.

        Parameters
        ----------
        series : mapping of str to array-like
            Values by name; values that are not finite are ignored.
        colors : mapping, optional
            Color of each series; the class palette by default.
        bins : int
        value_range : (low, high), optional
            All finite values by default.
        marks : mapping of str to float, optional
            Vertical lines with their names.
        """
        values = {name: np.asarray(data, dtype=float).ravel() for name, data in series.items()}
        values = {name: data[np.isfinite(data)] for name, data in values.items()}
        pooled = np.concatenate([*values.values(), np.empty(0)])
        if value_range is None and not pooled.size:
            value_range = (0.0, 1.0)
        self._edges = bin_edges(pooled, bins, value_range)
        self._counts = {name: np.histogram(data, self._edges)[0] for name, data in values.items()}
        known = {**class_colors(list(values)), **(colors or {})}
        self._colors = {name: css(known[name]) for name in values}
        self.set_marks(marks or {})

    def set_marks(self, marks: Mapping[str, float]) -> None:
        """Set only the vertical lines."""
        self.marks = dict(marks)
        self.draw()

    def draw(self) -> None:
        """Draw all histograms."""
        pane = self.panes[0]
        pane.clear()
        for name, counts in self._counts.items():
            fill = pg.mkColor(self._colors[name])
            fill.setAlphaF(0.35)
            filled = {"fillLevel": 0, "brush": fill} if len(self._counts) <= MAX_FILLED else {}
            pen = pg.mkPen(self._colors[name], width=1.5, style=STYLES[_style(self._counts, name)])
            pane.plot(self._edges, counts, stepMode="center", pen=pen, **filled)
        _mark(pane, self.marks, self.ink)
        top = max((int(counts.max(initial=0)) for counts in self._counts.values()), default=0)
        limits = [self._edges[0], self._edges[-1], *self.marks.values()]
        pane.setXRange(min(limits), max(limits), padding=0.02)
        pane.setYRange(0, max(top, 1) * 1.05, padding=0)
        shown = self._colors if len(self._colors) > 1 else {}
        self.legend.show_names(shown, self.ink, {name: SIGNS[_style(shown, name)] for name in shown})

    def table(self) -> pd.DataFrame:
        """One row per bin: `start`, `stop` and the counts of each series."""
        ends = {"start": self._edges[:-1], "stop": self._edges[1:]}
        return pd.DataFrame({**ends, **self._counts})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the bin under the mouse."""
        i = int(np.searchsorted(self._edges, x, side="right")) - 1
        if not self._counts or not 0 <= i < len(self._edges) - 1:
            return ""
        counts = ", ".join(f"{name} {counts[i]}" for name, counts in self._counts.items())
        return f"{self._edges[i]:.3g} to {self._edges[i + 1]:.3g}: {counts}"


class LinePlot(Plot):
    """Curves over one axis, such as the cumulative explained variance of components.

    Attributes
    ----------
    marks, levels : dict of float
        Vertical and horizontal lines, by name.
    """

    def __init__(self, parent: QWidget | None = None, x_label: str = "", y_label: str = "") -> None:
        super().__init__(parent)
        self.add_pane(x_label, y_label)
        self.add_legend()
        self._x: NDArray[np.float64] = np.empty(0)
        self._curves: dict[str, NDArray[np.float64]] = {}
        self.marks: dict[str, float] = {}
        self.levels: dict[str, float] = {}
        self._y_range: tuple[float, float] | None = None
        self._names: tuple[str, ...] = ()
        self._colors: dict[str, str] = {}
        self.set_ink(self.ink)

    def set_data(
        self,
        curves: Mapping[str, ArrayLike],
        x: Sequence[float] | NDArray[Any] | None = None,
        y_range: tuple[float, float] | None = None,
        marks: Mapping[str, float] | None = None,
        names: Sequence[str] | None = None,
        levels: Mapping[str, float] | None = None,
    ) -> None:
        """Show curves.

        Parameters
        ----------
        curves : mapping of str to (n,) array-like
        x : (n,) array-like, optional
            1, 2, ... by default.
        y_range : (low, high), optional
            All values by default; (0, 1) for fractions.
        marks : mapping of str to float, optional
            Vertical lines with their names.
        names : (n,) sequence of str, optional
            Tick labels in place of numbers; those that overlap are not drawn.
        levels : mapping of str to float, optional
            Horizontal lines with their names, for values that are the same everywhere.
        """
        self._curves = {name: np.asarray(data, dtype=float) for name, data in curves.items()}
        length = max((len(data) for data in self._curves.values()), default=0)
        self._x = np.arange(1.0, length + 1) if x is None else np.asarray(x, dtype=float)
        self._y_range, self.marks, self.levels = y_range, dict(marks or {}), dict(levels or {})
        self._names = tuple(names or ())
        self._colors = {name: css(color) for name, color in class_colors(list(self._curves)).items()}
        self.draw()

    def draw(self) -> None:
        """Draw all curves."""
        pane = self.panes[0]
        pane.clear()
        for name, y in self._curves.items():
            color = self._colors[name]
            symbols = {"symbol": "o", "symbolSize": 4, "symbolBrush": color, "symbolPen": None}
            pen = pg.mkPen(color, width=2, style=STYLES[_style(self._curves, name)])
            pane.plot(self._x, y, pen=pen, connect="finite", **(symbols if len(y) <= 60 else {}))
        _mark(pane, self.marks, self.ink)
        signs = {name: SIGNS[_style(self._curves, name)] for name in self._curves}
        for i, (name, level) in enumerate(self.levels.items()):
            style = 1 + i % (len(STYLES) - 1)
            signs[name] = SIGNS[style]
            pen = pg.mkPen(self.ink, width=1.5, style=STYLES[style])
            pane.addItem(pg.InfiniteLine(level, angle=0, pen=pen), ignoreBounds=True)
        if self._x.size:
            pane.setXRange(self._x.min(), self._x.max(), padding=0.03)
            everything = np.concatenate(list(self._curves.values()))
            everything = np.concatenate([everything, list(self.levels.values())])
            low, high = self._y_range or (np.nanmin(everything), np.nanmax(everything))
            pane.setYRange(low, high, padding=0.03)
        ticks = [list(zip(self._x.tolist(), self._names, strict=True))] if self._names else None
        pane.getAxis("bottom").setTicks(ticks)
        shown = {**self._colors, **dict.fromkeys(self.levels, self.ink)}
        self.legend.show_names(shown if len(shown) > 1 else {}, self.ink, signs)

    def table(self) -> pd.DataFrame:
        """One row per position: `x` and a column for each curve and each level."""
        return pd.DataFrame({"x": self._names or self._x, **self._curves, **self.levels})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the values at the position nearest to the mouse."""
        if not self._x.size:
            return ""
        i = int(np.abs(self._x - x).argmin())
        here = {name: curve[i] for name, curve in self._curves.items()} | self.levels
        values = ", ".join(f"{name} {value:.3g}" for name, value in here.items())
        return f"{self._names[i] if self._names else format(self._x[i], 'g')}: {values}"


def _style(names: Mapping[str, Any], name: str) -> int:
    """Position in `STYLES` and `SIGNS` of one of several curves."""
    return list(names).index(name) // N_DISTINCT % len(STYLES)


def _mark(pane: Any, marks: Mapping[str, float], ink: str) -> None:
    """Draw named vertical lines."""
    for name, value in marks.items():
        options = {"color": ink, "position": 0.9, "rotateAxis": (1, 0), "anchors": [(1, 0), (1, 1)]}
        pen = pg.mkPen(ink, style=Qt.PenStyle.DashLine)
        pane.addItem(pg.InfiniteLine(value, angle=90, pen=pen, label=name, labelOpts=options))
