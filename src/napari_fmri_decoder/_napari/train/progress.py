"""Progress of a run: its curves so far, and its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.plots.curves import CurvesPlot
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.train.run_history import RunHistory

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_fmri_decoder._napari.qt.progress import ProgressLine


class RunView(QWidget):
    """Shows the events of a run.

    Parameters
    ----------
    line : ProgressLine
        Not part of this widget; it is always visible at the bottom of the dock.
    history : RunHistory, optional
        Of the run; a new one by default.

    Attributes
    ----------
    history : RunHistory
    notes : QLabel
    """

    def __init__(self, line: ProgressLine, history: RunHistory | None = None) -> None:
        super().__init__()
        self.line = line
        self.history = RunHistory(line.progress) if history is None else history
        self._curves: CurvesPlot | None = None
        self.notes = text_label(name="run_notes")
        self.notes.hide()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self.notes)
        line.beat.connect(self.show_notes)
        self.show_notes()

    @property
    def curves(self) -> CurvesPlot:
        """The curves; the plot is made when it is first shown."""
        if self._curves is None:
            self._curves = CurvesPlot(data=self.history.curves)
            self._curves.setObjectName("curves")
            self._curves.follow(self.line.beat)
            self._rows.insertWidget(0, self._curves)
            self._curves.draw()
        return self._curves

    def showEvent(self, event: QShowEvent | None) -> None:
        """Make the plot."""
        self.curves.show()
        super().showEvent(event)

    def start(self) -> None:
        """Clear everything for a new run."""
        self.history.start()
        self.draw()

    def draw(self) -> None:
        """Show the state of the run."""
        if self._curves is not None:
            self._curves.draw()
        self.show_notes()

    def on_event(self, event: Any) -> None:
        """Follow an event of `pipeline.run`."""
        self.history.on_event(event)
        self.show_notes()

    def show_notes(self) -> None:
        """Show the notes so far."""
        text = "\n".join(self.history.notes)
        if text != self.notes.text():
            self.notes.setText(text)
            self.notes.setVisible(bool(text))
