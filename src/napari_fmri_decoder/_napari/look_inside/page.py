"""Base class of the pages of the Look inside dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import error_text
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.pipeline.saved_run import SavedRun

NOTHING = "No run has finished yet. Train in the Train dock, or open a run."
NO_IMAGES = "The images of this run were not found, and this page needs them."


class Page(QWidget):
    """A page that draws a result when it becomes visible.

    Parameters
    ----------
    selected : callable, optional
        Returns the run that the dock shows; for pages that compute on request.

    Attributes
    ----------
    run : RunResult, SavedRun or None
        The run that is drawn.
    result : RunResult or None
        The same, unless its images are missing.
    needs_images : bool
        Whether the page shows nothing of a run whose images are missing.
    needs_run : bool
        Whether the page shows nothing without a run.
    volume_requested : Signal(int)
        Sent with a volume that the viewer should show.
    """

    volume_requested = Signal(int)
    title = ""
    needs_images: ClassVar[bool] = True
    needs_run: ClassVar[bool] = True

    def __init__(self, selected: Callable[[], RunResult | SavedRun | None] = lambda: None) -> None:
        super().__init__()
        self.setObjectName(type(self).__name__)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(2, 4, 2, 4)
        self.about = text_label(name="about")
        self.about.hide()
        self._body = QWidget()
        self.rows = QVBoxLayout(self._body)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.error = Message(f"{type(self).__name__}_error")
        outer.addWidget(self.about)
        outer.addWidget(self.error)
        outer.addWidget(self._body, 1)
        self.run: RunResult | SavedRun | None = None
        self._selected = selected
        self._drawing: Job | None = None

    @property
    def result(self) -> RunResult | None:
        """The run that is drawn, unless its images are missing."""
        return self.run if isinstance(self.run, RunResult) else None

    def update_result(self, run: RunResult | SavedRun) -> None:
        """Show a run, unless it is already shown."""
        if run is self.run:
            return
        self.run, self._drawing = run, None
        self.error.clear()
        draws = isinstance(run, RunResult) or not self.needs_images
        self._body.setVisible(draws)
        self.show_message("" if draws else NO_IMAGES)
        if draws:
            self.draw(run)

    def draw(self, run: Any) -> None:
        """Draw a new run: a RunResult, or any run if the page needs no images."""

    def wait(self) -> None:
        """Wait until the result is drawn; raises the error of its computation."""
        if self._drawing is not None:
            self._drawing.wait()

    def selected_result(self) -> RunResult:
        """Return the run that the dock shows, drawn even if the page is hidden.

        Raises
        ------
        InputError
            If no run has finished, or its images are missing.
        """
        run = self._selected()
        if not isinstance(run, RunResult):
            raise InputError(NOTHING if run is None else NO_IMAGES)
        self.update_result(run)
        return run

    def show_message(self, text: str) -> None:
        """Show a message above the content, or none ("")."""
        self.about.setText(text)
        self.about.setVisible(bool(text))

    def draw_later(
        self, text: str, then: Callable[[Any], None], work: Callable[..., Any], *args: Any
    ) -> None:
        """Compute in the background what is drawn; after a stop, the next update starts it again."""
        self._drawing = self.in_background(text, then, work, *args, on_stopped=self._forget)

    def _forget(self) -> None:
        self.run = None

    def in_background(
        self,
        text: str,
        then: Callable[[Any], None],
        work: Callable[..., Any],
        *args: Any,
        on_stopped: Callable[[], None] | None = None,
    ) -> Job:
        """Compute in the background; the output is discarded if another result is shown by then."""
        requested_for = self.run
        self.show_message(f"{text}…")
        self.error.clear()

        def failed(error: Exception) -> None:
            if requested_for is self.run:
                self.show_message("")
                self.error.show_error(error_text(error))

        def end(message: str, next_: Callable[[], None] | None) -> None:
            if requested_for is self.run:
                self.show_message(message)
                if next_ is not None:
                    next_()

        return run_generator(
            work,
            *args,
            owner=_owner(self),
            description=text,
            on_done=lambda output: end("", lambda: then(output)),
            on_error=failed,
            on_stopped=lambda: end("", on_stopped),
        )


def _owner(page: QWidget) -> QWidget:
    """Return the owner of one job; a page may start a second one before the first has ended."""
    owner = QWidget(page)
    owner.hide()
    return owner
