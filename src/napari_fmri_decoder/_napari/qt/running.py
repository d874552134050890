"""The jobs that are running, of all viewers, and the objects that they belong to."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.qt.throttle import WHEEL_SPEED, run_event_loop

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.workers import Job

_running: set[Job] = set()
_unfinished: set[Job] = set()
"""Jobs whose worker has still to send its last signal: PySide6 would call a slot of a deleted job."""
_warnings = ExitStack()
"""The warning filters from before the first of the running jobs.

Each worker saves and restores them, and with two workers at a time the second would restore those of the
first.
"""


def begin(job: Job) -> None:
    """Register a job; the first one saves the warning filters."""
    if not _running:
        _warnings.enter_context(warnings.catch_warnings())
    _running.add(job)
    _unfinished.add(job)
    run_event_loop(WHEEL_SPEED)


def end(job: Job) -> None:
    """Register that the work has ended; the last one restores the warning filters."""
    _running.discard(job)
    if not _running:
        _warnings.close()
        run_event_loop(100)


def forget(job: Job) -> None:
    """Let a job be deleted, after the last signal of its worker."""
    _unfinished.discard(job)


def running_jobs() -> frozenset[Job]:
    """All jobs that are running, of all viewers."""
    return frozenset(_running)


def owner_in(viewer: Any) -> QObject:
    """Make an owner for work that belongs to a viewer, not to a dock: it is deleted with the window.

    Parameters
    ----------
    viewer : napari Viewer
        Without a window, the owner is never deleted.
    """
    return QObject(getattr(getattr(viewer, "window", None), "_qt_window", None))


def stop_within(part: QObject) -> None:
    """Stop all work whose owner is a dock or one of its child objects."""
    for job in list(_running):
        owner: QObject | None = job.owner if isalive(job.owner) else None  # type: ignore[no-untyped-call]
        while owner is not None and owner is not part:
            owner = owner.parent()
        if owner is part:
            job.stop()
