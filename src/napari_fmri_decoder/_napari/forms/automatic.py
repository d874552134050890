"""A number that may have a special value such as None: automatic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magicgui.types import Undefined
from magicgui.widgets import CheckBox
from magicgui.widgets.bases import ValuedContainerWidget

from napari_fmri_decoder._napari.forms.number import Number


def default_text(text: str, meaning: Any) -> str:
    """Text of a special value, or the default that it means, where no number shows it."""
    return text if meaning is None else f"default: {meaning}"


class Automatic(ValuedContainerWidget[Any]):
    """A check box for a special value such as None, and a number for all others.

    Parameters
    ----------
    value : float or special
    special : None or str
        The value if the box is checked.
    text : str
        Text of the check box.
    number : mapping
        Options of the `Number`.
    **options : Any
        See `magicgui.widgets.bases.Widget`.

    Attributes
    ----------
    auto : CheckBox
    number : Number
    """

    def __init__(
        self,
        value: Any = Undefined,
        *,
        special: str | None = None,
        text: str = "auto",
        number: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._special, self._text = special, text
        self._known = False
        self.auto = CheckBox(text=text, value=True)
        self.auto.native.setObjectName("auto")
        self.number = Number(label=options.get("label"), **(number or {}))
        options.pop("nullable", None)
        super().__init__(widgets=[self.auto, self.number], layout="horizontal", labels=False, **options)
        self.margins = (0, 0, 0, 0)
        policy = self.number.native.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.number.native.setSizePolicy(policy)
        self.native.setFocusProxy(self.auto.native)
        self._show()
        self.auto.changed.connect(self._on_auto)
        self.number.changed.connect(self._on_number)
        if value is not Undefined:
            self.set_value(value)

    def get_value(self) -> Any:
        """Return the special value if the box is checked, otherwise the number."""
        return self._special if self.auto.value else self.number.value

    def set_value(self, value: Any) -> None:
        """Check the box for the special value; otherwise uncheck it and set the number."""
        before = self.value
        with self.changed.blocked():
            if value != self._special:
                self.number.value = value
            self.auto.value = value == self._special
        if self.value != before:
            self.changed.emit(self.value)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that the special one means in the disabled number; None hides it."""
        self._known = meaning is not None
        if meaning is not None and self.auto.value:
            self.number.value = meaning
        self._show()

    def _show(self) -> None:
        self.number.enabled = not self.auto.value
        self.number.visible = self._known or not self.auto.value

    def _on_auto(self) -> None:
        self._show()
        self.changed.emit(self.value)

    def _on_number(self) -> None:
        if not self.auto.value:
            self.changed.emit(self.value)
