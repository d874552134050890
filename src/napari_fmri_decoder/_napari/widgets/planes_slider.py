"""A slider with two handles: the planes of a slab."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QRangeSlider

from napari_fmri_decoder._napari.boxes import WheelGuard


class PlanesSlider(QWidget):
    """Chooses planes among those that there are; grey until their number is known.

    Attributes
    ----------
    moved : Signal
        Sent with start and stop while a person drags; not when they are set.
    """

    moved = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._n = 0
        self.slider = QRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]
        self.slider.setObjectName("slab_planes")
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.installEventFilter(WheelGuard(self.slider))
        self.slider.valueChanged.connect(self._on_moved)
        self.count = QLabel()
        rows = QHBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.slider, 1)
        rows.addWidget(self.count)
        self.set_planes(0, 1, 0)

    def set_planes(self, start: int, stop: int, n: int) -> None:
        """Show planes start to stop of n; n = 0 is not known yet."""
        self._n = n
        self.slider.setEnabled(n > 0)
        self.slider.setToolTip(
            "<p>Drag the ends, or the bar between them: the slab is drawn over the head as it moves.</p>"
            + ("" if n else "<p><b>Touch a control of the slab, or turn the head, to begin.</b></p>")
        )
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, max(1, n))
        self.slider.setValue((start, stop))
        self.slider.blockSignals(blocked)
        self.count.setText(f"of {n} planes" if n else "")

    def _on_moved(self, ends: tuple[int, int]) -> None:
        low, high = (int(v) for v in ends)
        if low == high:  # a slab has one plane at least
            low, high = (low - 1, high) if high == self._n else (low, high + 1)
        self.moved.emit(low, high)
