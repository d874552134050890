"""The slab: its settings, the outline and preview in the viewer, and cutting it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from magicgui.widgets import RangeSlider
from qtpy.QtCore import QTimer

from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.forms.field_values import values_of
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.step import Step, row
from napari_fmri_decoder._napari.forms.validation import validate
from napari_fmri_decoder._napari.prepare.mask import MASK
from napari_fmri_decoder._napari.prepare.saving import SaveImage, cut_layer
from napari_fmri_decoder._napari.prepare.slab_counts import SlabCounts
from napari_fmri_decoder._napari.prepare.slab_drawing import WARM, SlabDrawing
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import error_text, guard
from napari_fmri_decoder._napari.qt.throttle import Throttle
from napari_fmri_decoder._napari.viewer.camera import show_slice
from napari_fmri_decoder._napari.viewer.in_use import MADE
from napari_fmri_decoder._napari.viewer.preparation import (
    CutSlab,
    cut_slab,
    place_slab,
)
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.slab_config import SlabConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer

    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder._napari.prepare.rotation import RotationStep
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.volumes.slabs import RotatedSlab

NAME = "slab"
FIELDS = ("axis", "start", "stop", "grid", "crop", "interpolation")
LIVE_VOXELS = 2_000_000
"""Volumes up to this size are previewed whenever a control changes."""
PLANES = "Drag the ends, or the bar between them. The slab is drawn over the brain as it moves."
PREVIEW_TIP = (
    "Show the outline of the slab, filled with the mean of the series, while rotation and planes are changed."
)
_PAUSE = 40  # milliseconds between two previews while something is dragged


class SlabStep(Step):
    """Sets up a slab, with its outline and a live preview, and cuts it.

    Attributes
    ----------
    planes : RangeSlider
        Shows start and stop; disabled until the number of planes is known.
    live_preview : CheckBox
    save : SaveImage
        ``save(path)`` saves the cut slab.
    """

    def __init__(self, jobs: PrepareJobs, rotation: RotationStep) -> None:
        super().__init__(NAME, ModelForm(SlabConfig, FIELDS, name="options"))
        for field in FIELDS:
            self.form.widget(field).native.setObjectName(f"slab_{field}")
        self._jobs, self._session, self._rotation = jobs, jobs.session, rotation
        cast("Any", self.form.widget("stop")).waits = True
        self._drawing = SlabDrawing(self._session)
        self._touched = self._follow = False
        self._drawn_for: tuple[Any, ...] = ()  # settings of the slab that is drawn
        self._n_planes = 0
        planes = RangeSlider(name="planes", label="Planes", min=0, max=1, value=(0, 1), step=1, readout=False)
        self.append(planes)
        prepare_control(self.planes, "slab_planes", "Planes", PLANES)
        self.append(check_box("live_preview", "Live preview", PREVIEW_TIP, value=True))
        self.live_preview.native.setObjectName("slab_outline")
        cut = "Cut the slab from all volumes, as a new layer."
        mean = "Show the mean of the slab over the mean of the series, rotated."
        buttons = [
            jobs.button("cut_slab", "Cut slab", cut, self._cut, jobs.no_series, NAME),
            jobs.button("mean_slab", "Mean of slab", mean, self._mean, jobs.no_series, NAME),
        ]
        self.save = SaveImage(jobs, "slab", partial(cut_layer, self._session), "Cut a slab first.")
        self.append(row(*buttons, self.save.button))
        self.counts = SlabCounts(jobs)
        self.add_native(jobs.message(NAME), self.counts)
        jobs.life.follow(jobs.count.changed, self._on_count)
        self._later = QTimer(self.native)
        self._later.setSingleShot(True)
        self._later.setInterval(_PAUSE)
        self._later.timeout.connect(self._show_slab)
        self._throttle = Throttle(self.native, self._show_slab, _PAUSE)
        self._show_planes(0, 1, 0)
        self.form.changed.connect(lambda _: self._on_change(follow=True))
        self.form.changed.connect(jobs.error(NAME).clear)
        self.planes.changed.connect(self._on_planes)
        self.live_preview.changed.connect(self._on_outline)
        rotation.rotated.connect(lambda _: self._on_change(follow=False))

    def update(self, *args: Any, **values: Any) -> None:
        """Set values of the form; of a `SlabConfig` those with a widget. The rotation sets its angles."""
        given = {**values_of(args[0] if args else {}), **values}
        if args and isinstance(args[0], SlabConfig):
            given = {name: given[name] for name in FIELDS}
        if others := sorted(set(given) - set(FIELDS)):
            raise InputError(f"Fields of the slab are {', '.join(FIELDS)}; got {', '.join(others)}.")
        self.form.update(given)

    def config(self) -> SlabConfig:
        """The slab as set in the controls."""
        x, y, z = self._rotation.angles
        rotation = {"rotate_x": x, "rotate_y": y, "rotate_z": z, "pivot": self._rotation.point()}
        config = validate(SlabConfig, {**self.form.asdict(), **rotation})
        if not isinstance(config, SlabConfig):
            raise TypeError(f"The slab's form must give a SlabConfig, got {type(config)}.")
        return config

    def untouch(self) -> None:
        """Count as not used yet, so that nothing is drawn: options that come back are no use."""
        self._throttle.drop()
        self._touched = self._follow = False

    def on_state(self, name: str) -> None:
        """Follow the session."""
        recipe = self._session.state.recipe
        if name == "recipe" and recipe is not None and recipe.slab is not None:
            with self.form.changed.blocked():
                self.form.update({field: getattr(recipe.slab, field) for field in FIELDS})
        elif name in ("angles", "series", "mask", "frame"):
            self._later.start()

    def on_rotating(self) -> None:
        """Redraw a visible slab together with the rotated images."""
        if self._drawing.visible() and self._rotation.angles == self._session.state.scene.angles:
            self._show_slab()

    def _on_planes(self, ends: tuple[int, int]) -> None:
        """Set start and stop from the slider."""
        low, high = (int(v) for v in ends)
        if low == high:  # a slab has at least one plane
            low, high = (low - 1, high) if high == self._n_planes else (low, high + 1)
        self.form.update(start=low, stop=high)

    def _show_planes(self, start: int, stop: int, n: int) -> None:
        """Show planes start to stop of n in the slider; n = 0 if unknown."""
        self._n_planes = n
        set_available(self.planes, None if n else "Change a slab setting or rotate to start.", PLANES)
        with self.planes.changed.blocked():
            self.planes.min, self.planes.max = 0, max(1, n)
            self.planes.value = (start, stop)

    def _on_change(self, *, follow: bool) -> None:
        """Draw the slab, at a limited rate; with `follow`, the shown slice moves to its planes."""
        self._touched = True
        self._follow |= follow
        self._throttle.change()

    def cut(self, *, wait: bool = True) -> None:
        """Cut the slab from all volumes, as a new layer.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If it cannot be cut, with the sentence that the dock shows.
        """
        self._cut().wait_if(wait)

    def mean(self, *, wait: bool = True) -> None:
        """Show the mean of the slab over the mean of the series; parameters as in `cut`."""
        self._mean().wait_if(wait)

    def _cut(self) -> Job:
        def show(made: CutSlab) -> None:
            layer = self._session.add(made.slab, metadata={MADE: True}, **WARM)
            self._apply("slab", made, [layer], slab_layer=layer)

        return self._run(show)

    def _mean(self) -> Job:
        def show(made: CutSlab) -> None:
            below = self._session.add(made.mean)
            above = self._session.add(made.slab.mean(), **WARM)
            self._apply("mean of slab", made, [below, above])

        return self._run(show)

    def _run(self, show: Callable[[CutSlab], None]) -> Job:
        self._jobs.check(self._jobs.no_series)
        self._rotation.settle()
        config, mask, mean = self.config(), self._session.state.preparation.mask, self._jobs.mean
        return self._jobs.run(
            "Cutting the slab", lambda series: cut_slab(series, config, mask, mean), show, NAME
        )

    def _apply(self, name: str, made: CutSlab, layers: list[Layer], **more: Any) -> None:
        self._jobs.keep_mean(made.mean)
        self._session.take_step(
            name,
            layers,
            hide=self._covering(),
            slab=made.config.slab(),
            slab_placement=made.placement,
            frame=made.placement.screen,
            pivot=made.config.slab().pivot,
            **more,
        )
        self._touched = False
        self._jobs.count.plan(None)
        self._drawing.hide()
        self._show_slice(made.placement)

    def _covering(self) -> list[Layer]:
        """Layers that would cover the anatomy below the slab: the series, and masks."""
        preparation = self._session.state.preparation
        masks = [layer for step in self._session.steps if step.name == MASK for layer in step.layers]
        anatomy, series = preparation.anatomy, preparation.series
        if anatomy is not None and anatomy.visible and series is not None:
            return [*masks, series]
        return masks

    def _show_slice(self, placement: RotatedSlab) -> None:
        """Show the middle plane of the slab."""
        corners = self._session.state.scene.frame.to_frame(placement.scanner.corners)
        show_slice(self._session.viewer, corners.mean(axis=0))

    @guard()
    def _on_outline(self, on: bool) -> None:
        self.hide_drawn()
        self._on_change(follow=on)

    def hide_drawn(self) -> None:
        """Hide outline and preview, also when the dock is closed."""
        self._drawing.hide()

    @guard()
    def _show_slab(self) -> None:
        """Describe and draw the slab, after the user has changed a control."""
        series, mean = self._session.series, self._jobs.mean
        if series is None or np.prod(series.grid.shape) > LIVE_VOXELS:
            self.hide_drawn()
            self.counts.show_placement(None)
            self._drawn_for = ()
            if series is not None and self._touched:  # counted in the background
                self._jobs.count.plan(self.config())
            return
        if not self._touched:
            return
        if mean is None:
            self._jobs.count.want_mean()  # in the background, once; after that the preview is immediate
            return
        config, mask = self.config(), self._session.state.preparation.mask
        settings = (config, series, mask, mean)
        drawn = self._drawing.visible() or not self.live_preview.value
        if drawn and self._drawn_for == settings and not self._follow:
            return  # it was drawn during the rotation
        self._drawn_for = ()
        try:
            placement = place_slab(series, config, mask, mean)
        except InputError as error:
            self.counts.refuse(error_text(error))
            self._jobs.count.plan(None)
            return
        self.counts.show_placement(placement)
        n = placement.grid.shape[placement.axis]
        self.form.show_meanings({"start": 0, "stop": placement.n_planes})
        self._jobs.count.plan(config)
        self._show_planes(placement.start, placement.start + n, placement.n_planes)
        if self.live_preview.value:
            move = partial(self._show_slice, placement) if self._follow else None
            self._follow = False
            self._drawing.draw(placement, mean, move)
        self._drawn_for = settings

    def _on_count(self) -> None:
        """Show how many voxels the network would see in this slab; draw once the mean is known."""
        self.counts.refresh(planned=self._touched)
        if self._touched and not (self._drawn_for or self.counts.refused.text or self._jobs.mean is None):
            self._later.start()
