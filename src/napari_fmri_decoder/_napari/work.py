"""Work of a session: a job that no dock owns, so that any dock can show it and stop it.

A dock may be closed and another one opened in the middle of it. What it makes, such as a layer,
goes into the session, whether or not a dock is open by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_fmri_decoder._napari.progress import Progress
from napari_fmri_decoder._napari.workers import owner_in

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder._napari.workers import Job

TICK_MS = 200
"""Between two moves of the bar in napari's activity dock."""


class Work:
    """One job at a time; get it by `session.part(KindOfWork)`.

    Attributes
    ----------
    session : Session
    job : Job or None
        That is running.
    progress : Progress
        Its line, for work that has one.
    said : str
        What is to be known after it.
    changed : Signal
        Sent after a job began or ended.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.job: Job | None = None
        self.said = ""
        self.progress = Progress(owner_in(session.viewer))
        self._ticks = QTimer(self.progress)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self._read: Callable[[], tuple[int, int]] | None = None

    def owner(self) -> QObject:
        """Make an owner for the next job."""
        return owner_in(self.session.viewer)

    def begin(self, job: Job, read: Callable[[], tuple[int, int]] | None = None) -> None:
        """Let it be known that a job is running.

        Parameters
        ----------
        job : Job
        read : callable, optional
            How many steps are done, and of how many; for the bar in napari's activity dock.
        """
        self.job, self._read = job, read
        if read is not None:
            self._ticks.start()
        self.changed.emit()

    def end(self) -> None:
        """Let it be known that the job has ended."""
        self.job = None
        self._ticks.stop()
        self.changed.emit()

    def stop(self) -> None:
        """Stop the job; it ends within the step that it is in."""
        if self.job is not None:
            self.job.stop()

    def _tick(self) -> None:
        if self.job is not None and self._read is not None:
            self.job.progress(*self._read())
