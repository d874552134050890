"""The focus stays where the user is: in sight, and at a button while its job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_fmri_decoder._napari.qt.frame import is_behind, is_plugin_dock
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.qt.sections import scroll_to

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class FocusReturn(QObject):
    """Gives the focus back to a control that was disabled with it, and raises the dock that gets the focus.

    Qt moves the focus on when its control is disabled: after Train it would be on a button of the title bar,
    and the next press of the space bar would hide the dock. Qt also moves it into docks behind other tabs,
    where nobody sees it.

    Parameters
    ----------
    app : QApplication
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._owed: QWidget | None = None  # was disabled with the focus
        self._holder: QWidget | None = None  # where Qt moved the focus
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._into_sight)
        app.focusChanged.connect(self._on_focus)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        if new is None:
            return  # the window is not active, or Qt found no other control
        if old is not None and isalive(old) and not old.isEnabled():  # type: ignore[no-untyped-call]
            if self._owed is None and _in_plugin_dock(old):
                self._owed = old
                old.installEventFilter(self)
        else:
            if new is not self._holder:
                self._forget()
            _raise_dock(new)
            self._soon.start(0)  # a dock that was just opened or changed has no layout yet
        self._holder = new

    def _into_sight(self) -> None:
        """Scroll to the control with the focus; Qt does so before controls that appear have their place."""
        control = self._holder
        if control is None or not isalive(control) or not control.hasFocus():  # type: ignore[no-untyped-call]
            return
        if control.visibleRegion().isEmpty() and _in_plugin_dock(control):
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            scroll_to(control)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Give the focus back to the control that is enabled again, unless its dock is now behind another."""
        owed = self._owed
        if event is not None and event.type() == QEvent.Type.EnabledChange and owed is watched:
            if owed is not None and owed.isEnabled():
                self._forget()
                dock = dock_of(owed)
                if dock is None or not is_behind(dock):
                    owed.setFocus(Qt.FocusReason.OtherFocusReason)
        return False

    def _forget(self) -> None:
        owed, self._owed = self._owed, None
        if owed is not None and isalive(owed):  # type: ignore[no-untyped-call]
            owed.removeEventFilter(self)


def _in_plugin_dock(control: QWidget) -> bool:
    dock = dock_of(control)
    return dock is not None and is_plugin_dock(dock)


def _raise_dock(control: QWidget) -> None:
    """Bring the dock of a control in front of the docks with which it shares a place."""
    dock = dock_of(control)
    if dock is not None and is_plugin_dock(dock) and is_behind(dock):
        dock.raise_()
