"""Small widgets that many docks are made of."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from napari_fmri_decoder._napari.boxes import WheelGuard


def beside(*widgets: QWidget) -> QWidget:
    """Put widgets beside one another."""
    row = QWidget()
    grid = QGridLayout(row)
    grid.setContentsMargins(0, 0, 0, 0)
    for column, widget in enumerate(widgets):
        grid.addWidget(widget, 0, column)
    return row


def push_button(name: str, text: str, tip: str = "") -> QPushButton:
    """Make a button; what it does (`tip`) stays known as its "what's this" when the tooltip says more."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setWhatsThis(tip)
    return button


def choice_box(name: str, tip: str, letters: int = 12) -> QComboBox:
    """Make a box to choose from, as narrow as so many letters; the wheel scrolls past it."""
    box = QComboBox()
    box.setObjectName(name)
    box.setToolTip(f"<p>{tip}</p>")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(box))
    return box
