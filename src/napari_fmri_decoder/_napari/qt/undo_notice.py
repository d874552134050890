"""What was dropped with a deleted or replaced layer, with Undo, at the top of each dock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from napari.utils.notifications import Notification, NotificationSeverity, notification_manager
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard, unfold_soon
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder._napari.viewer.state import Step


class _Dropped(Notification):  # type: ignore[misc]  # napari has no types
    """A notification without the name of its source, which napari would write next to a button."""

    @property
    def source(self) -> None:
        return None


class DropNotifier:
    """Notifies once about each step that dropped something, with a button for Undo.

    Get it by ``session.part(DropNotifier)``.
    """

    def __init__(self, session: Session) -> None:
        self._session_ref = ref(session)
        session.in_use.dropped.connect(self.notify)

    def notify(self, step: Step) -> None:
        """Show the notification of a step."""
        if step.dropped is not None:
            actions = (("Undo", partial(self._undo, step)),)
            notification_manager.dispatch(
                _Dropped(step.dropped.message, NotificationSeverity.WARNING, actions=actions)
            )
            unfold_soon(step.dropped.message)

    def _undo(self, step: Step, _: object = None) -> None:
        """Undo a step, with the steps after it."""
        session = self._session_ref()
        while session is not None and step in session.steps:
            with guard(), all_or_nothing(session):
                session.undo()
                continue
            return


class UndoNotice(QWidget):
    """Shown as long as the last step dropped something, unless the user has closed it.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    message : Message
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._closed: Step | None = None
        self.message = Message("dropped")
        self.undo_button = _button("undo_dropped", "Undo", "Bring back the layers, and what was dropped.")
        self.close_button = _button("close_dropped", "OK", "Close this message.")
        self.undo_button.clicked.connect(self.undo)
        self.close_button.clicked.connect(self._close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.undo_button)
        buttons.addWidget(self.close_button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.message)
        rows.addLayout(buttons)
        self.refresh()

    def refresh(self) -> None:
        """Follow the last step."""
        steps = self._session.steps
        dropped = steps[-1].dropped if steps and steps[-1] is not self._closed else None
        self.message.show_warning("" if dropped is None else dropped.message)
        self.setVisible(dropped is not None)

    @guard()
    def undo(self) -> None:
        """Undo the last step."""
        with all_or_nothing(self._session):
            self._session.undo()

    def _close(self) -> None:
        self._closed = self._session.steps[-1] if self._session.steps else None
        self.refresh()


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setToolTip(f"<p>{tip}</p>")
    return button
