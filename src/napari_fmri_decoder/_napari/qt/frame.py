"""The frame that napari puts around a dock: its title, its place among the plugin's docks, its menu entry."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.qt.sections import focus_inside

DockName = Literal["View", "Prepare", "Labels", "Train", "Look inside"]
NAMES: tuple[DockName, ...] = get_args(DockName)
"""Names of the plugin's docks, in the order of the work and of their tabs."""
_MARK = "napari_fmri_decoder_dock"


def mark_as_dock(widget: QWidget) -> None:
    """Mark a widget as the content of one of the plugin's docks."""
    widget.setProperty(_MARK, True)


def tabify(widget: QWidget) -> None:
    """Make the dock of `widget` a tab next to the plugin's other docks, in front of them."""
    own = dock_of(widget)
    window = own.parentWidget() if own is not None else None
    if own is None or not isinstance(window, QMainWindow) or own.isFloating():
        return
    area = window.dockWidgetArea(own)
    others = [
        other
        for other in window.findChildren(QDockWidget)
        if other is not own and is_plugin_dock(other) and window.dockWidgetArea(other) == area
    ]
    if others:  # several opened at once are first below one another: join the largest group of tabs
        largest = max(others, key=lambda other: len(window.tabifiedDockWidgets(other)))
        if own not in window.tabifiedDockWidgets(largest):
            window.tabifyDockWidget(largest, own)
            tabs = sorted((own, *window.tabifiedDockWidgets(own)), key=_order)
            for one, other in pairwise(tabs[tabs.index(own) :]):
                window.tabifyDockWidget(one, other)
    own.raise_()


class Frame(QObject):
    """Gives a dock a short title, lets napari's menu raise it, and leaves no focus in it behind another tab.

    napari titles a dock "Train (napari-fmri-decoder)", which five tabs have no room for. Its menu shows and
    hides an open dock; a dock behind another tab would be hidden by the first choice of its entry.

    Parameters
    ----------
    dock : QDockWidget
        Owns this object.
    """

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._dock = dock
        self._was_hidden = False
        dock.setWindowTitle(dock.windowTitle().partition(" (")[0])
        self._raise = QTimer(self)
        self._raise.setSingleShot(True)
        self._raise.setInterval(0)
        self._raise.timeout.connect(self._to_front)
        self._leave = QTimer(self)
        self._leave.setSingleShot(True)
        self._leave.setInterval(0)
        self._leave.timeout.connect(self._pass_focus)
        dock.visibilityChanged.connect(self._on_visible)
        action = dock.toggleViewAction()
        if action is not None:
            action.toggled.connect(self._on_toggled)

    def _on_toggled(self, shown: bool) -> None:
        """Come to the front when shown again, or when hidden behind another tab."""
        if self._dock.widget() is not None and (self._was_hidden if shown else is_behind(self._dock)):
            self._raise.start()
        self._was_hidden = not shown

    def _on_visible(self, visible: bool) -> None:
        if not visible:
            self._leave.start()

    def _pass_focus(self) -> None:
        """Give the focus to the dock in front of this one: nobody sees where it is here."""
        window, control = self._dock.parentWidget(), QApplication.focusWidget()
        if control is None or not isinstance(window, QMainWindow) or not is_behind(self._dock):
            return
        if self._dock.isAncestorOf(control):
            for other in window.tabifiedDockWidgets(self._dock):
                content = other.widget()
                if content is not None and is_plugin_dock(other) and not is_behind(other):
                    focus_inside(content)

    def _to_front(self) -> None:
        if self._dock.widget() is not None:
            self._was_hidden = False
            self._dock.show()
            self._dock.raise_()


def is_behind(dock: QDockWidget) -> bool:
    """Whether a dock is behind another tab: Qt keeps it outside the window."""
    window = dock.parentWidget()
    return window is not None and not dock.isFloating() and not window.rect().intersects(dock.geometry())


def _order(dock: QDockWidget) -> int:
    """Place of a dock among the tabs; those of others come first."""
    titles: tuple[str, ...] = NAMES
    return titles.index(dock.windowTitle()) if dock.windowTitle() in titles else -1


def is_plugin_dock(dock: QDockWidget) -> bool:
    """Whether a dock is one of the plugin's, and visible or behind another tab."""
    content, action = dock.widget(), dock.toggleViewAction()
    return bool(content is not None and content.property(_MARK) and action is not None and action.isChecked())
