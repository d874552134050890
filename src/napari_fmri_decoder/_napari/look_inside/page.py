"""Base class of the pages of the Look inside dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.pipeline import RunResult

NOTHING = "No run has finished yet. Train in the Train dock."


class Page(QWidget):
    """A page that draws a result when it becomes visible.

    Parameters
    ----------
    selected : callable, optional
        Returns the run that the dock shows; for pages that compute on request.

    Attributes
    ----------
    result : RunResult or None
        The run that is drawn.
    volume_requested : Signal(int)
        Sent with a volume that the viewer should show.
    """

    volume_requested = Signal(int)
    title = ""

    def __init__(self, selected: Callable[[], RunResult | None] = lambda: None) -> None:
        super().__init__()
        self.setObjectName(type(self).__name__)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(2, 4, 2, 4)
        self.about = text_label(name="about")
        self.about.hide()
        self.rows.addWidget(self.about)
        self.result: RunResult | None = None
        self._selected = selected
        self._drawing: Job | None = None

    def update_result(self, result: RunResult) -> None:
        """Show a result, unless it is already shown."""
        if result is not self.result:
            self.result, self._drawing = result, None
            self.show_message("")
            self.draw(result)

    def draw(self, result: RunResult) -> None:
        """Draw a new result."""

    def wait(self) -> None:
        """Wait until the result is drawn; raises the error of its computation."""
        if self._drawing is not None:
            self._drawing.wait()

    def selected_result(self) -> RunResult:
        """Return the run that the dock shows, drawn even if the page is hidden.

        Raises
        ------
        InputError
            If no run has finished.
        """
        result = self._selected()
        if result is None:
            raise InputError(NOTHING)
        self.update_result(result)
        return result

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
        self.result = None

    def in_background(
        self,
        text: str,
        then: Callable[[Any], None],
        work: Callable[..., Any],
        *args: Any,
        on_stopped: Callable[[], None] | None = None,
    ) -> Job:
        """Compute in the background; the output is discarded if another result is shown by then."""
        requested_for = self.result
        self.show_message(f"{text}…")

        def end(message: str, next_: Callable[[], None] | None) -> None:
            if requested_for is self.result:
                self.show_message(message)
                if next_ is not None:
                    next_()

        return run_generator(
            work,
            *args,
            owner=_owner(self),
            description=text,
            on_done=lambda output: end("", lambda: then(output)),
            on_error=lambda error: end(f"Failed: {error}", None),
            on_stopped=lambda: end("", on_stopped),
        )


def _owner(page: QWidget) -> QWidget:
    """Return the owner of one job; a page may start a second one before the first has ended."""
    owner = QWidget(page)
    owner.hide()
    return owner
