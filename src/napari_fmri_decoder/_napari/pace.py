"""Drawing while something is dragged: at once, and then no more often than a pause allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable


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
