"""Close napari during a job: one question, and the process ends within seconds.

Jobs of the plugin run in a separate thread pool. napari and Qt wait for the threads of Qt's common pool
without a limit. The plugin's threads get a short time to notice the stop and to save their state. A step
that takes longer is abandoned when the process ends; files written before are complete.
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
"""Seconds after closing the last window for the current step and the checkpoint after it."""
THREADS = 32
"""Maximum number of threads; each job has one, and most of them wait."""

_pool: QThreadPool | None = None
_workers: set[Any] = set()
_deadline: float | None = None
_last_error: BaseException | None = None
"""The last error before closing: an error in a slot, hours ago, does not make the program fail."""


def threads() -> QThreadPool:
    """The thread pool of the plugin's jobs."""
    global _pool
    if _pool is None:
        _pool = QThreadPool()
        _pool.setMaxThreadCount(THREADS)
        atexit.register(_end_process)
    return _pool


def start(worker: Any) -> None:
    """Start a worker in the plugin's pool, and make sure that closing napari does not wait for it forever."""
    global _deadline
    _deadline = None  # from a window that was closed earlier
    pool, app = threads(), QCoreApplication.instance()
    if app is not None and not app.property("fmri_decoder_leaving"):
        app.setProperty("fmri_decoder_leaving", True)
        app.lastWindowClosed.connect(_start_countdown)  # type: ignore[attr-defined]
        app.aboutToQuit.connect(_ignore_earlier_errors)
        app.aboutToQuit.connect(_wait)
    if (viewer := current_viewer()) is not None:
        _AskOnce.of(viewer.window._qt_window)
    _workers.add(worker)
    worker.finished.connect(lambda: _workers.discard(worker))
    pool.start(worker)


def _start_countdown() -> None:
    """Start the countdown after the last window was closed; a new job cancels it."""
    global _deadline
    _deadline = time.monotonic() + GRACE_S
    _ignore_earlier_errors()


def _ignore_earlier_errors() -> None:
    """Count only errors from now on, such as those of a script after napari."""
    global _last_error
    _last_error = getattr(sys, "last_value", None)


def _wait() -> bool:
    """Stop all jobs and wait for them until the deadline; return whether all have ended."""
    global _deadline
    for worker in list(_workers):
        worker.quit()
    _deadline = _deadline or time.monotonic() + GRACE_S
    ended = True if _pool is None else _pool.waitForDone(max(round(1000 * (_deadline - time.monotonic())), 0))
    _deadline = None if ended else _deadline
    return ended


def _end_process() -> None:
    """End the process if a step is still running, because Qt would wait for all threads."""
    if _wait():
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    failed = getattr(sys, "last_value", None) is not _last_error and not hasattr(sys, "ps1")
    os._exit(int(failed))  # atexit functions that were registered before are skipped


class _AskOnce(QObject):
    """Keeps napari from asking two questions when a window with layers is closed during a job.

    It asks about the job, and again about the window. Its question about the job is enough.
    """

    @classmethod
    def of(cls, window: Any) -> None:
        """Install the filter in a window, once."""
        if not window.property("fmri_decoder_asks_once"):
            window.setProperty("fmri_decoder_asks_once", True)
            window.installEventFilter(cls(window))

    def eventFilter(self, window: Any, event: Any) -> bool:
        """Ask the question when the user closes the window."""
        if event.type() != QEvent.Type.Close or not event.spontaneous() or not _workers:
            return False
        try:
            agreed = _ask(window)
        except (ImportError, AttributeError):  # another version of napari: keep its own questions
            return False
        event.ignore()
        if agreed:
            QTimer.singleShot(0, window.close)
        return True


def _ask(window: Any) -> bool:
    """Ask napari's question about running jobs."""
    from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog

    status = "\n".join(window._window._task_status_manager.get_status())
    dialog = ConfirmCloseDialog(window, close_app=False, extra_info=status, display_checkbox=False)
    return bool(dialog.exec_() == ConfirmCloseDialog.DialogCode.Accepted)
