"""Which voxels a decoder may see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.forms import ChoiceForm
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.prepare_steps import (
    Masked,
    combined,
    empty_mask,
    mask_of,
    mask_of_layer,
    mean_of,
    strategies,
)
from napari_fmri_decoder._napari.widgets.layer_box import LayerBox
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder._napari.widgets.region_box import RegionBox
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import MaskConfig, Shaping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer

    from napari_fmri_decoder._napari.widgets.bench import Bench
    from napari_fmri_decoder.volumes.volume import Volume

MASK = "mask"
"""Name of the step that applies one."""
HOW = (
    ("in place of the mask before", None),
    ("and the mask before", "and"),
    ("or the mask before", "or"),
    ("taken out of the mask before", "minus"),
)
"""How a new mask meets the one that is applied."""


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
        self.layer.chosen.connect(self._on_layer)
        self.regions = RegionBox()
        self.how = QComboBox()
        self.how.setObjectName("mask_how")
        self.how.setToolTip("<p>How the new mask meets the one that is applied now.</p>")
        for text, how in HOW:
            self.how.addItem(text, how)
        self.about = words(name="mask_about")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.form)
        rows.addWidget(self.layer)
        rows.addWidget(self.regions)
        rows.addWidget(self.how)
        apply = "Make the mask and show it; a decoder sees no other voxels."
        paint = "Paint into an empty mask, over the mean of the series; then apply it, as a layer."
        rows.addWidget(
            beside(
                bench.button("apply_mask", "Apply mask", apply, self._apply, self._cannot_apply),
                bench.button("paint_mask", "Paint a mask", paint, self._paint, bench.no_series),
                bench.button("clear_mask", "No mask", "Use every voxel.", self._clear, self._cannot_clear),
            )
        )
        rows.addWidget(self.about)
        self.how.hide()
        self._on_choice()

    def on_layers(self) -> None:
        """Offer the labels that there are."""
        labels = [layer for layer in self._session.viewer.layers if isinstance(layer, Labels)]
        self.layer.set_layers(labels)

    def on_state(self, name: str) -> None:
        """Follow the session."""
        recipe = self._session.state.recipe
        if name == "recipe" and recipe is not None and recipe.data.mask is not None:
            if recipe.data.mask.strategy in strategies():  # a combined one has no form
                self.form.set_values(recipe.data.mask)
        elif name == "mask":
            mask = self._session.state.mask
            self.about.setText("" if mask is None else _in_words(mask))
            self.how.setVisible(mask is not None)

    def _on_choice(self) -> None:
        self.layer.setVisible(self.form.choice == "layer")
        self._on_layer()

    def _on_layer(self, *_: Any) -> None:
        layer = self.layer.layer if self.form.choice == "layer" else None
        self.regions.set_atlas(self._session.volume(layer) if layer is not None else None)
        self.changed.emit()

    def _cannot_apply(self) -> str | None:
        missing = self.form.choice == "layer" and self.layer.layer is None
        return self._bench.no_series() or ("Choose a labels layer, or paint one." if missing else None)

    def _cannot_clear(self) -> str | None:
        return self._bench.busy() or ("There is none." if self._session.state.mask is None else None)

    @guard()
    def _apply(self) -> None:
        options = self.form.config()
        if not isinstance(options, Shaping):
            raise TypeError(f"Strategies must be Shaping, got {type(options)}.")
        make = self._maker(options)
        state, how = self._session.state, self.how.currentData()
        before = None if state.mask is None else Masked(state.mask, state.mask_options)

        def work(series: Volume) -> Masked:
            made = make(series)
            return combined(before, made, how, series) if before is not None and how else made

        def show(made: Masked) -> None:
            layer = self.layer.layer if self.form.choice == "layer" else None
            if layer is not None:
                layer.mode = "pan_zoom"
            self._take(made, [] if self._shows(layer, made) else [self._session.add(made.mask)])

        self._bench.run(f"Mask: {self.form.choice}", work, show)

    def _maker(self, options: Shaping) -> Callable[[Volume], Masked]:
        """What makes the mask of a series, to be run in a thread."""
        if isinstance(options, MaskConfig):
            return lambda series: mask_of(options, series)
        layer = self.layer.layer
        volume = self._session.volume(layer) if layer is not None else None
        if volume is None:
            raise InputError("A mask must come from a labels layer, found none. Choose one, or paint one.")
        picked = self.regions.picked or None
        return lambda series: mask_of_layer(volume, options, series, picked)

    def _shows(self, layer: Layer | None, made: Masked) -> bool:
        """Whether a layer shows just the voxels of a mask, so that no other need be added."""
        volume = self._session.volume(layer) if layer is not None else None
        if volume is None or not volume.grid.same_as(made.mask.grid):
            return False
        return np.array_equal(volume.at(0) != 0, made.mask.at(0) != 0)

    def _take(self, made: Masked, added: Sequence[Layer]) -> None:
        notes = tuple(dict.fromkeys((*made.mask.notes, *made.notes)))
        mask = replace(made.mask, notes=notes)
        self._session.take_step(MASK, added, hide=self._old(), mask=mask, mask_options=made.config)
        if made.notes:
            show_info(" ".join(made.notes))

    def _old(self) -> list[Layer]:
        """Masks that were made before."""
        return [layer for step in self._session.steps if step.name == MASK for layer in step.layers]

    @guard()
    def _paint(self) -> None:
        def show(mean: Volume) -> None:
            self._bench.keep_mean(mean)
            below = self._session.add(mean)
            layer = self._session.add(empty_mask(self._bench.series), opacity=0.6)
            self._session.take_step("painted mask", [below, layer], hide=[self._session.state.series])
            layer.selected_label, layer.brush_size = 1, 5
            self._session.viewer.layers.selection.active = layer
            layer.mode = "paint"
            self.form.choose("layer")
            self.layer.layer = layer

        known = self._bench.mean
        self._bench.run("Mean of series", lambda series: known or mean_of(series), show)

    @guard()
    def _clear(self) -> None:
        with self._session.all_or_nothing():
            self._session.take_step("no mask", hide=self._old(), mask=None, mask_options=None)


def _in_words(mask: Volume) -> str:
    """Say what a mask keeps, and what is to be known of it."""
    return "\n".join([f"{mask.name}: {int((mask.at(0) > 0).sum()):,} voxels", *mask.notes])
