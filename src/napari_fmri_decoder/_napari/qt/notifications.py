"""Show errors and notes as notifications and in docks, each once and with its full text."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialog, QPushButton
from superqt import QElidingLabel

from napari_fmri_decoder._napari.qt.window_text import window_text
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from typing import Protocol

    class ShowsError(Protocol):
        """What shows an error until it is fixed, such as a `Message`."""

        @property
        def text(self) -> str: ...
        def show_error(self, text: str) -> None: ...
        def clear(self) -> None: ...


UNFOLD_MS = 300
"""Delay until napari's notification is fully shown."""

USER_ERRORS = (InputError, OSError)
"""Errors that the user can fix: shown as a message only. All others are shown with a traceback."""


def error_text(error: BaseException) -> str:
    """Write an error as one message, with its kind if it is a bug of the program."""
    if isinstance(error, InputError):
        return window_text(getattr(error, "found", None) or str(error))
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}. Check the path, the permissions and the free disk space."
    return f"{type(error).__name__}: {error}"


def notify_error(error: BaseException) -> None:
    """Show one notification for `error`; call in the main thread.

    For an `InputError` or `OSError` it shows the message alone. Any other error is a bug of the program
    and is shown by napari, with a button for the traceback.
    """
    if isinstance(error, USER_ERRORS):
        _show(error_text(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def notify_note(*notes: str) -> None:
    """Show all notes in one notification; nothing if there are none."""
    if notes:
        message = "\n".join(notes)
        show_warning(message)
        unfold_soon(message)


def _show(message: str) -> None:
    show_error(message)
    unfold_soon(message)


def unfold_soon(message: str) -> None:
    """Expand the notification with this message as soon as it is shown."""
    QTimer.singleShot(UNFOLD_MS, partial(_unfold, message))


def show_instead(message: str, shown: str) -> None:
    """Show an error in place of a notification that is on the screen."""
    for dialog in _shown(shown):
        dialog.close()
    _show(message)


def _unfold(message: str) -> None:
    """Expand a notification, so that its full text stays: napari shows half a line for 4 s."""
    for dialog in _shown(message):
        button = dialog.findChild(QPushButton, "expand_button")
        if button is not None and not dialog.property("expanded"):
            button.click()


def _shown(message: str) -> list[QDialog]:
    """The notifications with this message that are on the screen."""
    dialogs = [d for widget in QApplication.topLevelWidgets() for d in widget.findChildren(QDialog)]
    labels = [(dialog, dialog.findChild(QElidingLabel)) for dialog in dialogs]
    return [dialog for dialog, label in labels if label is not None and label.text() == message]


class guard:
    """Show errors that the user can fix as one notification; used around handlers of buttons.

    All other errors go to napari's handler. Use it as `with guard(): ...`, or as `@guard()` on a handler;
    arguments of a signal that the handler does not take (the `checked` of a button) are dropped.

    Parameters
    ----------
    message : ShowsError or str, optional
        Of the section that the handler belongs to, or the attribute of a method's object that has it. It
        shows the error until a handler with this message is called again, or the section clears it. The
        notification is not repeated if the same error comes again.
    """

    def __init__(self, message: ShowsError | str | None = None) -> None:
        self._message = message
        self._before = ""

    def __enter__(self) -> None:
        """Remove the error of the last call."""
        if self._message is not None and not isinstance(self._message, str):
            self._before = self._message.text
            self._message.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Show an error that the user can fix, and suppress it."""
        if not isinstance(error, USER_ERRORS):
            return False
        message = self._message
        if message is None or isinstance(message, str) or self._before != error_text(error):
            notify_error(error)
        if message is not None and not isinstance(message, str):
            message.show_error(error_text(error))
        return True

    def __call__(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a handler, which returns None if it failed."""
        parameters = inspect.signature(handler).parameters.values()
        takes_all = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        count = (
            None
            if takes_all
            else sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
        )

        @wraps(handler)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            message = self._message
            with guard(getattr(args[0], message) if isinstance(message, str) else message):
                return handler(*args[:count], **kwargs)

        return guarded
