"""Where a run stands: what it does, how far it is, and its curves as they grow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.plots.curves import CurvesPlot
from napari_fmri_decoder.pipeline import Prepared, Stage
from napari_fmri_decoder.training.events import (
    BatchDone,
    EpochDone,
    FitStarted,
    FoldDone,
    FoldStarted,
    Note,
    Progress,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.workers import Job

STEPS = 1000
"""Of the bar, for what is shown there at a time."""
BEAT_MS = 500
"""Between two pictures of work that goes on: for each, Qt composes the whole window, slices included."""


class TimeLeft:
    """Foretells when work ends from how it has gone on; begins anew where it does."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None  # when, and what was done then
        self._done = 0.0

    def after(self, fraction: float | None, now: float) -> str:
        """Say how long it will take, after `fraction` of it; "" while that cannot be told.

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


class ProgressLine(QWidget):
    """One line of text over a bar; written twice a second.

    Whatever else is drawn while work goes on is drawn at `beat`, just before: then the window is composed
    once for all of it.
    """

    beat = Signal()

    def __init__(self) -> None:
        super().__init__()
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
        self._now: tuple[str, float | None] = ("", None)
        self._job: Job | None = None
        self._read: Callable[[], float] = float
        self._before = 0.0
        self._left = TimeLeft()
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._write)

    def start(self, text: str) -> None:
        """Begin."""
        self._job, self._read = None, float
        self._now = (text, None)
        self._left = TimeLeft()
        self._write()
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
        self.bar.setValue(0)
        self.text.setText(text)

    def _write(self) -> None:
        self.beat.emit()
        text, fraction = self._now
        before, self._before = self._before, self._read()
        if fraction is None and self._before != before:  # the series is being read
            fraction = self._before
        self.text.setText(text + self._left.after(fraction, time.monotonic()))
        # A bar that moves to and fro would have the whole window drawn anew at each frame: it rests.
        self.bar.setValue(round(STEPS * (fraction or 0.0)))
        if fraction is not None and self._job is not None:
            self._job.progress(round(STEPS * fraction), STEPS)


class RunView(QWidget):
    """Follows the events of a run.

    Attributes
    ----------
    line : ProgressLine
        Not within this widget: it stays in sight at the foot of the dock.
    curves : CurvesPlot
    notes : QLabel
    """

    def __init__(self, line: ProgressLine) -> None:
        super().__init__()
        self.line = line
        self.curves = CurvesPlot()
        self.curves.setObjectName("curves")
        self.curves.follow(line.beat)
        self.notes = words(name="run_notes")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.curves)
        rows.addWidget(self.notes)
        self._reset()

    def _reset(self) -> None:
        self._stage, self._fold, self._place = "", "", (0, 1)
        self._epoch, self._epochs, self._batches = 0, 1, 1
        self._drawn = self._beside = False
        self._folds: set[int] = set()
        self._said: list[str] = []

    @property
    def where(self) -> str:
        """What is being done now, in words."""
        return self._fold or self._stage

    @property
    def fitting(self) -> bool:
        """Whether networks are being fitted."""
        return bool(self._fold)

    def start(self) -> None:
        """Forget the run before."""
        self._reset()
        self.curves.set_why("")
        self.curves.clear()
        self.curves.set_chance(None)
        self.notes.hide()

    def hear(self, event: Any) -> None:
        """Take in an event of `pipeline.run`."""
        match event:
            case Stage(text):
                self._stage, self._fold = text, ""
                self.line.set(f"{text}…")
            case Prepared():
                self.curves.set_chance(1 / len(event.samples.classes))
                self.curves.set_why(event.recipe.decoder.no_curves)
                self._note(*event.notes)
            case FoldStarted(fold, n_folds, name):
                refit = fold >= n_folds
                # A fold that comes again is that of a network beside: the curves are of one network.
                self._beside = not refit and (self._beside or fold in self._folds)
                self._folds.add(fold)
                self._place = (0, 1) if refit else (fold, n_folds)
                self._fold = self._stage if refit else f"F{event.text[1:]}"
                self._name, self._drawn = name, False
            case FitStarted(epochs=epochs, batches=batches, train=train):
                self._epoch, self._epochs, self._batches = 0, epochs, batches
                if not self._beside:
                    self.curves.start_fold(self._name, epochs, validation=event.validation is not None)
                    if train is not None:
                        self.curves.add(0, train, event.validation or event.test)
                self._tell(0.0)
            case BatchDone(batch=batch):
                self._tell(batch / self._batches)
            case EpochDone(epoch, train):
                self._epoch, self._drawn = epoch, True
                if not self._beside:
                    self.curves.add(epoch, train, event.watched)
                self._tell(0.0)
            case FoldDone() if self._beside:
                pass
            case FoldDone() if self._drawn:
                self.curves.end_fold()
            case FoldDone(result) if result.history:  # by a worker, or before a stop: it comes whole
                self.curves.add_fold(result)
            case Progress(what, done, total):
                self.line.set(f"{what.capitalize()}: {done} of {total}", done / max(total, 1))
            case Note(message):
                self._note(message)

    def _tell(self, part: float) -> None:
        """Say fold and epoch; `part` of the next epoch is done as well."""
        first, folds = self._place
        done = min((self._epoch + part) / self._epochs, 1.0)
        epoch = min(self._epoch + 1, self._epochs)
        self.line.set(f"{self._fold}: epoch {epoch} of {self._epochs}", (first + done) / folds)

    def _note(self, *messages: str) -> None:
        self._said += [m for m in messages if m not in self._said]
        self.notes.setText("\n".join(self._said))
        self.notes.setVisible(bool(self._said))
