"""Which voxels a decoder may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.forms import ChoiceForm
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.widgets.bench import Bench, beside
from napari_fmri_decoder._napari.widgets.layer_box import LayerBox
from napari_fmri_decoder._napari.widgets.prepare_steps import empty_mask, mask_of, strategies
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import MaskConfig, mask_from_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

    from napari_fmri_decoder.volumes.volume import Volume

MASK = "mask"
"""Name of the step that applies one."""
NOT_A_MASK = "fmri_decoder helper"
"""In the metadata of labels that only mark something."""


class MaskView(QWidget):
    """Makes a mask by a strategy, takes one from a layer, or lets one be painted."""

    changed = Signal()

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench, self._session = bench, bench.session
        self.form = ChoiceForm(strategies(), "strategy")
        self.form.control("strategy").setObjectName("mask_strategy")
        self.form.changed.connect(self._on_choice)
        self.layer = LayerBox("mask_layer", "The labels whose voxels are kept: all that are not 0.", "none")
        self.layer.chosen.connect(lambda *_: self.changed.emit())
        self.about = words(name="mask_about")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.form)
        rows.addWidget(self.layer)
        apply = "Make the mask and show it; a decoder sees no other voxels."
        paint = "Add an empty mask on the grid of the series and paint into it; then apply it, as a layer."
        rows.addWidget(
            beside(
                bench.button("apply_mask", "Apply mask", apply, self._apply, self._cannot_apply),
                bench.button("paint_mask", "Paint a mask", paint, self._paint, bench.no_series),
                bench.button("clear_mask", "No mask", "Use every voxel.", self._clear, self._cannot_clear),
            )
        )
        rows.addWidget(self.about)
        self._on_choice()

    def on_layers(self) -> None:
        """Offer the labels that there are."""
        labels = [layer for layer in self._session.viewer.layers if isinstance(layer, Labels)]
        self.layer.set_layers([layer for layer in labels if NOT_A_MASK not in layer.metadata])

    def on_state(self, name: str) -> None:
        """Follow the session."""
        if name == "mask":
            mask = self._session.state.mask
            self.about.setText("" if mask is None else f"{mask.name}: {int((mask.at(0) > 0).sum()):,} voxels")

    def _on_choice(self) -> None:
        self.layer.setVisible(self.form.choice == "layer")
        self.changed.emit()

    def _cannot_apply(self) -> str | None:
        missing = self.form.choice == "layer" and self.layer.layer is None
        return self._bench.no_series() or ("Choose a labels layer, or paint one." if missing else None)

    def _cannot_clear(self) -> str | None:
        return self._bench.busy() or ("There is none." if self._session.state.mask is None else None)

    @guard()
    def _apply(self) -> None:
        if self.form.choice == "layer":
            self._take_layer()
            return
        config = self.form.config()
        if not isinstance(config, MaskConfig):
            raise TypeError(f"Strategies must be MaskConfig, got {type(config)}.")

        def show(made: tuple[Volume, list[str]]) -> None:
            self._take(*made, config, [self._session.add(made[0])])

        self._bench.run(f"Mask: {config.strategy}", lambda series: mask_of(config, series), show)

    def _take_layer(self) -> None:
        layer = self.layer.layer
        volume = self._session.volume(layer) if layer is not None else None
        if layer is None or volume is None:
            raise InputError("A mask must come from a labels layer, found none. Choose one, or paint one.")
        mask, notes = mask_from_volume(volume, self._bench.series.grid)
        layer.mode = "pan_zoom"
        self._take(mask, notes, None, [])

    def _take(
        self, mask: Volume, notes: Sequence[str], config: MaskConfig | None, added: Sequence[Layer]
    ) -> None:
        self._session.take_step(MASK, added, hide=self._old(), mask=mask, mask_options=config)
        if notes:
            show_info(" ".join(notes))

    def _old(self) -> list[Layer]:
        """Masks that were made before."""
        return [layer for step in self._session.steps if step.name == MASK for layer in step.layers]

    @guard()
    def _paint(self) -> None:
        layer = self._session.add(empty_mask(self._bench.series), opacity=0.6)
        self._session.take_step("painted mask", [layer])
        layer.selected_label, layer.brush_size = 1, 5
        self._session.viewer.layers.selection.active = layer
        layer.mode = "paint"
        self.form.choose("layer")
        self.layer.layer = layer

    @guard()
    def _clear(self) -> None:
        self._session.take_step("no mask", hide=self._old(), mask=None, mask_options=None)
