"""The mask: voxels that a decoder uses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.prepare.regions import RegionBox
from napari_fmri_decoder._napari.qt.choice_form import ChoiceForm
from napari_fmri_decoder._napari.qt.dock import text_label
from napari_fmri_decoder._napari.qt.layer_box import LayerBox
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import row
from napari_fmri_decoder._napari.viewer.preparation import (
    Masked,
    combine_masks,
    empty_mask,
    mask_from_config,
    mask_from_layer,
    series_mean,
    strategies,
)
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import MaskConfig, Shaping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer

    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder.volumes.volume import Volume

MASK = "mask"
"""Name of the step that applies a mask."""
HOW = (
    ("Replace current mask", None),
    ("Intersect with current mask", "and"),
    ("Add to current mask", "or"),
    ("Subtract from current mask", "minus"),
)
"""Ways to combine a new mask with the current one."""


class MaskView(QWidget):
    """Makes a mask by a strategy, uses one from a layer, or lets the user paint one."""

    changed = Signal()

    def __init__(self, jobs: PrepareJobs) -> None:
        super().__init__()
        self._jobs, self._session = jobs, jobs.session
        self.form = ChoiceForm(strategies(), "strategy")
        self.form.control("strategy").setObjectName("mask_strategy")
        self.form.changed.connect(self._on_choice)
        self.layer = LayerBox("mask_layer", "Labels layer to use as mask: all voxels other than 0.", "none")
        self.layer.chosen.connect(self._on_layer)
        self.regions = RegionBox()
        self.how = QComboBox()
        self.how.setObjectName("mask_how")
        self.how.setToolTip("<p>How the new mask is combined with the current one.</p>")
        for text, how in HOW:
            self.how.addItem(text, how)
        self.about = text_label(name="mask_about")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.form)
        rows.addWidget(self.layer)
        rows.addWidget(self.regions)
        rows.addWidget(self.how)
        apply = "Make and show the mask; the decoder uses only its voxels."
        paint = "Paint an empty mask over the mean of the series; then apply it as a layer."
        rows.addWidget(
            row(
                jobs.button("apply_mask", "Apply mask", apply, self._apply, self._cannot_apply),
                jobs.button("paint_mask", "Paint a mask", paint, self._paint, jobs.no_series),
                jobs.button("clear_mask", "No mask", "Use all voxels.", self._clear, self._cannot_clear),
            )
        )
        rows.addWidget(self.about)
        self.how.hide()
        self._on_choice()

    def on_layers(self) -> None:
        """List the labels layers."""
        labels = [layer for layer in self._session.viewer.layers if isinstance(layer, Labels)]
        self.layer.set_layers(labels)

    def on_state(self, name: str) -> None:
        """Follow the session."""
        recipe = self._session.state.recipe
        if name == "recipe" and recipe is not None and recipe.data.mask is not None:
            if recipe.data.mask.strategy in strategies():  # a combined mask has no form
                self.form.set_values(recipe.data.mask)
        elif name == "mask":
            mask = self._session.state.preparation.mask
            self.about.setText("" if mask is None else _about(mask))
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
        return self._jobs.no_series() or ("Choose or paint a labels layer." if missing else None)

    def _cannot_clear(self) -> str | None:
        mask = self._session.state.preparation.mask
        return self._jobs.busy() or ("There is no mask." if mask is None else None)

    @guard()
    def _apply(self) -> None:
        options = self.form.config()
        if not isinstance(options, Shaping):
            raise TypeError(f"Strategies must be Shaping, got {type(options)}.")
        make = self._maker(options)
        preparation, how = self._session.state.preparation, self.how.currentData()
        mask = preparation.mask
        before = None if mask is None else Masked(mask, preparation.mask_config)

        def work(series: Volume) -> Masked:
            made = make(series)
            return combine_masks(before, made, how, series) if before is not None and how else made

        def show(made: Masked) -> None:
            layer = self.layer.layer if self.form.choice == "layer" else None
            if layer is not None:
                layer.mode = "pan_zoom"
            self._apply_mask(made, [] if self._shows(layer, made) else [self._session.add(made.mask)])

        self._jobs.run(f"Mask: {self.form.choice}", work, show)

    def _maker(self, options: Shaping) -> Callable[[Volume], Masked]:
        """A function that makes the mask of a series, to be run in a thread."""
        if isinstance(options, MaskConfig):
            return lambda series: mask_from_config(options, series)
        layer = self.layer.layer
        volume = self._session.volume(layer) if layer is not None else None
        if volume is None:
            raise InputError("A mask needs a labels layer, but none is chosen. Choose or paint one.")
        picked = self.regions.picked or None
        return lambda series: mask_from_layer(volume, options, series, picked)

    def _shows(self, layer: Layer | None, made: Masked) -> bool:
        """Whether a layer shows exactly the voxels of a mask, so that no other layer is needed."""
        volume = self._session.volume(layer) if layer is not None else None
        if volume is None or not volume.grid.same_as(made.mask.grid):
            return False
        return np.array_equal(volume.at(0) != 0, made.mask.at(0) != 0)

    def _apply_mask(self, made: Masked, added: Sequence[Layer]) -> None:
        notes = tuple(dict.fromkeys((*made.mask.notes, *made.notes)))
        mask = replace(made.mask, notes=notes)
        self._session.take_step(MASK, added, hide=self._earlier_masks(), mask=mask, mask_config=made.config)
        if made.notes:
            show_info(" ".join(made.notes))

    def _earlier_masks(self) -> list[Layer]:
        """Layers of masks that were applied before."""
        return [layer for step in self._session.steps if step.name == MASK for layer in step.layers]

    @guard()
    def _paint(self) -> None:
        def show(mean: Volume) -> None:
            self._jobs.keep_mean(mean)
            below = self._session.add(mean)
            layer = self._session.add(empty_mask(self._jobs.series), opacity=0.6)
            series = self._session.state.preparation.series
            self._session.take_step("painted mask", [below, layer], hide=[] if series is None else [series])
            layer.selected_label, layer.brush_size = 1, 5
            self._session.viewer.layers.selection.active = layer
            layer.mode = "paint"
            self.form.choose("layer")
            self.layer.layer = layer

        mean = self._jobs.mean
        self._jobs.run("Mean of series", lambda series: mean or series_mean(series), show)

    @guard()
    def _clear(self) -> None:
        with all_or_nothing(self._session):
            self._session.take_step("no mask", hide=self._earlier_masks(), mask=None, mask_config=None)


def _about(mask: Volume) -> str:
    """Name of a mask, its number of voxels, and its notes."""
    return "\n".join([f"{mask.name}: {int((mask.at(0) > 0).sum()):,} voxels", *mask.notes])
