"""Combo boxes whose text is elided in the middle, so that the ends of long file names are readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QStyle, QStyleOptionComboBox, QStylePainter

if TYPE_CHECKING:
    from qtpy.QtWidgets import QComboBox

MARGIN = 8
"""Pixels between the text and the edges of its field."""


class Elide(QObject):
    """Paints a combo box with an elided text; its list shows the texts in full.

    Parameters
    ----------
    box : QComboBox
        Owns this object.
    """

    def __init__(self, box: QComboBox) -> None:
        super().__init__(box)
        self._box = box
        box.installEventFilter(self)

    def text(self) -> str:
        """The text that fits into the box."""
        option = self._option()
        part = QStyle.SubControl.SC_ComboBoxEditField
        style = self._box.style()
        if style is None:
            return self._box.currentText()
        field = style.subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self._box)
        metrics = self._box.fontMetrics()
        width = max(field.width() - MARGIN, 0)
        return metrics.elidedText(self._box.currentText(), Qt.TextElideMode.ElideMiddle, width)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Paint in place of the box."""
        if event is None or event.type() != QEvent.Type.Paint or watched is not self._box:
            return False
        option, painter = self._option(), QStylePainter(self._box)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.text()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()
        return True

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self._box.initStyleOption(option)
        return option
