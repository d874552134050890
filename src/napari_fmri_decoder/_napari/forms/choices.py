"""Combo boxes with more than magicgui's: None with a text, typed text, and lists that change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QComboBox

from napari_fmri_decoder._napari.forms.automatic import default_text
from napari_fmri_decoder._napari.forms.elided import Elide
from napari_fmri_decoder._napari.forms.native import narrow, prepare_control
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.qt.availability import set_tooltip, tooltip
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer


def relist(box: ComboBox, value: Any) -> None:
    """List the choices again, in their order, and choose one of them; without a signal."""
    with box.changed.blocked():
        box.native.clear()  # magicgui keeps items by their text, in the order of their first use
        ComboBox.reset_choices(box)
        if value in box.choices:
            box.set_value(value)


class NullableChoice(ComboBox):
    """A combo box whose first choice is None, with any text."""

    def __init__(self, *, text: str = "auto", **options: Any) -> None:
        self.null_string = self._text = text
        super().__init__(nullable=True, **options)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that None means."""
        self.null_string = default_text(self._text, meaning)
        relist(self, self.value)


class LayerChoice(NullableChoice):
    """A combo box of layers without helper layers; its value is the layer, or None.

    napari resets the choices of docked magicgui widgets after each change of the layer list. The choice is
    kept when layers are added, renamed or reordered.

    Parameters
    ----------
    name, label, tip : str
    layers : callable
        Returns the layers to choose from.
    text : str
        Text of the choice None.
    helpers : bool
        Whether helper layers, such as those of results, can be chosen as well.
    """

    def __init__(
        self,
        name: str,
        label: str,
        tip: str,
        layers: Callable[[], Iterable[Layer]],
        text: str = "none",
        *,
        helpers: bool = False,
    ) -> None:
        self._layers, self._tip, self._helpers = layers, tip, helpers
        super().__init__(name=name, label=label, text=text, choices=self._listed)
        narrow(self.native)
        self.elide = Elide(self.native)
        prepare_control(self, name, label, tip)
        self.changed.connect(self._show_name)

    def _show_name(self) -> None:
        """Show the name of the layer in full in the tooltip."""
        layer = self.value
        name = "" if layer is None else f"</p><p>{escape(layer.name)}"
        set_tooltip(self, tooltip(f"{self._tip}{name}"))

    def _listed(self, _: Any) -> list[tuple[str, Layer]]:
        return [
            (layer.name, layer) for layer in self._layers() if self._helpers or HELPER not in layer.metadata
        ]

    @property
    def value(self) -> Layer | None:
        """The chosen layer."""
        return self.get_value()

    @value.setter
    def value(self, layer: Layer | str | None) -> None:
        """Choose a layer, also by its name; raises `InputError` if it is not among the choices."""
        listed = {one.name: one for one in self.choices if one is not None}
        found = listed.get(layer) if isinstance(layer, str) else layer
        if found not in self.choices or (found is None and layer is not None):
            name = getattr(layer, "name", layer)
            raise InputError(
                f"{self.label} must be one of the layers {', '.join(listed) or '(there are none)'}; "
                f"got {name!r}."
            )
        self.set_value(found)
        self._show_name()

    def reset_choices(self, *_: Any) -> None:
        """List the layers as they are now; the choice is kept if possible."""
        before = self.value
        relist(self, before)
        if self.value is not before:
            self.changed.emit(self.value)
        self._show_name()


class ListChoice(ComboBox):
    """A combo box that can list other choices, in their order.

    Parameters
    ----------
    name, label, tip : str
    choices : sequence of str or of (str, value)
        The first list.
    letters : int
        Width in letters; 0 for that of the longest choice.
    """

    def __init__(
        self, name: str, label: str, tip: str, choices: Sequence[Any] = (), letters: int = 12
    ) -> None:
        self._listed = choices
        super().__init__(name=name, label=label, choices=lambda _: self._listed)
        if letters:
            narrow(self.native, letters)
        prepare_control(self, name, label, tip)

    def relist(self, choices: Sequence[Any]) -> None:
        """List other choices, without a signal; the chosen one is kept if possible."""
        self._listed, chosen = choices, self.value
        relist(self, chosen)


class EditableChoice(ComboBox):
    """A combo box in which another text can be typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.native.setEditable(True)
        self.native.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.native.editTextChanged.connect(self._on_text)

    def _on_text(self, text: str) -> None:
        if self.native.findText(text) != self.native.currentIndex():  # typed, not chosen
            self.changed.emit(text)

    @property
    def value(self) -> str:
        """The text."""
        return str(self.native.currentText())

    @value.setter
    def value(self, text: str) -> None:
        """Set the text, also one that is not among the choices."""
        if text != self.value:
            with self.changed.blocked():
                self.native.setCurrentText(text)
            self.changed.emit(text)

    def offer(self, choices: Iterable[str]) -> None:
        """Set the choices; the text is kept."""
        text = self.value
        with self.changed.blocked():
            self.choices = tuple(choices)
            self.native.setCurrentText(text)
