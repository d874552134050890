"""Painting labels on the time axis: a switch, and the label to paint."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

NOTHING = "no label"


class PaintBox(QWidget):
    """Sets whether dragging over the bands paints, and which label.

    Attributes
    ----------
    changed : Signal
        Sent when either changes.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QCheckBox("Paint")
        self.switch.setObjectName("paint_labels")
        self.switch.setToolTip(
            "<p>Drag over the bands to label volumes. Existing labels are converted to spans of the source "
            "<i>painted</i>, which a recipe can save.</p>"
        )
        self.box = QComboBox()
        self.box.setObjectName("paint_label")
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setToolTip(f"<p>Type a new label, or choose one. <i>{NOTHING}</i> removes labels.</p>")
        if (line := self.box.lineEdit()) is not None:
            line.setPlaceholderText("label")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.switch)
        row.addWidget(self.box, 1)
        self.switch.toggled.connect(self.changed)
        self.box.currentTextChanged.connect(self.changed)

    @property
    def label(self) -> str | None:
        """Label that dragging paints; "" removes labels; None if painting is off."""
        text = self.box.currentText().strip()
        if not self.switch.isChecked() or not text:
            return None
        return "" if text == NOTHING else text

    def offer(self, labels: Sequence[str]) -> None:
        """Set the labels to choose from; typed text is kept."""
        text = self.box.currentText()
        blocked = self.box.blockSignals(True)
        self.box.clear()
        self.box.addItems([*labels, NOTHING])
        self.box.setCurrentText(text or (labels[0] if labels else ""))
        self.box.blockSignals(blocked)
