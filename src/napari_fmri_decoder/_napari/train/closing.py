"""The question before the Train dock closes while a job is running, asked in the dock itself.

napari's close button removes a dock without a close event, its menu and its eye hide it with one. The
question is no dialog, so it never blocks a script; a window that closes does not ask it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QAbstractButton, QDockWidget, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.sections import native_row

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.session_job import SessionJob

QUESTION = "A job is running. Close this dock?"
CONTINUE = "Close the dock; the job continues. Open Train again to follow or stop it."
STOP = "Stop the job and close the dock. Completed work is kept; Resume continues it."
CANCEL = "Keep the dock open."
KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)
CLOSE_BUTTON = "QTitleBarCloseButton"
"""objectName of napari's close button."""


class CloseQuestion(QWidget):
    """A message with three buttons; hidden until the dock is to be closed during a job.

    Parameters
    ----------
    content : QWidget
        The content of the dock.
    *jobs : SessionJob
        That are asked about.

    Attributes
    ----------
    proceed, stop, cancel : PushButton
    """

    def __init__(self, content: QWidget, *jobs: SessionJob) -> None:
        super().__init__()
        self._jobs, self._content = jobs, content
        self._removes = False
        self._watched: QDockWidget | None = None
        self.setObjectName("close_question")
        self.message = Message("close_question_text")
        self.proceed = push_button("close_continue", "Keep running", CONTINUE)
        self.stop = push_button("close_stop", "Stop it", STOP)
        self.cancel = push_button("close_cancel", "Cancel", CANCEL)
        self.proceed.changed.connect(self._close)
        self.stop.changed.connect(self._stop)
        self.cancel.changed.connect(self._keep)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.message)
        rows.addWidget(native_row(self.proceed.native, self.stop.native, self.cancel.native))
        self.hide()

    def watch(self) -> None:
        """Follow the frame of the dock, and the close button in it; call it whenever the dock is shown."""
        frame = dock_of(self._content)
        if frame is None:
            return
        self._watched = frame
        for part in (frame, *frame.findChildren(QAbstractButton, CLOSE_BUTTON)):
            part.installEventFilter(self)  # once, however often it is installed

    def _running(self) -> list[SessionJob]:
        return [job for job in self._jobs if job.job is not None]

    def refresh(self) -> None:
        """Withdraw the question when no job is running."""
        if not self._running():
            self.hide()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Ask when the dock is to be closed; watch the next title bar when napari replaces it."""
        if event is None or watched is None:
            return False
        kind, is_frame = event.type(), isinstance(watched, QDockWidget)
        if kind == QEvent.Type.ChildAdded and is_frame:
            QTimer.singleShot(0, self.watch)
        if not self._running() or not (_hides(watched, event) if is_frame else _presses(event)):
            return False
        self._removes = not is_frame
        event.ignore()
        self.ask()
        return True

    def ask(self) -> None:
        """Show the question."""
        self.show()
        self.message.show_warning(QUESTION)
        self.cancel.native.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keep(self) -> None:
        self.hide()

    def _stop(self) -> None:
        for job in self._running():
            job.stop()
        self._close()

    def _close(self) -> None:
        self.hide()
        frame = dock_of(self._content)
        if frame is None:
            return
        if self._removes and hasattr(frame, "destroyOnClose"):
            QTimer.singleShot(0, frame.destroyOnClose)  # after the button has finished its click
        else:
            frame.hide()


def _hides(frame: Any, event: QEvent) -> bool:
    """Whether a frame is hidden from a menu or by its button, not with its window."""
    window = frame.parentWidget()
    return event.type() == QEvent.Type.Close and not frame.isFloating() and window.isVisible()


def _presses(event: Any) -> bool:
    """Whether a button is pressed by mouse or keyboard."""
    if event.type() == QEvent.Type.MouseButtonPress:
        return bool(event.button() == Qt.MouseButton.LeftButton)
    return event.type() == QEvent.Type.KeyPress and event.key() in KEYS
