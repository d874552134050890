"""Connections of a widget that last while it is docked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QDockWidget, QWidget

from napari_fmri_decoder._napari.qt.running import stop_within


class Lifetime(QObject):
    """Connections of a widget that last while it is docked.

    napari's close button takes a widget out of its dock and deletes the dock; the widget itself is neither
    closed nor destroyed and may be docked again. Meanwhile it follows no signals, and its own jobs are
    stopped; jobs of the session continue (see `SessionJob`).

    Attributes
    ----------
    closed : Signal
        Sent after the widget was taken out of its dock.
    reopened : Signal
        Sent after it was docked again, and follows its signals again.
    shown : Signal
        Sent whenever the widget becomes visible.
    """

    closed, reopened, shown = Signal(), Signal(), Signal()  # psygnal's, which keep no slot alive

    def __init__(self) -> None:
        super().__init__()
        self._widget: QWidget | None = None
        self._framed = self._idle = False
        self._connections = _Connections()

    def watch(self, widget: QWidget) -> None:
        """Set the widget that napari docks, which then owns this object."""
        self._widget = widget
        self.setParent(widget)
        widget.installEventFilter(self)

    def follow(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of the session, or an event of the viewer, while the widget is docked."""
        self.tie(lambda: signal.connect(slot), lambda: signal.disconnect(slot))

    def tie(self, do: Callable[[], object], undo: Callable[[], object]) -> None:
        """Do something now and whenever the widget is docked again; undo it when that ends."""
        self._connections.pairs.append((do, undo))
        do()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the widget into a dock, and out of it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            self._on_parent()
        elif event is not None and event.type() == QEvent.Type.Show:
            self.shown.emit()
        return False

    def _on_parent(self) -> None:
        framed = self._widget is not None and dock_of(self._widget) is not None
        if self._widget is None or framed == self._framed:
            return
        self._framed = framed
        if framed:
            _open.add(self._connections)
            self._widget.destroyed.connect(self._connections.end)
            if self._idle:
                self._idle = False
                for do, _ in self._connections.pairs:
                    do()
                self.reopened.emit()
        else:
            _open.discard(self._connections)
            self._widget.destroyed.disconnect(self._connections.end)
            self._idle = True
            self._connections.undo()
            stop_within(self._widget)
            self.closed.emit()


class _Connections:
    """The connections of a dock: functions that make and undo each."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Callable[[], object], Callable[[], object]]] = []

    def undo(self) -> None:
        """Undo all."""
        for _, undo in self.pairs:
            with suppress(ValueError, TypeError, RuntimeError, KeyError):  # it was already disconnected
                undo()

    def end(self, *_: object) -> None:
        """Undo all after Qt has deleted the dock with its frame."""
        _open.discard(self)
        self.undo()


_open: set[_Connections] = set()
"""Connections of the docks with a frame.

This reference keeps them from being garbage collected while Qt may still delete their dock: Python's
collector clears the functions of a cycle before it frees the widgets in it, and `destroyed` would then call
a cleared one, which ends the process.
"""


def dock_of(widget: QWidget) -> QDockWidget | None:
    """The dock that a widget is in."""
    own: QWidget | None = widget
    while own is not None and not isinstance(own, QDockWidget):
        own = own.parentWidget()
    return own
