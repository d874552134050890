"""A slider with two handles for the planes of a slab."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QRangeSlider

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.spin_boxes import WheelGuard


class PlanesSlider(QWidget):
    """Chooses start and stop plane; disabled until the number of planes is known.

    Attributes
    ----------
    moved : Signal
        Sent with start and stop while the user drags; not by `set_planes`.
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
        """Show planes start to stop of n; n = 0 if unknown."""
        self._n = n
        set_available(
            self.slider,
            None if n else "Change a slab setting or rotate to start.",
            "Drag the ends, or the bar between them. The slab is drawn over the brain as it moves.",
        )
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, max(1, n))
        self.slider.setValue((start, stop))
        self.slider.blockSignals(blocked)
        self.count.setText(f"of {n} planes" if n else "")

    def _on_moved(self, ends: tuple[int, int]) -> None:
        low, high = (int(v) for v in ends)
        if low == high:  # a slab has at least one plane
            low, high = (low - 1, high) if high == self._n else (low, high + 1)
        self.moved.emit(low, high)
