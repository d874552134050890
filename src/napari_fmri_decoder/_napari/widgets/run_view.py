"""Where a run is: what it does, how far it is, and its curves as they grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.plots.curves import CurvesPlot
from napari_fmri_decoder._napari.progress import STEPS, Progress
from napari_fmri_decoder._napari.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import SignalInstance

    from napari_fmri_decoder._napari.workers import Job


class ProgressLine(QWidget):
    """One line of text over a bar.

    Parameters
    ----------
    progress : Progress, optional
        What it shows; one of its own where none is given.
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
        """Sent twice a second while work is running; see `Progress`."""
        return self.progress.beat

    def start(self, text: str) -> None:
        """Begin."""
        self.progress.start(text)

    def follow(self, job: Job, read: Callable[[], float]) -> None:
        """Let the bar in napari's activity dock show the same; see `Progress.follow`."""
        self.progress.follow(job, read)

    def set(self, text: str, fraction: float | None = None) -> None:
        """Say what is being done, and which fraction of it is done, if known."""
        self.progress.set(text, fraction)

    def end(self, text: str) -> None:
        """Say how it ended."""
        self.progress.end(text)

    def _show(self) -> None:
        self.text.setText(self.progress.text)
        # A bar that moves to and fro would have the whole window drawn at each frame: it rests.
        self.bar.setValue(round(STEPS * self.progress.fraction))


class RunView(QWidget):
    """Shows the events of a run.

    Parameters
    ----------
    line : ProgressLine
        Not within this widget: it stays in sight at the foot of the dock.
    story : Story, optional
        Of the run; one of its own where none is given.

    Attributes
    ----------
    story : Story
    curves : CurvesPlot
    notes : QLabel
    """

    def __init__(self, line: ProgressLine, story: Story | None = None) -> None:
        super().__init__()
        self.line = line
        self.story = Story(line.progress) if story is None else story
        self.curves = CurvesPlot(data=self.story.curves)
        self.curves.setObjectName("curves")
        self.curves.follow(line.beat)
        self.notes = words(name="run_notes")
        self.notes.hide()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.curves)
        rows.addWidget(self.notes)
        line.beat.connect(self.show_notes)
        self.show_notes()

    def start(self) -> None:
        """Forget the run before."""
        self.story.start()
        self.curves.draw()
        self.show_notes()

    def hear(self, event: Any) -> None:
        """Take in an event of `pipeline.run`."""
        self.story.hear(event)
        self.show_notes()

    def show_notes(self) -> None:
        """Show the notes that there are."""
        text = "\n".join(self.story.notes)
        if text != self.notes.text():
            self.notes.setText(text)
            self.notes.setVisible(bool(text))
