"""Small widgets that many docks use."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from napari_fmri_decoder._napari.qt.spin_boxes import WheelGuard


def row(*widgets: QWidget) -> QWidget:
    """Put widgets next to each other."""
    row = QWidget()
    grid = QGridLayout(row)
    grid.setContentsMargins(0, 0, 0, 0)
    for column, widget in enumerate(widgets):
        grid.addWidget(widget, 0, column)
    return row


def push_button(name: str, text: str, tip: str = "") -> QPushButton:
    """Make a button; `tip` is also its "what's this" text, while its tooltip may show a reason."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setWhatsThis(tip)
    return button


def choice_box(name: str, tip: str, letters: int = 12) -> QComboBox:
    """Make a combo box with a minimum width in letters; the mouse wheel does not change it."""
    box = QComboBox()
    box.setObjectName(name)
    box.setToolTip(f"<p>{tip}</p>")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(box))
    return box
