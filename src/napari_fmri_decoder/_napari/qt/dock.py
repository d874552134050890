"""Base class of the docks, and their scroll areas, sections and texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.qt.workers import stop_within
from napari_fmri_decoder._napari.viewer.session import Session

if TYPE_CHECKING:
    from napari import Viewer
    from qtpy.QtGui import QShowEvent

WIDTH = 400
"""Width in pixels; leaves room for the canvas on screens of 1366 pixels."""
_PLUGIN = "napari-fmri-decoder"


class Dock(QWidget):
    """Base of the docks: has the session, and opens as a tab next to the plugin's other docks.

    napari's close button takes a dock out of its frame and deletes the frame; the dock itself is neither
    closed nor destroyed and may be put into a new frame. Without a frame it follows no signals, and its own
    jobs are stopped; jobs of the session continue (see `SessionJob`).

    Attributes
    ----------
    session : Session
    rows : QVBoxLayout
        Always visible; add a `scrolled` widget for everything else.
    closed : Signal
        Sent after the dock was taken out of its frame.
    """

    closed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.session = Session.of(viewer)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(4, 4, 4, 4)
        self._placed = self._framed = self._idle = False
        self._connections = _Connections()

    @property
    def viewer(self) -> Viewer:
        """The viewer that the dock belongs to."""
        return self.session.viewer

    def follow(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of the session, or an event of the viewer, while the dock is open."""
        self.tie(lambda: signal.connect(slot), lambda: signal.disconnect(slot))

    def tie(self, do: Callable[[], object], undo: Callable[[], object]) -> None:
        """Do something now and whenever the dock is reopened; undo it when it is closed or deleted."""
        self._connections.pairs.append((do, undo))
        do()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the dock into a frame, and out of it."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ParentChange:
            return
        framed = _dock_of(self) is not None
        if framed == self._framed:
            return
        self._framed = framed
        if framed:
            _open.add(self._connections)
            self.destroyed.connect(self._connections.end)
            if self._idle:
                self._on_reopened()
        else:
            _open.discard(self._connections)
            self.destroyed.disconnect(self._connections.end)
            self._on_closed()

    def _on_closed(self) -> None:
        self._idle, self._placed = True, False
        self._connections.undo()
        stop_within(self)
        self.closed.emit()

    def _on_reopened(self) -> None:
        self._idle = False
        for do, _ in self._connections.pairs:
            do()
        self.catch_up()

    def catch_up(self) -> None:
        """Show the present state, after the dock was closed and reopened."""

    def sizeHint(self) -> QSize:
        """A width that leaves room for the canvas."""
        return QSize(WIDTH, 600)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Become a tab next to the plugin's other docks when first shown."""
        super().showEvent(event)
        if not self._placed:
            self._placed = True
            soon = QTimer(self)  # deleted with the dock
            soon.setSingleShot(True)
            soon.timeout.connect(self._tabify)
            soon.start(0)

    def _tabify(self) -> None:
        tabify(self)


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


def tabify(widget: QWidget) -> None:
    """Make the dock of `widget` a tab in front of the plugin's other docks, unless it is one already."""
    own = _dock_of(widget)
    window = own.parentWidget() if own is not None else None
    if own is None or not isinstance(window, QMainWindow) or own.isFloating():
        return
    area = window.dockWidgetArea(own)
    for other in window.findChildren(QDockWidget):
        is_plugin_dock = other is not own and _PLUGIN in other.objectName() and _is_open(other)
        if is_plugin_dock and window.dockWidgetArea(other) == area:
            if other not in window.tabifiedDockWidgets(own):
                window.tabifyDockWidget(other, own)
                own.raise_()
            return


def to_front(widget: QWidget) -> None:
    """Bring the dock of `widget` to the front of its tabs."""
    own = _dock_of(widget)
    if own is not None:
        own.raise_()


def _dock_of(widget: QWidget) -> QDockWidget | None:
    own: QWidget | None = widget
    while own is not None and not isinstance(own, QDockWidget):
        own = own.parentWidget()
    return own


def _is_open(dock: QDockWidget) -> bool:
    """Whether a dock is visible, or behind another tab."""
    action = dock.toggleViewAction()
    return action is not None and action.isChecked()


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """Put a widget into an area that scrolls only vertically."""
    area = _Area()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


class _Area(QScrollArea):
    def minimumSizeHint(self) -> QSize:
        """Be as wide as the content needs."""
        style = self.style() or QApplication.style()
        bar = style.pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent) if style is not None else 16
        content = self.widget()
        return QSize((content.minimumSizeHint().width() if content else 0) + bar + 4, 80)


def section(title: str, *widgets: QWidget, name: str, open_: bool = True) -> QWidget:
    """Put widgets under a title that expands and collapses them.

    Parameters
    ----------
    title : str
    *widgets : QWidget
    name : str
        objectName.
    open_ : bool
        Whether expanded at first.
    """
    return _Section(title, widgets, name, open_)


class _Section(QWidget):
    def __init__(self, title: str, widgets: Sequence[QWidget], name: str, open_: bool) -> None:
        super().__init__()
        self.setObjectName(name)
        self.button = QToolButton()
        self.button.setText(f" {title}")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setStyleSheet(
            "QToolButton, QToolButton:checked { background: transparent; border: none; font-weight: bold; }"
        )
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(12, 0, 0, 6)
        for widget in widgets:
            inner.addWidget(widget)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addWidget(self.button)
        rows.addWidget(self.content)
        self.button.toggled.connect(self._show)
        self.button.setChecked(open_)
        self._show(open_)

    def _show(self, open_: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.content.setVisible(open_)


def text_label(text: str = "", name: str = "") -> QLabel:
    """Make a label that wraps and whose text can be selected."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
