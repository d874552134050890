"""Sliders and boxes for the three rotation angles."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

from napari_fmri_decoder._napari.qt.controls import STORED_DECIMALS
from napari_fmri_decoder._napari.qt.spin_boxes import FloatBox, WheelGuard
from napari_fmri_decoder._napari.qt.throttle import Throttle
from napari_fmri_decoder.samples.slab_config import SlabConfig

Angles = tuple[float, float, float]
"""Degrees about x, y and z."""
_PER_DEGREE = 10  # steps of the slider
_REACH = 90  # range of the sliders in degrees; the boxes accept the range of the option
_PAUSE = 30  # milliseconds between two rotations while a slider is dragged


class AngleSliders(QWidget):
    """Rotation about x, y and z, each by a slider and a box.

    Attributes
    ----------
    rotated : Signal
        Sent with the angles while they change, at a limited rate.
    """

    rotated = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._boxes: list[FloatBox] = []
        self._sliders: list[QSlider] = []
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setColumnStretch(1, 1)
        for row, axis in enumerate("xyz"):
            self._add_row(rows, row, axis)
        self._throttle = Throttle(self, lambda: self.rotated.emit(self.angles), _PAUSE)

    def _add_row(self, rows: QGridLayout, row: int, axis: str) -> None:
        name = f"rotate_{axis}"
        box, slider = FloatBox(), QSlider(Qt.Orientation.Horizontal)
        box.setObjectName(name)
        box.setRange(-360, 360)
        box.setDecimals(STORED_DECIMALS)
        box.digits = 7
        box.setSuffix("°")
        box.setKeyboardTracking(False)
        slider.setObjectName(f"{name}_slider")
        slider.setRange(-_REACH * _PER_DEGREE, _REACH * _PER_DEGREE)
        description = SlabConfig.model_fields[name].description
        widgets: tuple[QWidget, QWidget] = (box, slider)
        for widget in widgets:
            widget.setToolTip(f"<p>{description} All brain layers rotate while it is moved.</p>")
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(WheelGuard(widget))
        slider.valueChanged.connect(lambda value: box.setValue(value / _PER_DEGREE))
        box.valueChanged.connect(lambda value: self._on_box(slider, value))
        label = QLabel(f"about {axis}")
        label.setBuddy(box)
        rows.addWidget(label, row, 0)
        rows.addWidget(slider, row, 1)
        rows.addWidget(box, row, 2)
        self._boxes.append(box)
        self._sliders.append(slider)

    def _on_box(self, slider: QSlider, value: float) -> None:
        blocked = slider.blockSignals(True)
        slider.setValue(round(value * _PER_DEGREE))
        slider.blockSignals(blocked)
        self._throttle.change()

    @property
    def angles(self) -> Angles:
        """Degrees about x, y and z."""
        x, y, z = (box.value() for box in self._boxes)
        return x, y, z

    def settle(self) -> None:
        """Send a pending change now, before another step."""
        self._throttle.settle()

    def set_angles(self, angles: Angles) -> None:
        """Set boxes and sliders without sending a signal."""
        self._throttle.drop()
        for box, slider, angle in zip(self._boxes, self._sliders, angles, strict=True):
            if box.value() == angle:
                continue
            for widget in (box, slider):
                widget.blockSignals(True)
            box.setValue(angle)
            slider.setValue(round(angle * _PER_DEGREE))
            for widget in (box, slider):
                widget.blockSignals(False)
