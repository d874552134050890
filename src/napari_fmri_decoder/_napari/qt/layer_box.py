"""A combo box of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox

from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.qt.spin_boxes import WheelGuard

if TYPE_CHECKING:
    from napari.layers import Layer


class LayerBox(QComboBox):
    """Chooses a layer.

    Attributes
    ----------
    chosen : Signal
        Sent with the layer, or None, after another one was chosen or the layer was removed.
    """

    chosen = Signal(object)

    def __init__(self, name: str, tip: str, none: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(f"<p>{tip}</p>")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(WheelGuard(self))
        self._none = none
        self._layers: list[Layer | None] = [None]
        self.addItem(none)
        self.currentIndexChanged.connect(lambda *_: self.chosen.emit(self.layer))

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self._layers[self.currentIndex()] if self.currentIndex() >= 0 else None

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self.setCurrentIndex(next((i for i, one in enumerate(self._layers) if one is layer), 0))

    def set_layers(self, layers: Sequence[Layer]) -> None:
        """List these layers; the choice is kept if possible."""
        before: Any = self.layer
        blocked = self.blockSignals(True)
        self._layers = [None, *(layer for layer in layers if HELPER not in layer.metadata)]
        self.clear()
        self.addItems([layer.name if layer else self._none for layer in self._layers])
        self.layer = before
        self.blockSignals(blocked)
        if self.layer is not before:
            self.chosen.emit(self.layer)
