"""Loss and accuracy during training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel

from napari_fmri_decoder._napari.plots.base import Plot
from napari_fmri_decoder._napari.plots.curve_data import CurveData, FoldCurves
from napari_fmri_decoder._napari.plots.graphics_view import DASHES, DOTS
from napari_fmri_decoder.evaluation.palette import PALETTE

if TYPE_CHECKING:
    import pandas as pd
    from qtpy.QtCore import SignalInstance
    from qtpy.QtGui import QHideEvent, QShowEvent
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder.training.events import FoldResult, Quality

REDRAW_MS = 200
"""Milliseconds between redraws; each one recomposes napari's whole window."""

SERIES = {"loss": 0, "val_loss": 0, "accuracy": 1, "val_accuracy": 1}
"""Each curve and its pane."""

COLORS = {"loss": PALETTE[1], "accuracy": PALETTE[1], "val_loss": PALETTE[0], "val_accuracy": PALETTE[0]}


class CurvesPlot(Plot):
    """Loss above and accuracy below, of the training and the test (or validation) samples.

    Finished folds are drawn thin, the mean of at least two of them is dashed, and chance is dotted. A fold
    that stopped early (patience) counts in the mean up to its last epoch; see `mean_curves`.

    The ranges are fixed: epochs from 0 to the last, accuracy from 0 to 1, loss from 0 to somewhat above
    the largest so far. New points are drawn by a timer that runs only while the plot is visible, or by
    another signal; see `follow`.

    Attributes
    ----------
    data : CurveData
        The curves; may be shared with other plots.
    current, means : dict of PlotDataItem
        Curves of the current fold, and means of the finished folds, by the names in `SERIES`.
    timer : QTimer or None
        Redraws; None if the plot follows another signal.
    """

    def __init__(self, parent: QWidget | None = None, data: CurveData | None = None) -> None:
        super().__init__(parent, height=260)
        self.data = CurveData() if data is None else data
        self._drawn = -1  # version of the data
        loss, accuracy = self.add_pane("", "loss"), self.add_pane("epoch", "accuracy")
        self.add_legend()
        self.hint.setWordWrap(True)
        self.hint.setFixedHeight(2 * self.hint.fontMetrics().lineSpacing())
        loss.getAxis("bottom").setStyle(showValues=False)
        accuracy.setXLink(loss)
        loss.setXRange(0, 1, padding=0.02)
        loss.setYRange(0, self.data.top, padding=0)
        accuracy.setYRange(0, 1, padding=0.03)
        for pane in (loss, accuracy):
            pane.getAxis("left").setWidth(46)
        self.why = QLabel()
        self.why.setObjectName("no_curves")
        self.why.setWordWrap(True)
        self.why.hide()
        self.column.insertWidget(0, self.why)
        self._finished = {name: self.panes[row].plot(connect="finite") for name, row in SERIES.items()}
        self.means = {name: self.panes[row].plot(connect="finite") for name, row in SERIES.items()}
        self.current = {name: self.panes[row].plot(connect="finite") for name, row in SERIES.items()}
        self._line = pg.InfiniteLine(angle=0)
        accuracy.addItem(self._line)
        self.timer: QTimer | None = QTimer(self)
        self.timer.setInterval(REDRAW_MS)
        self.timer.timeout.connect(self.draw_new)
        self.set_ink(self.ink)

    def clear(self) -> None:
        """Remove all curves."""
        self.data.clear()
        self.draw()

    def set_why(self, why: str) -> None:
        """Say why there are no curves, in their place; "" if there will be some."""
        self.data.set_why(why)
        self.draw()

    def set_chance(self, chance: float | None) -> None:
        """Draw a line at the chance accuracy, or none."""
        self.data.set_chance(chance)
        self.draw()

    def start_fold(self, name: str, epochs: int, *, validation: bool = False) -> None:
        """Start the curves of a fold; earlier ones become thin.

        Parameters
        ----------
        name : str
            Such as "run 3".
        epochs : int
            Last epoch of the axis.
        validation : bool
            Whether the second curve is that of a validation set, not of the test set.
        """
        self.data.start_fold(name, epochs, validation=validation)

    def add(self, epoch: int, train: Quality, test: Quality | None = None) -> None:
        """Add loss and accuracy after an epoch; epoch 0 is the untrained network."""
        self.data.add(epoch, train, test)

    def end_fold(self) -> None:
        """Finish the current fold: it now counts in the mean."""
        self.data.end_fold()

    def add_fold(self, result: FoldResult) -> None:
        """Add all curves of a finished fold."""
        self.data.add_fold(result)

    def mean(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(epochs, 5) mean of the finished folds, columns as in a fold; empty for fewer than two."""
        return self.data.mean()

    def draw(self) -> None:
        """Draw all curves, or show why there are none."""
        data = self.data
        self._drawn = data.version
        if self.why.text() != data.why:
            self.why.setText(data.why)
        none = bool(data.why) and not any(len(fold.rows) > 1 for fold in data.folds)
        self.why.setVisible(none)
        for part in (self.view, self.hint, self.saving):
            part.setVisible(not none)
        finished, current, mean = _points(data.folds[:-1]), _points(data.folds[-1:]), self.mean()
        for i, name in enumerate(SERIES, start=1):
            color = pg.mkColor(COLORS[name])
            faint = pg.mkColor(color)
            faint.setAlphaF(0.4)
            self._finished[name].setData(finished[:, 0], finished[:, i])
            self._finished[name].setPen(pg.mkPen(faint, width=1))
            self.means[name].setData(mean[:, 0], mean[:, i])
            self.means[name].setPen(pg.mkPen(color, width=1, style=Qt.PenStyle.DashLine))
            self.current[name].setData(current[:, 0], current[:, i])
            self.current[name].setPen(pg.mkPen(color, width=2))
        self._line.setVisible(data.chance is not None)
        self._line.setValue(data.chance or 0.0)
        self._line.setPen(pg.mkPen(self.ink, style=Qt.PenStyle.DotLine))
        epochs = max((fold.epochs for fold in data.folds), default=1)
        self.panes[0].setXRange(0, max(epochs, 1), padding=0.02)
        self.panes[0].setYRange(0, data.top, padding=0)
        watched = data.folds[-1].watched if data.folds else "test"
        names = {"training set": PALETTE[1], f"{watched} set": PALETTE[0]}
        mean_name = f"mean of {sum(fold.done for fold in data.folds)} folds"
        if len(mean):
            names[mean_name] = self.ink
        if data.chance is not None:
            names["chance"] = self.ink
        self.legend.show_names(names, self.ink, {mean_name: DASHES, "chance": DOTS})
        if data.folds and data.folds[-1].rows:
            self.say(_sentence(data.folds[-1]))

    def table(self) -> pd.DataFrame:
        """One row per fold and epoch: fold, epoch, loss, accuracy, val_loss, val_accuracy."""
        return self.data.table()

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the current fold at the epoch under the mouse."""
        rows = self.data.folds[-1].rows if self.data.folds else []
        if not rows:
            return ""
        near = min(rows, key=lambda row: abs(row[0] - x))
        return _sentence(replace(self.data.folds[-1], rows=[near]))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what changed while hidden, and start the timer."""
        super().showEvent(event)
        self.draw()
        if self.timer is not None:
            self.timer.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop the timer; a dock that is closed gets this event and no closeEvent."""
        super().hideEvent(event)
        if self.timer is not None:
            self.timer.stop()

    def follow(self, signal: SignalInstance) -> None:
        """Draw at another signal instead of a timer."""
        if self.timer is not None:
            self.timer.stop()
        self.timer = None
        signal.connect(self.draw_new)

    def draw_new(self) -> None:
        """Draw if something has changed and the plot is visible."""
        if self._drawn != self.data.version and self.isVisible():
            self.draw()


def _points(folds: list[FoldCurves]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(points, 5) curves of several folds, a row of NaN after each."""
    parts = [[*fold.rows, (np.nan,) * 5] for fold in folds if fold.rows]
    return np.array([row for part in parts for row in part], dtype=float).reshape(-1, 5)


def _sentence(fold: FoldCurves) -> str:
    epoch, loss, test_loss, accuracy, test_accuracy = fold.rows[-1]
    name = f"{fold.name}, " if fold.name else ""
    start = f"{name}epoch {epoch:.0f}/{fold.epochs}: training {accuracy:.2f}"
    if np.isnan(test_loss):
        return f"{start}; loss {loss:.3g}"
    return f"{start}, {fold.watched} {test_accuracy:.2f}; loss {loss:.3g}, {test_loss:.3g}"
