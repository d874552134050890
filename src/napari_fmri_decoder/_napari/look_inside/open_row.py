"""Opening runs and models from the Look inside dock: buttons, progress and Stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.open_model import ModelApplier, choose_model
from napari_fmri_decoder._napari.results.open_run import RunOpener, choose_run

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session

OPEN_RUN = "Open the folder of a finished run: its data, settings and results, as after training."
OPEN_MODEL = (
    "Apply a trained model (model.safetensors in a run folder) to the selected series, or to the one chosen "
    "in Prepare: predictions and activations become layers."
)
STOP = "Stop opening; nothing is changed."
OPENING = "A run or a model is being opened."


class OpenRow(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """The buttons, and while something is opened, its progress and Stop.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    open_run, open_model, stop : PushButton
    status : QWidget
        Progress lines, and what the applied model predicted.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(name="open", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self._session = session
        self.works = session.part(RunOpener), session.part(ModelApplier)
        self.open_run = push_button("open_run_button", "Open run…", OPEN_RUN)
        self.open_model = push_button("open_model_button", "Open model…", OPEN_MODEL)
        self.stop = push_button("stop_opening", "Stop", STOP)
        self.status = QWidget()
        rows = QVBoxLayout(self.status)
        rows.setContentsMargins(0, 0, 0, 0)
        self._progress = [ProgressLine(work.progress) for work in self.works]
        self.predicted = text_label(name="predicted")
        self.predicted.setTextFormat(Qt.TextFormat.PlainText)
        for part in (*self._progress, self.predicted):
            rows.addWidget(part)
        self.open_run.changed.connect(self._choose_run)
        self.open_model.changed.connect(self._choose_model)
        self.stop.changed.connect(self._stop)
        self.extend((self.open_run, self.open_model, self.stop))
        self.refresh()

    def refresh(self) -> None:
        """Show Stop and the progress only while something is opened."""
        busy = [work.job is not None for work in self.works]
        for button in (self.open_run, self.open_model):
            set_available(button, OPENING if any(busy) else None)
        self.stop.visible = any(busy)
        for line, shown in zip(self._progress, busy, strict=True):
            line.setVisible(shown)
        text = self.works[1].message
        self.predicted.setText(text)
        self.predicted.setVisible(bool(text))
        self.status.setVisible(any(busy) or bool(text))

    @guard()
    def _choose_run(self) -> None:
        choose_run(self._session.viewer)

    @guard()
    def _choose_model(self) -> None:
        choose_model(self._session.viewer)

    def _stop(self) -> None:
        for work in self.works:
            work.stop()
