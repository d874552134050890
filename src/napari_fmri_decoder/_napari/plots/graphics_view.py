"""The graphics view of a plot, and its legend."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtWidgets import QGraphicsTextItem

if TYPE_CHECKING:
    from qtpy.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent

DASHES, DOTS, DASHES_DOTS = "╌╌", "┈┈", "╌·"
"""Signs of lines in legends."""


class GraphicsView(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Zooms with the wheel only after a click, so that the dock around it can be scrolled.

    Attributes
    ----------
    zoomable : bool
        Whether the wheel zooms and a double click resets the range.
    """

    zoomable = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, or pass the wheel on to the dock."""
        if self.zoomable and self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset the range."""
        super().mouseDoubleClickEvent(event)
        if self.zoomable:
            self.parent().reset_range()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show the menu that saves the picture or its data."""
        self.parent().menu.popup(event.globalPos())
        event.accept()


class Legend(pg.GraphicsWidget):  # type: ignore[misc]
    """Names with their colors, wrapped to the width of the plot; the plot grows by its height."""

    def __init__(self, view: GraphicsView, plain_height: int) -> None:
        super().__init__()
        self._view, self._plain_height, self._height = view, plain_height, -1.0
        self._text = QGraphicsTextItem(self)

    def show_names(self, colors: Mapping[str, str], ink: str, signs: Mapping[str, str] | None = None) -> None:
        """Show each name after a square of its color, or after another sign such as dashes."""
        known = signs or {}
        parts = (
            f'<span style="color:{color}">{known.get(name, "■")}</span>&nbsp;'
            f"{escape(name).replace(' ', '&nbsp;')}&nbsp;&nbsp; "
            for name, color in colors.items()
        )
        self._text.setHtml(f'<div style="color:{ink}">{"".join(parts)}</div>' if colors else "")
        self.resizeEvent(None)

    def text(self) -> str:
        """The names, as plain text."""
        return str(self._text.toPlainText())

    def set_plain_height(self, height: int) -> None:
        """Set the height of the view without the legend."""
        self._plain_height = height
        self._view.setMinimumHeight(height + int(max(self._height, 0)))

    def resizeEvent(self, event: Any) -> None:
        """Wrap the names to the new width."""
        self._text.setTextWidth(self.size().width())
        height = self._text.boundingRect().height() if self._text.toPlainText() else 0.0
        if height != self._height:
            self._height = height
            self.setFixedHeight(height)
            self.set_plain_height(self._plain_height)
