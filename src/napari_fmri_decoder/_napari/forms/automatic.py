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

    Unchecking the box keeps the number that the special value meant, as far as it is known.

    Parameters
    ----------
    value : float or special
    special : None or str
        The value if the box is checked.
    text : str
        Text of the check box.
    number : mapping
        Options of the `Number`.
    means : float, optional
        The number that has the same effect as the special value, if it always does.
    **options : Any
        See `magicgui.widgets.bases.Widget`.

    Attributes
    ----------
    auto : CheckBox
    number : Number
    waits : bool
        Whether the value stays the special one if the box is unchecked by hand before its meaning is known,
        until it is known or a number is typed.
    """

    def __init__(
        self,
        value: Any = Undefined,
        *,
        special: str | None = None,
        text: str = "auto",
        number: Mapping[str, Any] | None = None,
        means: Any = None,
        **options: Any,
    ) -> None:
        self._special, self._text = special, text
        self._meaning: Any = None
        self._means = means
        self.waits = self._waiting = self._setting = False
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
        return self._special if self.auto.value or self._waiting else self.number.value

    def set_value(self, value: Any) -> None:
        """Check the box for the special value; otherwise uncheck it and set the number."""
        before, self._setting, self._waiting = self.value, True, False
        try:
            with self.changed.blocked():
                if value != self._special:
                    self.number.value = value
                self.auto.value = value == self._special
        finally:
            self._setting = False
        if self.value != before:
            self.changed.emit(self.value)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that the special one means in the disabled number; None hides it."""
        self._meaning = meaning
        if self._waiting and meaning is not None:
            self.set_value(meaning)
        self._show()

    @property
    def meaning(self) -> Any:
        """The number that the special value means now; None if it is not known."""
        return self._means if self._meaning is None else self._meaning

    def _show(self) -> None:
        if self.meaning is not None and self.auto.value:
            self.number.value = self.meaning
        self.number.enabled = not self.auto.value
        self.number.visible = self._meaning is not None or not self.auto.value

    def _on_auto(self) -> None:
        self._waiting = self.waits and not (self.auto.value or self._setting) and self.meaning is None
        self._show()
        self.changed.emit(self.value)

    def _on_number(self) -> None:
        self._waiting = False
        if not self.auto.value:
            self.changed.emit(self.value)
