"""Samples as points: PCA, t-SNE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, Signal

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.plots.base import Plot, css
from napari_fmri_decoder.evaluation.palette import N_DISTINCT, RGBA, class_colors
from napari_fmri_decoder.volumes.files import natural_key

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

SIZE = 7
"""Diameter of a point, pixels."""
MARKERS = {"o": "●", "s": "■", "t1": "▲", "d": "◆", "t": "▼", "+": "✚", "x": "✖", "t3": "◀", "t2": "▶"}
"""Markers of points and their signs in the legend; every eight values have the next one."""


class ScatterPlot(Plot):
    """Points colored by label, run, or another column.

    Attributes
    ----------
    color_by : ListChoice
        Column that sets the colors.
    clicked : Signal(int)
        Position of the sample that was clicked.
    """

    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None, x_label: str = "", y_label: str = "") -> None:
        super().__init__(parent, height=280)
        self.view.zoomable = True
        self.add_pane(x_label, y_label).setMouseEnabled(True, True)
        self.add_legend()
        self._points: NDArray[np.float64] = np.empty((0, 2))
        self._groups = pd.DataFrame()
        self._colors: dict[str, RGBA] = {}
        self._item = pg.ScatterPlotItem(pxMode=True)
        self.panes[0].addItem(self._item)
        self.color_by = ListChoice("color_by", "Colors by", "Column that sets the colors.", letters=0)
        self.color_by.changed.connect(self.draw)
        self.bar.insertWidget(1, self.color_by.native)
        self.set_ink(self.ink)

    def set_data(
        self,
        points: NDArray[np.floating],
        groups: Mapping[str, Sequence[str]] | pd.DataFrame,
        colors: Mapping[str, RGBA] | None = None,
        axes: tuple[str, str] | None = None,
    ) -> None:
        """Show points.

        Parameters
        ----------
        points : (n, 2) array
        groups : mapping of str to (n,) sequence of str, or DataFrame of n rows
            Columns such as "label", "run" and "volume". All are shown under the mouse; those with at
            most 100 values can set the colors.
        colors : mapping of str to RGBA, optional
            Colors of the values of the first column; the class palette by default.
        axes : (str, str), optional
            New labels of the axes, such as "PC 1 (12 %)".
        """
        self._points = np.asarray(points, dtype=float)
        self._groups = pd.DataFrame(groups).astype(str).reset_index(drop=True)
        self._colors = dict(colors or {})
        if axes is not None:
            for side, name in zip(("bottom", "left"), axes, strict=True):
                self.panes[0].getAxis(side).setLabel(name)
        self.color_by.relist([str(c) for c in self._groups if self._groups[c].nunique() <= 100])
        self.draw()
        self.reset_range()

    def draw(self) -> None:
        """Draw all points."""
        by = self.color_by.value
        if by not in self._groups:
            self._item.clear()
            return
        values = self._groups[by]
        known = colors = class_colors(sorted(values.unique(), key=natural_key))
        if by == self._groups.columns[0]:
            known = {**self._colors, **{k: v for k, v in colors.items() if k not in self._colors}}
            colors = {name: known[name] for name in colors}
        brushes = {name: pg.mkBrush(css(color)) for name, color in colors.items()}
        shapes = {name: list(MARKERS)[i // N_DISTINCT % len(MARKERS)] for i, name in enumerate(known)}
        edge = pg.mkPen("#00000080" if self.dark else "#ffffff80", width=0.5)
        self._item.setData(
            pos=self._points,
            size=SIZE,
            pen=edge,
            brush=[brushes[v] for v in values],
            symbol=[shapes[v] for v in values],
            data=np.arange(len(values)),
        )
        signs = {name: MARKERS[shapes[name]] for name in colors}
        self.legend.show_names({name: css(color) for name, color in colors.items()}, self.ink, signs)

    def reset_range(self) -> None:
        """Show all points."""
        if len(self._points):
            (left, low), (right, high) = np.nanmin(self._points, axis=0), np.nanmax(self._points, axis=0)
            self.panes[0].setRange(xRange=(left, right), yRange=(low, high), padding=0.05)

    def table(self) -> pd.DataFrame:
        """One row per sample: its columns, `x` and `y`."""
        return self._groups.assign(x=self._points[:, 0], y=self._points[:, 1])

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the sample under the mouse."""
        index = self._index(x, y)
        if index is None:
            return ""
        return ", ".join(f"{name} {value}" for name, value in self._groups.iloc[index].items() if value)

    def click(self, x: float, y: float, pane: int) -> None:
        """Send the position of the sample."""
        index = self._index(x, y)
        if index is not None:
            self.clicked.emit(index)

    def _index(self, x: float, y: float) -> int | None:
        found = self._item.pointsAt(QPointF(x, y)) if len(self._points) else []
        return int(found[0].data()) if len(found) else None
