"""Combo boxes and buttons whose text is elided in the middle, so that the ends of long names are readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter

if TYPE_CHECKING:
    from qtpy.QtWidgets import QComboBox, QPushButton

MARGIN = 8
"""Pixels between the text and the edges of its field."""

_SIZES = (QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.FontChange, QEvent.Type.StyleChange)


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


class ElideButton(QObject):
    """Gives a button as much of a text as fits; the button never asks for more width.

    Parameters
    ----------
    button : QPushButton
        Owns this object.
    """

    def __init__(self, button: QPushButton) -> None:
        super().__init__(button)
        self._button, self._text = button, ""
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.installEventFilter(self)

    def show(self, text: str) -> None:
        """Set the whole text."""
        self._text = text
        self._fit()

    def _fit(self) -> None:
        button = self._button
        width = max(button.width() - 3 * MARGIN, 0)
        shown = button.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideMiddle, width)
        if shown != button.text():
            button.setText(shown.replace("&", "&&"))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Fit the text again when the size or the font changes."""
        if event is not None and event.type() in _SIZES:
            self._fit()
        return False
