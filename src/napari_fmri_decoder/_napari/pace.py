"""Drawing no more often than the window can: while something is dragged, and while work goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.resources import LOADING_GIF_PATH
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication, QLabel

if TYPE_CHECKING:
    from collections.abc import Callable


WHEEL_SPEED = 10
"""Of the wheel in napari's status bar while our work goes on, in percent of its own."""


class Pace(QObject):
    """Calls what draws at the first change, and for those that come in the pause after it once, in the end.

    A timer alone would let the window paint the slider first, and all of itself again for the picture.

    Parameters
    ----------
    owner : QObject
        In whose life it lives.
    draw : callable
    pause : int
        Milliseconds from the end of one call to the next.
    """

    def __init__(self, owner: QObject, draw: Callable[[], object], pause: int) -> None:
        super().__init__(owner)
        self._draw = draw
        self._due = self._drawing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(pause)
        self._timer.timeout.connect(self._on_time)

    def change(self) -> None:
        """Something changed: draw it, now or soon."""
        if self._drawing or self._timer.isActive():
            self._due = True
        else:
            self._call()

    def settle(self) -> None:
        """Draw now what waits to be drawn."""
        if self._due:
            self._timer.stop()
            self._call()

    def drop(self) -> None:
        """Forget what waits."""
        self._due = False

    def _on_time(self) -> None:
        if self._due:
            self._call()

    def _call(self) -> None:
        self._due, self._drawing = False, True
        try:
            self._draw()
        finally:
            self._drawing = False
            self._timer.start()


def turn_wheels(speed: int) -> None:
    """Let the wheel that napari turns while work goes on turn at so many percent of its own speed.

    At each of its pictures, 33 a second, Qt composes the whole window anew, the canvas too: 15 ms each
    where no graphics card does it, as long as the work goes on.
    """
    for window in QApplication.topLevelWidgets():
        for label in window.findChildren(QLabel):
            movie = label.movie()
            if movie is not None and Path(movie.fileName()) == Path(LOADING_GIF_PATH):
                movie.setSpeed(speed)
