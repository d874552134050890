"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFont, QFontMetrics

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.plots.base import Plot

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

MAX_TEXTS = 12
"""With more classes, the cells are too small for their values."""

MIN_ROW_HEIGHT = 11
"""Pixels of a row, with many classes."""

HEIGHT = 320
"""Pixels of the plot, with few classes."""


class _NameAxis(pg.AxisItem):  # type: ignore[misc]
    """A bottom axis with vertical names, so that all of them fit."""

    def set_names(self, names: Sequence[str], font: QFont) -> None:
        metrics = QFontMetrics(font)
        longest = max((metrics.horizontalAdvance(name) for name in names), default=0)
        # room at the ends as for horizontal names, else pyqtgraph drops the outer ones
        self.setStyle(tickFont=font, tickLength=0, tickTextOffset=5, hideOverlappingLabels=longest)
        self.setTicks([list(enumerate(names))])
        self.setHeight(longest + 2 * metrics.height() + 12)

    def drawPicture(self, p: Any, axisSpec: Any, tickSpecs: Any, textSpecs: Any) -> None:
        super().drawPicture(p, axisSpec, tickSpecs, [])
        p.setPen(self.textPen())
        height = QFontMetrics(p.font()).height()
        for rect, _, text in textSpecs:
            p.save()
            p.translate(rect.center().x(), rect.top())
            p.rotate(-90)
            p.drawText(-500, -height // 2, 500, height, int(Qt.AlignmentFlag.AlignRight), text)
            p.restore()


class MatrixPlot(Plot):
    """Confusion matrix: rows are true classes, columns predicted ones; counts, or fractions of each row.

    Attributes
    ----------
    part : ListChoice
        The set of samples that is counted, if there are several.
    rows : CheckBox
        Whether the rows are normalized.
    cellClicked : Signal(str, str)
        True and predicted class of the cell that was clicked.
    """

    cellClicked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=HEIGHT)
        self._matrices: dict[str, NDArray[np.int64]] = {}
        self._classes: tuple[str, ...] = ()
        self._names = _NameAxis("bottom")
        pane = self.add_pane("predicted", "true", {"bottom": self._names})
        pane.invertY(True)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setColorMap(pg.colormap.get("cividis"))
        pane.addItem(self._image)
        self._texts: list[Any] = []
        tip = "Count the predictions of the test set or of the training set."
        self.part = ListChoice("part", "Samples", tip, letters=0)
        self.part.changed.connect(self.draw)
        tip = "Show fractions that sum to 1 in each row, instead of counts."
        self.rows = check_box("rows", "Normalize", tip)
        self.rows.changed.connect(self.draw)
        self.bar.insertWidget(1, self.rows.native)
        self.bar.insertWidget(2, self.part.native)
        self.part.hide()
        self.set_ink(self.ink)

    def set_data(self, matrices: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> None:
        """Show counts.

        Parameters
        ----------
        matrices : mapping of str to (classes, classes) int array
            By the samples they count ("test", "training"), true classes along the first axis.
            If there are several, a box selects one.
        classes : sequence of str
        """
        self._matrices = {name: np.asarray(matrix) for name, matrix in matrices.items()}
        self._classes = tuple(classes)
        self.part.relist(list(self._matrices))
        self.part.visible = len(self._matrices) > 1
        self.draw()

    @property
    def shown(self) -> NDArray[np.float64]:
        """(classes, classes) values that are shown: counts, or fractions of their row."""
        counts = self._matrices.get(self.part.value)
        if counts is None:
            return np.zeros((0, 0))
        if not self.rows.value:
            return counts.astype(float)
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))

    def draw(self) -> None:
        """Draw the matrix."""
        values, n = self.shown, len(self._classes)
        pane = self.panes[0]
        for text in self._texts:
            pane.removeItem(text)
        self._texts.clear()
        font = QFont(self.font())
        if n > MAX_TEXTS:
            font.setPixelSize(MIN_ROW_HEIGHT - 1)
        self._names.set_names(self._classes, font)
        pane.getAxis("left").setStyle(tickFont=font, tickLength=0)
        pane.getAxis("left").setTicks([list(enumerate(self._classes))])
        self.legend.set_plain_height(max(HEIGHT, n * MIN_ROW_HEIGHT + int(self._names.height()) + 10))
        self._image.setVisible(values.size > 0)
        if not values.size:
            return
        top = 1.0 if self.rows.value else max(values.max(), 1.0)
        self._image.setImage(values, levels=(0, top))
        self._image.setRect(-0.5, -0.5, n, n)
        pane.setRange(xRange=(-0.5, n - 0.5), yRange=(-0.5, n - 0.5), padding=0)
        if n <= MAX_TEXTS:
            for (row, column), value in np.ndenumerate(values):
                color = "#000000" if value > 0.5 * top else "#ffffff"
                text = pg.TextItem(self._number(value), color=color, anchor=(0.5, 0.5))
                text.setPos(column, row)
                pane.addItem(text, ignoreBounds=True)
                self._texts.append(text)

    def table(self) -> pd.DataFrame:
        """The matrix as shown, a column `true` and one for each predicted class."""
        frame = pd.DataFrame(self.shown, columns=list(self._classes))
        if not self.rows.value:
            frame = frame.astype(int)
        frame.insert(0, "true", list(self._classes), allow_duplicates=True)
        return frame

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the cell under the mouse."""
        cell = self._cell(x, y)
        if cell is None:
            return ""
        row, column = cell
        counts = self._matrices[self.part.value]
        return (
            f"{self._classes[row]} predicted as {self._classes[column]}: "
            f"{counts[row, column]} of {counts[row].sum()}"
            f" ({counts[row, column] / max(counts[row].sum(), 1):.0%})"
        )

    def click(self, x: float, y: float, pane: int) -> None:
        """Send true and predicted class of the cell."""
        cell = self._cell(x, y)
        if cell is not None:
            self.cellClicked.emit(self._classes[cell[0]], self._classes[cell[1]])

    def _cell(self, x: float, y: float) -> tuple[int, int] | None:
        row, column = round(y), round(x)
        n = len(self.shown)
        return (row, column) if 0 <= row < n and 0 <= column < n else None

    def _number(self, value: float) -> str:
        return f"{value:.2f}".removeprefix("0") if self.rows.value else f"{value:.0f}"
