"""A ring around the control that has the focus, in the docks of the plugin.

napari's style sheet draws no focus on most controls. The ring is drawn over them, so that it needs no style.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget

from napari_fmri_decoder._napari.qt.focus_return import FocusReturn

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

RING = "fmri_decoder_focus"
"""Dynamic property of widgets in which controls get a ring."""
ON_DARK, ON_LIGHT = "#ffd54f", "#0b3d91"
"""Contrast of at least 3:1 with the backgrounds and controls of napari's dark and light theme."""
WIDTH = 2
"""Pixels."""
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)


class FocusRing(QWidget):
    """Drawn around one control; follows it when it moves.

    Qt's QFocusFrame has the main window as its parent outside of scroll areas, where docks would hide it.

    Parameters
    ----------
    control : QWidget
    ground : QWidget
        An ancestor of the control, which the ring is a child of: it scrolls with the control.
    """

    def __init__(self, control: QWidget, ground: QWidget) -> None:
        super().__init__(ground)
        self._control, self._ground = control, ground
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        part: QWidget | None = control
        while part is not None and part is not ground:
            part.installEventFilter(self)
            part = part.parentWidget()
        self._follow()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the control and what it is in."""
        if event is not None and event.type() in _MOVES:
            self._follow()
        return False

    def _follow(self) -> None:
        corner = self._control.mapTo(self._ground, QPoint(0, 0))
        self.setGeometry(QRect(corner, self._control.size()).adjusted(-1, -1, 1, 1))
        self.setVisible(self._control.isVisibleTo(self._ground))
        self.raise_()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the ring in a color that differs from the background."""
        text = self._control.palette().windowText().color()
        painter = QPainter(self)
        painter.setPen(QPen(QColor(ON_DARK if text.lightness() > 127 else ON_LIGHT), WIDTH))
        half = WIDTH / 2
        painter.drawRect(QRectF(self.rect()).adjusted(half, half, -half, -half))
        painter.end()


class _FocusWatcher(QObject):
    """Moves the ring with the focus of the application."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.ring: FocusRing | None = None
        app.focusChanged.connect(self._on_focus)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        if self.ring is not None and isalive(self.ring):  # type: ignore[no-untyped-call]
            self.ring.hide()
            self.ring.deleteLater()
        ground = None if new is None else _ground(new)
        self.ring = FocusRing(new, ground) if new is not None and ground is not None else None


def show_focus(dock: QWidget) -> None:
    """Draw a ring around the control of a dock that has the focus."""
    dock.setProperty(RING, True)
    app = QApplication.instance()
    if isinstance(app, QApplication) and app.findChild(_FocusWatcher) is None:
        _FocusWatcher(app)
        FocusReturn(app)


def _ground(control: QWidget) -> QWidget | None:
    """What the ring of a control is drawn on: the content of its scroll area, or its dock; None elsewhere."""
    found: QWidget | None = None
    part = control.parentWidget()
    while part is not None:
        above = part.parentWidget()
        area = above.parentWidget() if above is not None else None
        if found is None and (
            part.property(RING) or (isinstance(area, QScrollArea) and area.widget() is part)
        ):
            found = part
        if part.property(RING):
            return found
        part = above
    return None
