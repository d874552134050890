"""Draw no more often than the window can, while something is dragged and during jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.resources import LOADING_GIF_PATH
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication, QLabel

if TYPE_CHECKING:
    from collections.abc import Callable


WHEEL_SPEED = 10
"""Speed of the busy animation in napari's status bar during a job, in percent."""


class Throttle(QObject):
    """Draws at the first change, and once more at the end of a pause if there were further changes.

    A plain timer would make the window paint the slider first, and everything again for the image.

    Parameters
    ----------
    owner : QObject
        Deletes it.
    draw : callable
    pause : int
        Milliseconds between the end of one call and the next.
    """

    def __init__(self, owner: QObject, draw: Callable[[], object], pause: int) -> None:
        super().__init__(owner)
        self._draw = draw
        self._due = self._drawing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(pause)
        self._timer.timeout.connect(self.end_pause)

    def change(self) -> None:
        """Draw a change, now or after the pause."""
        if self._drawing or self._timer.isActive():
            self._due = True
        else:
            self._call()

    def settle(self) -> None:
        """Draw pending changes now."""
        if self._due:
            self._timer.stop()
            self._call()

    def drop(self) -> None:
        """Discard pending changes."""
        self._due = False

    def end_pause(self) -> None:
        """End the pause now and draw pending changes."""
        self._timer.stop()
        if self._due:
            self._call()

    def _call(self) -> None:
        self._due, self._drawing = False, True
        try:
            self._draw()
        finally:
            self._drawing = False
            self._timer.start()


def run_event_loop(speed: int) -> None:
    """Set the speed of napari's busy animation, in percent.

    For each of its frames, 33 per second, Qt composes the complete window including the canvas: 15 ms
    each without a graphics card, for the duration of a job.
    """
    for window in QApplication.topLevelWidgets():
        for label in window.findChildren(QLabel):
            movie = label.movie()
            if movie is not None and Path(movie.fileName()) == Path(LOADING_GIF_PATH):
                movie.setSpeed(speed)
