"""A number with a unit, limits and scientific notation, as a magicgui widget."""

from __future__ import annotations

import math
from typing import Any

from magicgui.types import Undefined
from magicgui.widgets.bases import ValuedContainerWidget
from qtpy.QtCore import Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QWidget

from napari_fmri_decoder._napari.forms.native import ignore_wheel

STORED_DECIMALS = 25
"""Decimals of a stored number: all that a float has, even if fewer are shown."""


class FloatBox(QDoubleSpinBox):
    """A spin box that writes 0.0001 and reads 1e-4, and can step by one in the leading digit."""

    decade: float | None = None
    """Step at 0, if steps follow the leading digit."""
    digits = 10
    """Number of digits shown; all are stored."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(STORED_DECIMALS)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(70)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def textFromValue(self, value: float) -> str:
        """Format without trailing zeros."""
        return f"{value:.{self.digits}g}"

    def valueFromText(self, text: str | None) -> float:
        """Read a number; invalid text, or the text of the value itself, keeps the value with all digits."""
        bare = self._bare(text)
        if bare == self.textFromValue(self.value()):
            return self.value()
        try:
            return float(bare)
        except ValueError:
            return self.value()

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers, and text that may become one."""
        bare = self._bare(text)
        try:
            inside = self.minimum() <= float(bare) <= self.maximum()
            state = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        except ValueError:
            typing = not set(bare) - set("0123456789.eE+-")
            state = QValidator.State.Intermediate if typing else QValidator.State.Invalid
        return state, text or "", position

    def stepBy(self, steps: int) -> None:
        """Step by the single step, or by one in the leading digit."""
        value, size = self.value(), self.decade or self.singleStep()
        if self.decade is not None and value:
            away = steps * value > 0  # up from 1 to 2, but down to 0.9
            size = 10.0 ** math.floor(math.log10(abs(value) * (1 + 1e-9 if away else 1 - 1e-9)))
        self.setValue(float(f"{value + steps * size:.10g}"))

    def _bare(self, text: str | None) -> str:
        return (text or "").removesuffix(self.suffix()).strip()


class Number(ValuedContainerWidget[float]):
    """A number with a unit, shown in scientific notation where that is shorter.

    Parameters
    ----------
    value : float, optional
    min, max : float
        Limits, both allowed.
    step : float, optional
        By default 0.05 for fractions, otherwise 1; numbers around a default below the step, and those that
        must be positive, step in their leading digit.
    unit : str
        Shown behind the number.
    integer : bool
        Whether the value is an int.
    usual : float, optional
        Its size chooses the step; `value` by default.
    **options : Any
        See `magicgui.widgets.bases.Widget`.

    Raises
    ------
    ValueError
        If a value beyond the limits is set.
    """

    def __init__(
        self,
        value: float | Any = Undefined,
        *,
        min: float = -1e12,
        max: float = 1e12,
        step: float | None = None,
        unit: str = "",
        integer: bool = False,
        usual: Any = Undefined,
        **options: Any,
    ) -> None:
        self._box, self._type = FloatBox(), int if integer else float
        self.min, self.max = min, max
        self._box.setRange(min, max)
        self._box.setSingleStep(step or (0.05 if 0 <= min and max <= 1 and not integer else 1.0))
        usual = next((number for number in (usual, value) if isinstance(number, float)), 1.0)
        if step is None and not integer and (min > 0 or 0 < usual < self._box.singleStep()):
            self._box.decade = 10.0 ** math.floor(math.log10(usual)) if usual > 0 else None
        if unit:
            self._box.setSuffix(unit if unit.startswith("°") else f" {unit}")
        self._box.setValue(1 if min > 0 else 0)
        options = {"layout": "horizontal", "labels": False, **options}
        super().__init__(value, **options)
        self.margins = (0, 0, 0, 0)
        self.native.layout().addWidget(self._box)
        self.native.setFocusProxy(self._box)
        ignore_wheel(self._box)
        self._box.setAccessibleName(self.label)
        self._box.valueChanged.connect(self._on_box)  # a lambda would keep the widget alive in PySide6

    def _on_box(self, _: float) -> None:
        self.changed.emit(self.value)

    def get_value(self) -> float:
        """Return the number."""
        if self._box.hasAcceptableInput():
            self._box.interpretText()  # typed text counts even before the box loses the focus
        return self._type(self._box.value())

    def set_value(self, value: Any) -> None:
        """Set the number."""
        try:
            self._box.setValue(self._checked(value))
        except (TypeError, ValueError, OverflowError):
            what = "a whole number" if self._type is int else "a number"
            name, limits = self.label or "The value", _limits(self.min, self.max)
            raise ValueError(f"{name} must be {what} {limits}; got {value!r}.") from None

    def _checked(self, value: Any) -> float:
        number = self._type(value)
        if not self.min <= number <= self.max or number != value:
            raise ValueError
        return number


def _limits(low: float, high: float) -> str:
    """Describe limits; those next to a round number exclude it."""
    above = float(f"{low:.10g}") < low or 0 < low < 1e-20
    below = float(f"{high:.10g}") > high
    if not above and not below:
        return f"from {low:g} to {high:g}"
    first = f"above {0 if low < 1e-20 else low:g}" if above else f"of at least {low:g}"
    return f"{first} and {'below' if below else 'at most'} {high:g}"
