"""Open the plugin's docks by name, and go to a control in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets.bases import Widget
from qtpy.QtCore import QRect, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QApplication, QWidget

from napari_fmri_decoder._napari.qt.frame import NAMES, DockName
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.qt.sections import focus_inside, reveal, scroll_to

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.qt.dock import Dock

PLUGIN = "napari-fmri-decoder"
MARK_MS, TICK_MS = 1800, 50
"""How long a control is marked, and how often the mark follows it."""
_LAID_OUT = 3
"""Ticks until a dock that was just opened has its layout."""
_MARGIN = 3


def open_dock(viewer: Viewer, name: DockName) -> Dock:
    """Open one of the plugin's docks, or raise it if it is open; it is a tab next to the others.

    Parameters
    ----------
    viewer : napari Viewer
    name : {"View", "Prepare", "Labels", "Train", "Look inside"}

    Returns
    -------
    Dock

    Raises
    ------
    ValueError
        If there is no dock of that name.
    """
    if name not in NAMES:
        raise ValueError(f"A dock must be one of {', '.join(NAMES)}; got {name!r}.")
    frame, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    frame.show()
    dock.become_tab()
    return dock  # type: ignore[no-any-return]  # napari does not type it


def go_to(viewer: Viewer, dock: DockName, control: str | QWidget | Widget) -> QWidget:
    """Show a control: raise its dock, open its tab and section, scroll to it, focus it and mark it briefly.

    Parameters
    ----------
    viewer : napari Viewer
    dock : {"View", "Prepare", "Labels", "Train", "Look inside"}
    control : str or QWidget or magicgui widget
        A name as in scripts, such as "mask.strategy", or a Qt object name, such as "apply_mask".

    Returns
    -------
    QWidget
        The control.

    Raises
    ------
    ValueError
        If there is no such dock or control.
    """
    opened = open_dock(viewer, dock)
    found = _find(opened, dock, control)
    reveal(_focusable(found))
    _Mark(found, dock_of(opened.native) or opened.native)
    return found


def focus_dock(viewer: Viewer, name: DockName) -> None:
    """Open or raise a dock, and give the focus to the control in it that had it last, else to the first.

    Parameters
    ----------
    viewer : napari Viewer
    name : {"View", "Prepare", "Labels", "Train", "Look inside"}

    Raises
    ------
    ValueError
        If there is no dock of that name.
    """
    focus_inside(open_dock(viewer, name).native)


class _Mark(QWidget):
    """A frame around a control, which is scrolled to; it disappears by itself, or with the dock."""

    def __init__(self, control: QWidget, dock: QWidget) -> None:
        for old in dock.findChildren(_Mark):
            old.hide()
            old.deleteLater()
        super().__init__(dock)
        self._dock = dock
        self.setObjectName("control_mark")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._control = control
        self._focus = QApplication.focusWidget()
        self._ticks = 0
        self._timer = QTimer(self)  # deleted with the mark
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)
        self._control.destroyed.connect(self.deleteLater)

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks <= _LAID_OUT and QApplication.focusWidget() is self._focus:  # not yet moved on
            scroll_to(self._control)
        self._surround()
        if self._ticks * TICK_MS >= MARK_MS:
            self._timer.stop()
            self.hide()
            self.deleteLater()

    def _surround(self) -> None:
        shown: QWidget | None = self._control
        while shown is not None and not shown.isVisible():
            shown = shown.parentWidget()
        if shown is None:
            return
        corner = shown.mapTo(self._dock, shown.rect().topLeft())
        around = QRect(corner, shown.size()).adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
        self.setGeometry(around.intersected(self._dock.rect()))
        if not self.isVisible():
            self.show()
            self.raise_()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw a frame."""
        painter = QPainter(self)
        pen = QPen(QColor("#ff8800"))
        pen.setWidth(2)
        painter.setPen(pen)
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()


def _find(opened: Dock, dock: str, control: str | QWidget | Widget) -> QWidget:
    """The Qt widget of a control."""
    found: Any = control
    if isinstance(control, str):
        found = opened
        for part in control.split("."):
            found = getattr(found, part, None)
        if not isinstance(found, (Widget, QWidget)):
            found = opened.native.findChild(QWidget, control)
        if found is None:
            raise ValueError(f"The dock {dock} must have the control, but {control!r} is not in it.")
    native: QWidget = found.native if isinstance(found, Widget) else found
    return native


def _focusable(control: QWidget) -> QWidget:
    """The part of a control that can have the focus."""
    parts = [control, *control.findChildren(QWidget)]
    able = [
        p for p in parts if p.isEnabled() and p.focusPolicy() != Qt.FocusPolicy.NoFocus and not p.isHidden()
    ]
    return able[0] if able else control
