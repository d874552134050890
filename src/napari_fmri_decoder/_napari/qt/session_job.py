"""A job of the session: it does not belong to a dock, so any dock can show it and stop it.

Docks may be closed and reopened during the job. Its results, such as a layer, are added to the session
whether or not a dock is open at that time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_fmri_decoder._napari.qt.progress import Progress
from napari_fmri_decoder._napari.qt.running import owner_in
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session

TICK_MS = 200
"""Interval between updates of the bar in napari's activity dock."""


class SessionJob:
    """One job at a time; get it by `session.part(ItsClass)`.

    Attributes
    ----------
    session : Session
    job : Job or None
        The running job.
    progress : Progress
        Its progress line, if it has one.
    message, error : str
        Shown after the job.
    changed : Signal
        Sent after a job started or ended.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.job: Job | None = None
        self.message = self.error = ""
        self.progress = Progress(owner_in(session.viewer))
        self._ticks = QTimer(self.progress)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self._read: Callable[[], tuple[int, int]] | None = None

    def owner(self) -> QObject:
        """Make an owner for the next job."""
        return owner_in(self.session.viewer)

    def begin(self, job: Job, read: Callable[[], tuple[int, int]] | None = None) -> None:
        """Register a running job.

        Parameters
        ----------
        job : Job
        read : callable, optional
            Returns the numbers of completed and total steps, for the bar in napari's activity dock.
        """
        self.job, self._read = job, read
        if read is not None:
            self._ticks.start()
        self.changed.emit()

    def end(self) -> None:
        """Register the end of the job."""
        self.job = None
        self._ticks.stop()
        self.changed.emit()

    def stop(self) -> None:
        """Stop the job; it ends after its current step."""
        if self.job is not None:
            self.job.stop()

    def stop_and_wait(self, wait: bool = True) -> None:
        """Stop the job and, if wanted, wait until its current step has ended."""
        job = self.job
        self.stop()
        if wait and job is not None:
            with suppress(InputError):  # it was stopped
                job.wait()

    def _tick(self) -> None:
        if self.job is not None and self._read is not None:
            self.job.progress(*self._read())
