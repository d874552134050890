"""Say what went wrong: one notification, in words, and once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import TracebackType
from typing import Any

from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialog, QPushButton
from superqt import QElidingLabel

from napari_fmri_decoder.errors import InputError

UNFOLD_MS = 300
"""After this napari's notification has slid in."""

USER_ERRORS = (InputError, OSError)
"""What the user can mend: shown as a message only. All else is ours, and comes with its traceback."""


def tell(error: BaseException) -> None:
    """Show one notification for `error`; call on the interface's thread.

    An `InputError` or `OSError` shows its message alone. Anything else is a fault of the
    program: napari's own error notification, with a button that opens the traceback.
    """
    if isinstance(error, InputError):
        _show(str(error))
    elif isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        _show(f"{error.strerror or error}{where}. Check the path, the rights and the free space.")
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def mention(*notes: str) -> None:
    """Show one notification of what is good to know; nothing without notes."""
    if notes:
        message = "\n".join(notes)
        show_warning(message)
        QTimer.singleShot(UNFOLD_MS, partial(_unfold, message))


def _show(message: str) -> None:
    show_error(message)
    QTimer.singleShot(UNFOLD_MS, partial(_unfold, message))


def _unfold(message: str) -> None:
    """Open the notification to its whole text, which then stays: napari shows half a line for 4 s."""
    for widget in QApplication.topLevelWidgets():
        for dialog in widget.findChildren(QDialog):
            label, button = dialog.findChild(QElidingLabel), dialog.findChild(QPushButton, "expand_button")
            if label and button and label.text() == message and not dialog.property("expanded"):
                button.click()


class guard:
    """Around what a button does: errors that the user can mend become one notification.

    Everything else goes on to napari's own handler. Used as `with guard(): ...`, or as
    `@guard()` over a handler; arguments that a signal sends and the handler does not take
    (the `checked` of a button) are dropped.
    """

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Tell of an error that the user can mend, and end there."""
        if isinstance(error, USER_ERRORS):
            tell(error)
            return True
        return False

    def __call__(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a handler; it returns None where it failed."""
        parameters = inspect.signature(handler).parameters.values()
        takes_all = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        count = (
            None
            if takes_all
            else sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
        )

        @wraps(handler)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self:
                return handler(*args[:count], **kwargs)

        return guarded
