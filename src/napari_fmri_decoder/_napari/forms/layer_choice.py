"""A choice of a layer, which follows the list of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.forms.controls import narrow
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.values import NullableChoice
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Layer


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
        The choice that stands for None.
    """

    def __init__(
        self, name: str, label: str, tip: str, layers: Callable[[], Iterable[Layer]], text: str = "none"
    ) -> None:
        self._layers = layers
        super().__init__(name=name, label=label, text=text, choices=self._listed)
        narrow(self.native)
        prepare_control(self, name, label, tip)

    def _listed(self, _: Any) -> list[tuple[str, Layer]]:
        return [(layer.name, layer) for layer in self._layers() if HELPER not in layer.metadata]

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

    def reset_choices(self, *_: Any) -> None:
        """List the layers as they are now; the choice is kept if possible."""
        before = self.value
        with self.changed.blocked():
            self.native.clear()
            super().reset_choices()
            after = before if before in self.choices else None
            self.set_value(after)
        if after is not before:
            self.changed.emit(after)
