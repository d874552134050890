"""Leaving napari while work goes on: asked once, and gone within seconds.

The threads of our work are a pool of their own. For those of Qt's common pool napari waits without a
limit, and so does Qt; ours are given a moment to see the stop and to write what they keep. A step that
takes longer is abandoned: the process ends amid it, with what was written before.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from typing import Any

from napari import current_viewer
from qtpy.QtCore import QCoreApplication, QEvent, QObject, QThreadPool, QTimer

GRACE_S = 1.0
"""Seconds from the closing of the last window that a step in flight, and the checkpoint after it, have."""
THREADS = 32
"""At most; each job has one, and most of them wait."""

_pool: QThreadPool | None = None
_working: set[Any] = set()
_until: float | None = None
_told: BaseException | None = None
"""The last error that was told before the end: one in a slot, hours ago, is no failure of the program."""


def threads() -> QThreadPool:
    """The threads of our work."""
    global _pool
    if _pool is None:
        _pool = QThreadPool()
        _pool.setMaxThreadCount(THREADS)
        atexit.register(_leave)
    return _pool


def start(worker: Any) -> None:
    """Start a worker in a thread of ours, and see that closing napari does not hang on it."""
    global _until
    _until = None  # of a window that was closed before
    pool, app = threads(), QCoreApplication.instance()
    if app is not None and not app.property("fmri_decoder_leaving"):
        app.setProperty("fmri_decoder_leaving", True)
        app.lastWindowClosed.connect(_begin)  # type: ignore[attr-defined]
        app.aboutToQuit.connect(_forget_errors)
        app.aboutToQuit.connect(_wait)
    if (viewer := current_viewer()) is not None:
        _AskOnce.of(viewer.window._qt_window)
    _working.add(worker)
    worker.finished.connect(lambda: _working.discard(worker))
    pool.start(worker)


def _begin() -> None:
    """The last window is closed: from now the time runs, unless another one opens."""
    global _until
    _until = time.monotonic() + GRACE_S
    _forget_errors()


def _forget_errors() -> None:
    """Count only errors from now on: what a script does after napari may fail."""
    global _told
    _told = getattr(sys, "last_value", None)


def _wait() -> bool:
    """Stop all work, and wait for its end as long as it is given; say whether it has ended."""
    global _until
    for worker in list(_working):
        worker.quit()
    _until = _until or time.monotonic() + GRACE_S
    ended = True if _pool is None else _pool.waitForDone(max(round(1000 * (_until - time.monotonic())), 0))
    _until = None if ended else _until
    return ended


def _leave() -> None:
    """End the process where a step would hold it up: Qt waits for all threads when it is taken down."""
    if _wait():
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    failed = getattr(sys, "last_value", None) is not _told and not hasattr(sys, "ps1")
    os._exit(int(failed))  # what was registered to be done at exit before us is not


class _AskOnce(QObject):
    """Keeps napari from asking twice where a window is closed in which layers are and work goes on.

    It asks for the work, and once more for the window. One question, its own for the work, is enough.
    """

    @classmethod
    def of(cls, window: Any) -> None:
        """Watch a window, once."""
        if not window.property("fmri_decoder_asks_once"):
            window.setProperty("fmri_decoder_asks_once", True)
            window.installEventFilter(cls(window))

    def eventFilter(self, window: Any, event: Any) -> bool:
        """Ask in place of the window, where the user closes it."""
        if event.type() != QEvent.Type.Close or not event.spontaneous() or not _working:
            return False
        try:
            agreed = _ask(window)
        except (ImportError, AttributeError):  # another napari: it asks as it does
            return False
        event.ignore()
        if agreed:
            QTimer.singleShot(0, window.close)
        return True


def _ask(window: Any) -> bool:
    """Ask napari's own question for work that goes on."""
    from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog

    said = "\n".join(window._window._task_status_manager.get_status())
    dialog = ConfirmCloseDialog(window, close_app=False, extra_info=said, display_checkbox=False)
    return bool(dialog.exec_() == ConfirmCloseDialog.DialogCode.Accepted)
