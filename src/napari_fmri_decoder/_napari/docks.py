"""What the docks have in common: a scroll area, the session, their place beside one another."""

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

from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder._napari.workers import stop_within

if TYPE_CHECKING:
    from napari import Viewer
    from qtpy.QtGui import QShowEvent

WIDTH = 400
"""Pixels; 1366 of them leave room for the head."""
_OURS = "napari-fmri-decoder"


class Dock(QWidget):
    """Base of the docks: knows the session, and opens as a tab beside its siblings.

    napari's close button takes a dock out of its frame and deletes the frame; the dock itself is
    neither closed nor destroyed, and may be put into a frame again. Without a frame it follows
    nothing, and work for it alone is stopped; work of the session is not (see `Work`).

    Attributes
    ----------
    session : Session
    rows : QVBoxLayout
        What is always in sight; put a `scrolled` widget into it for the rest.
    closed : Signal
        Sent when it is taken out of its frame.
    """

    closed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.session = Session.of(viewer)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(4, 4, 4, 4)
        self._placed = self._framed = self._idle = False
        self._ties = _Ties()

    @property
    def viewer(self) -> Viewer:
        """The viewer that the dock belongs to."""
        return self.session.viewer

    def follow(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of the session, or an event of the viewer, while the dock is open."""
        self.tie(lambda: signal.connect(slot), lambda: signal.disconnect(slot))

    def tie(self, do: Callable[[], object], undo: Callable[[], object]) -> None:
        """Do something now, and undo it when the dock is closed or deleted; again if it comes back."""
        self._ties.pairs.append((do, undo))
        do()

    def changeEvent(self, event: QEvent | None) -> None:
        """Notice when the dock is put into a frame, or taken out of it."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ParentChange:
            return
        framed = _dock_of(self) is not None
        if framed == self._framed:
            return
        self._framed = framed
        if framed:
            _open.add(self._ties)
            self.destroyed.connect(self._ties.end)
            if self._idle:
                self._come_back()
        else:
            _open.discard(self._ties)
            self.destroyed.disconnect(self._ties.end)
            self._leave()

    def _leave(self) -> None:
        self._idle, self._placed = True, False
        self._ties.undo()
        stop_within(self)
        self.closed.emit()

    def _come_back(self) -> None:
        self._idle = False
        for do, _ in self._ties.pairs:
            do()
        self.catch_up()

    def catch_up(self) -> None:
        """Show what happened while the dock was closed; for docks that are put back."""

    def sizeHint(self) -> QSize:
        """Ask for a width that leaves room for the head."""
        return QSize(WIDTH, 600)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Lie beside the other docks of the plugin the first time."""
        super().showEvent(event)
        if not self._placed:
            self._placed = True
            soon = QTimer(self)  # a child: it does not outlive the dock
            soon.setSingleShot(True)
            soon.timeout.connect(self._beside)
            soon.start(0)

    def _beside(self) -> None:
        tabify(self)


class _Ties:
    """What a dock follows: how each is begun, and undone."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Callable[[], object], Callable[[], object]]] = []

    def undo(self) -> None:
        """Undo all."""
        for _, undo in self.pairs:
            with suppress(ValueError, TypeError, RuntimeError, KeyError):  # it was let go already
                undo()

    def end(self, *_: object) -> None:
        """Undo all for a dock that Qt has deleted with its frame."""
        _open.discard(self)
        self.undo()


_open: set[_Ties] = set()
"""Of the docks that have a frame.

Held here, no tie is garbage while Qt may still delete its dock: Python's collector empties the functions
of a cycle before it frees the widgets in it, and `destroyed` would then call an emptied one, which ends
the process.
"""


def tabify(widget: QWidget) -> None:
    """Make the dock that holds `widget` a tab in front of the plugin's other docks, unless it is one."""
    own = _dock_of(widget)
    window = own.parentWidget() if own is not None else None
    if own is None or not isinstance(window, QMainWindow) or own.isFloating():
        return
    area = window.dockWidgetArea(own)
    for other in window.findChildren(QDockWidget):
        ours = other is not own and _OURS in other.objectName() and _is_open(other)
        if ours and window.dockWidgetArea(other) == area:
            if other not in window.tabifiedDockWidgets(own):
                window.tabifyDockWidget(other, own)
                own.raise_()
            return


def to_front(widget: QWidget) -> None:
    """Bring the dock that holds `widget` before the tabs that it is one of."""
    own = _dock_of(widget)
    if own is not None:
        own.raise_()


def _dock_of(widget: QWidget) -> QDockWidget | None:
    own: QWidget | None = widget
    while own is not None and not isinstance(own, QDockWidget):
        own = own.parentWidget()
    return own


def _is_open(dock: QDockWidget) -> bool:
    """Whether a dock is in sight, or behind another tab."""
    action = dock.toggleViewAction()
    return action is not None and action.isChecked()


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """Put a widget into an area that scrolls up and down, never sideways."""
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
    """Put widgets under a title that opens and closes them.

    Parameters
    ----------
    title : str
    *widgets : QWidget
    name : str
        objectName.
    open_ : bool
        At first.
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


def words(text: str = "", name: str = "") -> QLabel:
    """Make a text that wraps, and that can be copied."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
