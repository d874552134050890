"""An angle: magicgui's slider, which keeps every digit of what was set."""

from __future__ import annotations

import math
from typing import Any

from magicgui.widgets import FloatSlider
from qtpy.QtWidgets import QDoubleSpinBox, QSlider

from napari_fmri_decoder._napari.forms.native import prepare_control

DECIMALS = 3
"""Of the number next to the slider."""
REACH = 90.0
"""Range of the slider in degrees, which grows if a larger angle is set."""


class AngleSlider(FloatSlider):
    """A slider of degrees, with a number next to it.

    magicgui's slider holds whole millionths (8.2 becomes 8.199999); this one returns what was set.

    Parameters
    ----------
    name, label, tip : str
    limit : float
        Largest angle in either direction.
    """

    def __init__(self, name: str, label: str, tip: str, limit: float) -> None:
        self._exact, self._limit = 0.0, limit
        super().__init__(name=name, label=label, value=0.0, min=-REACH, max=REACH, step=0.1)
        prepare_control(self, name, label, tip)
        self.number: QDoubleSpinBox = self.native.findChild(QDoubleSpinBox)
        self.number.setObjectName(name)
        self.native.findChild(QSlider).setObjectName(f"{name}_slider")
        self.native.setObjectName(f"{name}_row")
        self.number.setDecimals(DECIMALS)
        self.number.setSuffix("°")
        self.number.setRange(-limit, limit)
        self.number.setKeyboardTracking(False)
        self.number.valueChanged.connect(self._widen)

    def get_value(self) -> float:
        """Return the angle in degrees."""
        shown = float(super().get_value())
        return self._exact if abs(shown - self._exact) < 0.6 * 10**-DECIMALS else shown

    def set_value(self, value: Any) -> None:
        """Set the angle.

        Raises
        ------
        ValueError
            If it is beyond the limit.
        """
        try:
            angle = float(value)
        except (TypeError, ValueError):
            angle = math.nan
        if not abs(angle) <= self._limit:
            raise ValueError(
                f"{self.label} must be an angle from {-self._limit:g}° to {self._limit:g}°; got {value!r}."
            )
        self._widen(angle)
        self._exact = angle
        super().set_value(angle)

    def _on_value_change(self, value: float | None = None) -> None:
        """Send the exact angle."""
        super()._on_value_change(self.get_value())

    def _widen(self, angle: float) -> None:
        """Let the slider reach an angle."""
        if abs(angle) > self.max:
            self.min, self.max = -self._limit, self._limit
            self.number.setRange(-self._limit, self._limit)
