"""How far work is, in words and as a fraction, whether or not a widget shows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.workers import Job

STEPS = 1000
"""Of the bar in napari's activity dock."""
BEAT_MS = 500
"""Between two pictures of work that is running: for each, Qt composes the whole window, slices included."""


class TimeLeft:
    """Foretells when work ends from its pace so far; starts over for other work."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None  # when, and what was done then
        self._done = 0.0

    def after(self, fraction: float | None, now: float) -> str:
        """Say how long it will take, after `fraction` of it; "" while that is not known.

        Examples
        --------
        >>> left = TimeLeft()
        >>> left.after(0.1, now=0), left.after(0.2, now=20)
        ('', ' (about 3 min left)')
        """
        if fraction is None or self._began is None or fraction < self._done:
            self._began, self._done = None if fraction is None else (now, fraction), fraction or 0.0
            return ""
        self._done = fraction
        seconds, gained = now - self._began[0], fraction - self._began[1]
        if seconds < 3 or gained <= 0:
            return ""
        return f" (about {in_words(seconds * (1 - fraction) / gained)} left)"


def in_words(seconds: float) -> str:
    """Say a time as people do: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress(QObject):
    """One line of text and a fraction, written twice a second while work is running.

    Parameters
    ----------
    parent : QObject, optional
        Ends with it.

    Attributes
    ----------
    text : str
        As it was last written.
    fraction : float
        0 where it is not known, and after the end.
    beat : Signal
        Sent just before writing. Whatever else is drawn while work is running is drawn at the same
        time, so that the window is composed once for all of it.
    written : Signal
        Sent after writing.
    """

    beat = Signal()
    written = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.text, self.fraction = "", 0.0
        self._now: tuple[str, float | None] = ("", None)
        self._job: Job | None = None
        self._read: Callable[[], float] = float
        self._before = 0.0
        self._left = TimeLeft()
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self.write)

    def start(self, text: str) -> None:
        """Begin."""
        self._job, self._read = None, float
        self._now = (text, None)
        self._left = TimeLeft()
        self.write()
        self._timer.start()

    def follow(self, job: Job, read: Callable[[], float]) -> None:
        """Let the bar in napari's activity dock show the same.

        Parameters
        ----------
        job : Job
        read : callable
            Which fraction of the series is read, where nothing else is known; 0 if it is not read.
        """
        self._job, self._read = job, read

    def set(self, text: str, fraction: float | None = None) -> None:
        """Say what is being done, and which fraction of it is done, if known."""
        self._now = (text, fraction)

    def end(self, text: str) -> None:
        """Say how it ended."""
        self._timer.stop()
        self.beat.emit()
        self._job, self._read = None, float
        self.text, self.fraction = text, 0.0
        self.written.emit()

    def write(self) -> None:
        """Write now."""
        self.beat.emit()
        text, fraction = self._now
        before, self._before = self._before, self._read()
        if fraction is None and self._before != before:  # the series is being read
            fraction = self._before
        self.text = text + self._left.after(fraction, time.monotonic())
        self.fraction = fraction or 0.0
        self.written.emit()
        if fraction is not None and self._job is not None:
            self._job.progress(round(STEPS * fraction), STEPS)
