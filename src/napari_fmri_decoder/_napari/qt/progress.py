"""Progress of a job, as text and as a fraction, whether or not a widget shows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_fmri_decoder.formatting import format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import SignalInstance

    from napari_fmri_decoder._napari.qt.workers import Job

STEPS = 1000
"""Steps of the progress bars."""
BEAT_MS = 500
"""Interval between updates during a job: each one makes Qt compose the complete window, with all slices."""


class TimeLeft:
    """Estimates the remaining time from the speed so far; restarts when the fraction decreases."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None  # start time, and the fraction at that time
        self._done = 0.0

    def after(self, fraction: float | None, now: float) -> str:
        """Text with the time left after `fraction` of the work; "" while it is unknown.

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
        left = seconds * (1 - fraction) / gained
        return f" (about {format_seconds(max(round(left), 1))} left)"


class Progress(QObject):
    """One line of text and a fraction, updated twice a second during a job.

    Parameters
    ----------
    parent : QObject, optional
        Deletes it.

    Attributes
    ----------
    text : str
        As last written.
    fraction : float
        0 if unknown, and after the end.
    beat : Signal
        Sent just before writing. Everything else that is drawn during a job should be drawn at the same
        time, so that the window is composed only once.
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
        self._time_left = TimeLeft()
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self.write)

    def start(self, text: str) -> None:
        """Start."""
        self._job, self._read = None, float
        self._now = (text, None)
        self._time_left = TimeLeft()
        self.write()
        self._timer.start()

    def follow(self, job: Job, read: Callable[[], float]) -> None:
        """Show the same progress in napari's activity dock.

        Parameters
        ----------
        job : Job
        read : callable
            Returns the fraction of the series that was read, used if no other fraction is known; or 0.
        """
        self._job, self._read = job, read

    def set(self, text: str, fraction: float | None = None) -> None:
        """Set the current step, and the completed fraction if known."""
        self._now = (text, fraction)

    def end(self, text: str) -> None:
        """Set the final text."""
        self._timer.stop()
        self.beat.emit()
        self._job, self._read = None, float
        self.text, self.fraction = text, 0.0
        self.written.emit()

    def write(self) -> None:
        """Update now."""
        self.beat.emit()
        text, fraction = self._now
        before, self._before = self._before, self._read()
        if fraction is None and self._before != before:  # the series is being read
            fraction = self._before
        self.text = text + self._time_left.after(fraction, time.monotonic())
        self.fraction = fraction or 0.0
        self.written.emit()
        if fraction is not None and self._job is not None:
            self._job.progress(round(STEPS * fraction), STEPS)


class ProgressLine(QWidget):
    """One line of text over a bar.

    Parameters
    ----------
    progress : Progress, optional
        Shown progress; a new one by default.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        super().__init__()
        self.progress = Progress(self) if progress is None else progress
        self.text = QLabel()
        self.text.setObjectName("progress_text")
        self.text.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setObjectName("progress_bar")
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.text)
        rows.addWidget(self.bar)
        self.progress.written.connect(self._show)
        self._show()

    @property
    def beat(self) -> SignalInstance:
        """Sent twice a second during a job; see `Progress`."""
        return self.progress.beat

    def start(self, text: str) -> None:
        """Start."""
        self.progress.start(text)

    def follow(self, job: Job, read: Callable[[], float]) -> None:
        """Show the same progress in napari's activity dock; see `Progress.follow`."""
        self.progress.follow(job, read)

    def set(self, text: str, fraction: float | None = None) -> None:
        """Set the current step, and the completed fraction if known."""
        self.progress.set(text, fraction)

    def end(self, text: str) -> None:
        """Set the final text."""
        self.progress.end(text)

    def _show(self) -> None:
        self.text.setText(self.progress.text)
        # an animated busy bar would make Qt draw the complete window at each frame
        self.bar.setValue(round(STEPS * self.progress.fraction))
