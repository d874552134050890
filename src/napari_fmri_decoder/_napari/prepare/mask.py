"""The mask: voxels that a decoder uses."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info
from psygnal import Signal

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.choices import LayerChoice
from napari_fmri_decoder._napari.forms.controls import choice_box
from napari_fmri_decoder._napari.forms.step import Step, row
from napari_fmri_decoder._napari.prepare.mask_counts import MaskCounts
from napari_fmri_decoder._napari.prepare.regions import RegionChoice
from napari_fmri_decoder._napari.prepare.saving import SaveImage, mask_in_use
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.viewer.in_use import NO_MASK
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
from napari_fmri_decoder.samples.mask_coverage import Survey, survey
from napari_fmri_decoder.samples.masks import MaskConfig, Shaping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer

    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.volumes.volume import Volume

MASK = "mask"
"""Name of the step that applies a mask."""
PART = "mask"
FOR_MAPS: dict[str, Any] = {"strategy": "threshold", "above": 0.0, "absolute": True}
"""The default strategy for statistical maps."""
HOW = (
    ("Replace current mask", None),
    ("Intersect with current mask", "and"),
    ("Add to current mask", "or"),
    ("Subtract from current mask", "minus"),
)
"""Ways to combine a new mask with the current one."""


class MaskStep(Step):
    """Makes a mask by a strategy, uses one from a layer, or lets the user paint one.

    Attributes
    ----------
    layer : LayerChoice
        The layer of the strategy "layer".
    regions : RegionChoice
        Regions of an atlas in that layer.
    how : ComboBox
        How the new mask is combined with the current one.
    save : SaveImage
        ``save(path)`` saves the mask.
    chosen : Signal
        Sent after a choice that decides whether the mask can be applied.
    """

    chosen = Signal()

    def __init__(self, jobs: PrepareJobs) -> None:
        super().__init__("mask", ChoiceForm(strategies(), "strategy", name="options"))
        self.form.strategy.native.setObjectName("mask_strategy")
        self._jobs, self._session = jobs, jobs.session
        self._listed: Layer | None = None  # the layer whose regions are listed
        self._for_maps = False  # whether the default is that of maps
        tip = "Labels layer to use as mask: all voxels other than 0."
        self.form.append(LayerChoice("layer", "Layer", tip, self._labels_layers))
        self.layer.native.setObjectName("mask_layer")
        self.append(RegionChoice("regions"))
        about_how = "How the new mask is combined with the current one."
        self.append(choice_box("how", "How", about_how, HOW))
        self.how.native.setObjectName("mask_how")
        apply = "Make and show the mask; the decoder uses only its voxels."
        paint = "Paint an empty mask over the mean of the series; then apply it as a layer."
        self.save = SaveImage(jobs, "mask", partial(mask_in_use, self._session), "Apply a mask first.")
        clear = jobs.button(
            "clear_mask", "No mask", "Use all voxels.", self.no_mask, self._cannot_clear, PART
        )
        self.append(
            row(
                jobs.button("apply_mask", "Apply mask", apply, self._apply, self._cannot_apply, PART),
                jobs.button("paint_mask", "Paint a mask", paint, self._paint, jobs.no_series, PART),
            )
        )
        self.append(row(clear, self.save.button))
        self.about = text_label(name="mask_about")
        self.about.hide()
        self.counts = MaskCounts(jobs)
        self.add_native(jobs.message(PART), self.about, self.counts)
        self.how.hide()
        self.regions.hide()
        self.form.changed.connect(self._on_choice)
        self.form.changed.connect(jobs.error(PART).clear)
        self._on_choice()

    def _labels_layers(self) -> list[Layer]:
        return [layer for layer in self._session.viewer.layers if isinstance(layer, Labels)]

    def on_layers(self) -> None:
        """List the labels layers."""
        self.layer.reset_choices()

    def on_state(self, name: str) -> None:
        """Follow the session."""
        recipe = self._session.state.recipe
        if name == "recipe" and recipe is not None and recipe.data.mask is not None:
            if recipe.data.mask.strategy in strategies():  # a combined mask has no form
                self.form.update(recipe.data.mask)
        elif name == "mask":
            mask = self._session.state.preparation.mask
            self.about.setText("" if mask is None else _about(mask))
            self.about.setVisible(mask is not None)
            self.how.visible = mask is not None
            self.counts.refresh()
        elif name == "series":
            self.suit_series()

    def suit_series(self) -> None:
        """Choose the default strategy for the kind of the series; a choice that fits it is kept.

        The strategy epi finds the brain in BOLD images; for maps the default is a threshold on absolute
        values.
        """
        series = self._session.series
        maps = series is not None and series.kind == "stat"
        if maps and self.form.choice == "epi":
            self._for_maps = True
            self.form.update(FOR_MAPS)
        elif series is not None and not maps and self._for_maps:
            self._for_maps = False
            if self.form.choice == FOR_MAPS["strategy"] and self.form.asdict()["absolute"]:
                self.form.update(strategy="epi")
        self.counts.refresh()

    def _on_choice(self) -> None:
        """Show the layer where it is used, and its regions."""
        self.layer.visible = self.form.choice == "layer"
        self.counts.set_strategy(self.form.choice)
        if (layer := self._used_layer()) is not self._listed:
            self._listed = layer
            self.regions.set_atlas(self._session.volume(layer) if layer is not None else None)
        self.chosen.emit()

    def _used_layer(self) -> Layer | None:
        """The layer of the strategy "layer"."""
        return self.layer.value if self.form.choice == "layer" else None

    def _cannot_apply(self) -> str | None:
        missing = self.form.choice == "layer" and self._used_layer() is None
        return self._jobs.no_series() or ("Choose or paint a labels layer." if missing else None)

    def _cannot_clear(self) -> str | None:
        mask = self._session.state.preparation.mask
        return self._jobs.busy() or ("There is no mask." if mask is None else None)

    def apply(self, *, wait: bool = True) -> None:
        """Make and show the mask.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If it cannot be made, with the sentence that the dock shows.
        """
        self._apply().wait_if(wait)

    def _apply(self) -> Job:
        self._jobs.check(self._cannot_apply)
        options = self.form.config()
        if not isinstance(options, Shaping):
            raise TypeError(f"Strategies must be Shaping, got {type(options)}.")
        make = self._maker(options)
        preparation, how = self._session.state.preparation, self.how.value
        mask = preparation.mask
        before = None if mask is None else Masked(mask, preparation.mask_config)

        known, count = self._jobs.count.survey(), self._jobs.count

        def work(series: Volume) -> tuple[Masked, Survey | None]:
            found = known
            if isinstance(options, MaskConfig) and options.drawn_from_series():
                found = known or survey(series)  # the only pass over the series
                series = found.known(series)
            made = make(series)
            if before is not None and how:
                made = combine_masks(before, made, how, series)
            return made, found

        series = self._jobs.series

        def show(result: tuple[Masked, Survey | None]) -> None:
            made, found = result
            if found is not None:
                count.keep(series, found)
            layer = self._used_layer()
            if layer is not None:
                layer.mode = "pan_zoom"
            shown = layer is not None and self._shows(layer, made)
            added = [] if shown else [self._session.add(made.mask)]
            self._apply_mask(made, added, layer if shown else added[0])

        return self._jobs.run(f"Mask: {self.form.choice}", work, show, PART)

    def _maker(self, options: Shaping) -> Callable[[Volume], Masked]:
        """A function that makes the mask of a series, to be run in a thread."""
        if isinstance(options, MaskConfig):
            return lambda series: mask_from_config(options, series)
        layer = self._used_layer()
        volume = self._session.volume(layer) if layer is not None else None
        if volume is None:
            raise InputError("A mask needs a labels layer, but none is chosen. Choose or paint one.")
        picked = self.regions.value or None
        return lambda series: mask_from_layer(volume, options, series, picked)

    def _shows(self, layer: Layer, made: Masked) -> bool:
        """Whether a layer shows exactly the voxels of a mask, so that no other layer is needed."""
        volume = self._session.volume(layer)
        if volume is None or not volume.grid.same_as(made.mask.grid):
            return False
        return np.array_equal(volume.at(0) != 0, made.mask.at(0) != 0)

    def _apply_mask(self, made: Masked, added: Sequence[Layer], shown: Layer | None) -> None:
        notes = tuple(dict.fromkeys((*made.mask.notes, *made.notes)))
        mask = replace(made.mask, notes=notes)
        self._session.take_step(
            MASK,
            added,
            hide=self._earlier_masks(),
            mask=mask,
            mask_config=made.config,
            mask_layer=shown,
        )
        if made.notes:
            show_info(" ".join(made.notes))

    def _earlier_masks(self) -> list[Layer]:
        """Layers of masks that were applied before."""
        return [layer for step in self._session.steps if step.name == MASK for layer in step.layers]

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
            self.form.update(strategy="layer")
            self.layer.value = layer

        mean = self._jobs.mean
        self._jobs.run("Mean of series", lambda series: mean or series_mean(series), show, PART)

    def no_mask(self) -> None:
        """Use all voxels."""
        self._jobs.check(self._cannot_clear)
        with all_or_nothing(self._session):
            self._session.take_step("no mask", hide=self._earlier_masks(), **NO_MASK)


def _about(mask: Volume) -> str:
    """Name of a mask, its number of voxels, and its notes."""
    return "\n".join([f"{mask.name}: {int((mask.at(0) > 0).sum()):,} voxels", *mask.notes])
