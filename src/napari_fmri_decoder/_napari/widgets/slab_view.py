"""The slab: where it lies, and cutting it out of every volume."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.colormaps import CLEAR_WARM
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.forms import Form
from napari_fmri_decoder._napari.layers import HELPER
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.pace import Pace
from napari_fmri_decoder._napari.prepare_steps import (
    CutSlab,
    box_of,
    filling_of,
    mean_of,
    place_of,
    slab_of,
)
from napari_fmri_decoder._napari.view import show_slice
from napari_fmri_decoder._napari.watch import run_watched
from napari_fmri_decoder._napari.widgets.mask_view import MASK
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder._napari.widgets.planes_slider import PlanesSlider
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.slab_config import SlabConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer

    from napari_fmri_decoder._napari.widgets.bench import Bench
    from napari_fmri_decoder._napari.widgets.rotate_view import RotateView
    from napari_fmri_decoder._napari.workers import Job
    from napari_fmri_decoder.volumes.slabs import RotatedSlab
    from napari_fmri_decoder.volumes.volume import Volume

FIELDS = ("axis", "start", "stop", "grid", "crop", "interpolation")
LIVE_VOXELS = 2_000_000
"""Volumes up to this size are turned anew for the outline, whenever a control changes."""
OUTLINE, FILLING = "outline", "filling"
DRAWN = "fmri_decoder drawn"
"""Where the metadata of these two layers say which one it is."""
_WARM: dict[str, Any] = {"colormap": CLEAR_WARM, "opacity": 0.85}
_PAUSE = 40  # milliseconds between two drawings while something is dragged


class SlabView(QWidget):
    """Shows where a slab would lie and what it would hold, as it moves, and cuts it."""

    def __init__(self, bench: Bench, rotation: RotateView) -> None:
        super().__init__()
        self._bench, self._session, self._rotation = bench, bench.session, rotation
        self._drawn: dict[str, Layer] = {}  # outline and filling
        self._averaging: Job | None = None
        self._touched = self._follow = False
        self._asked: tuple[Any, ...] = ()  # what the drawn slab was drawn for
        self.form = Form(SlabConfig, FIELDS)
        for field in FIELDS:
            self.form.control(field).setObjectName(f"slab_{field}")
        self.planes = PlanesSlider()
        self.planes.moved.connect(self._on_planes)
        self.outline = QCheckBox("show it as it moves")
        self.outline.setObjectName("slab_outline")
        self.outline.setChecked(True)
        self.outline.setToolTip(
            "<p>Outline the slab over the head, filled with the mean of the series, while rotation and "
            "planes are chosen.</p>"
        )
        self.place = words(name="slab_about")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self.planes, self.outline, self.place):
            rows.addWidget(widget)
        cut = "Cut the slab out of every volume, as a new layer."
        mean = "Show the mean of the slab over the mean of the series, turned."
        rows.addWidget(
            beside(
                bench.button("cut_slab", "Cut slab", cut, self._cut, bench.no_series),
                bench.button("mean_slab", "Mean of slab", mean, self._mean, bench.no_series),
            )
        )
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PAUSE)
        self._later.timeout.connect(self._show_place)
        self._pace = Pace(self, self._show_place, _PAUSE)
        self.form.changed.connect(lambda: self._on_change(follow=True))
        self.outline.toggled.connect(self._on_outline)
        rotation.sliders.turned.connect(lambda *_: self._on_change(follow=False))

    def config(self) -> SlabConfig:
        """The slab, as the controls say."""
        x, y, z = self._rotation.sliders.angles
        turned = {"rotate_x": x, "rotate_y": y, "rotate_z": z, "pivot": self._rotation.point()}
        blocked = self.form.blockSignals(True)
        self.form.set_values(turned)
        self.form.blockSignals(blocked)
        config = self.form.config()
        if not isinstance(config, SlabConfig):
            raise TypeError(f"The slab's form must give a SlabConfig, got {type(config)}.")
        return config

    def on_state(self, name: str) -> None:
        """Follow the session."""
        recipe = self._session.state.recipe
        if name == "recipe" and recipe is not None and recipe.slab is not None:
            blocked = self.form.blockSignals(True)
            self.form.set_values({field: getattr(recipe.slab, field) for field in FIELDS})
            self.form.blockSignals(blocked)
        elif name in ("angles", "series", "mask", "frame"):
            self._later.start()

    def on_turns(self) -> None:
        """Draw the slab anew together with the head that turns, where it is drawn already."""
        if self._seen() and self._rotation.sliders.angles == self._session.state.angles:
            self._show_place()

    def _on_planes(self, start: int, stop: int) -> None:
        self.form.set_values({"start": start, "stop": stop})

    def _on_change(self, *, follow: bool) -> None:
        """Draw the slab, and again while more changes; the shown slice follows its planes."""
        self._touched = True
        self._follow |= follow
        self._pace.change()

    @guard()
    def _cut(self) -> None:
        def show(made: CutSlab) -> None:
            layer = self._session.add(made.slab, **_WARM)
            self._take("slab", made, [layer], slab_layer=layer)

        self._run(show)

    @guard()
    def _mean(self) -> None:
        def show(made: CutSlab) -> None:
            below = self._session.add(made.mean)
            above = self._session.add(made.slab.mean(), **_WARM)
            self._take("mean of slab", made, [below, above])

        self._run(show)

    def _run(self, show: Callable[[CutSlab], None]) -> None:
        self._rotation.sliders.settle()
        config, mask, mean = self.config(), self._session.state.mask, self._bench.mean
        self._bench.run("Cutting the slab", lambda series: slab_of(series, config, mask, mean), show)

    def _take(self, name: str, made: CutSlab, layers: list[Layer], **more: Any) -> None:
        self._bench.keep_mean(made.mean)
        self._session.take_step(
            name,
            layers,
            hide=self._covering(),
            slab=made.config.slab(),
            where=made.where,
            frame=made.where.screen,
            **more,
        )
        self._touched = False  # until a person moves it again
        self.hide_drawn()
        self._show_slice(made.where)

    def _covering(self) -> list[Layer]:
        """What would hide the anatomy below the slab, or tint it: the series, and masks."""
        steps, state = self._session.steps, self._session.state
        masks = [layer for step in steps if step.name == MASK for layer in step.layers]
        seen = state.anatomy is not None and state.anatomy.visible
        return [*masks, state.series] if seen and state.series is not None else masks

    def _show_slice(self, where: RotatedSlab) -> None:
        """Show the middle plane of the slab."""
        corners = self._session.state.frame.to_frame(where.scanner.corners)
        show_slice(self._session.viewer, corners.mean(axis=0))

    def _seen(self) -> bool:
        """Whether outline and filling are drawn and visible."""
        layers = self._session.viewer.layers
        return len(self._drawn) == 2 and all(
            layer.visible and layer in layers for layer in self._drawn.values()
        )

    @guard()
    def _on_outline(self, on: bool) -> None:
        self.hide_drawn()
        self._on_change(follow=on)

    def hide_drawn(self) -> None:
        """Hide outline and filling; a dock that is closed leaves none behind."""
        for layer in self._drawn.values():
            layer.visible = False

    @guard()
    def _show_place(self) -> None:
        """Say where the slab would lie, and draw it, once a person has touched it."""
        series, mean = self._session.series, self._bench.mean
        if series is None or np.prod(series.grid.shape) > LIVE_VOXELS:
            self.hide_drawn()
            self.place.setText("")
            self._asked = ()
            return
        if not self._touched:
            return
        if mean is None:
            self._average(series)
            return
        config, mask = self.config(), self._session.state.mask
        asked = (config, series, mask, mean)
        drawn = self._seen() or not self.outline.isChecked()
        if drawn and self._asked == asked and not self._follow:
            return  # it was drawn while the head turned
        self._asked = ()
        try:
            where = place_of(series, config, mask, mean)
        except InputError as error:
            self.place.setText(escape(str(error)))
            return
        shape, n = where.grid.shape, where.grid.shape[where.axis]
        self.place.setText(
            f"{' x '.join(map(str, shape))} voxels: {n} plane{'s' * (n != 1)} along {config.axis}"
        )
        self.planes.set_planes(where.start, where.start + n, where.n_planes)
        if self.outline.isChecked():
            self._draw(where, mean)
        self._asked = asked

    def _average(self, series: Volume) -> None:
        """Average the series beside all else, once: what is dragged is seen at once after that."""
        if self._averaging is not None:
            return

        def keep(mean: Volume) -> None:
            if self._session.series is not None and self._session.series.data is series.data:
                self._bench.keep_mean(mean)

        def end() -> None:
            self._averaging = None
            if self._bench.mean is not None:
                self._later.start()

        self._averaging, _ = run_watched(
            mean_of,
            series,
            owner=self,
            description="Mean of series, to draw the slab",
            on_done=keep,
            on_end=end,
        )

    def _left_behind(self, name: str) -> Layer | None:
        """Find the outline, or the filling, of a dock that was closed."""
        layers = self._session.viewer.layers
        return next((layer for layer in layers if layer.metadata.get(DRAWN) == name), None)

    def _draw(self, where: RotatedSlab, mean: Volume) -> None:
        """Draw the outline and the filling, by what is there: removing layers is not safe."""
        layers = self._session.viewer.layers
        active = layers.selection.active
        shown: dict[Layer, Volume] = {}
        looks = {FILLING: _WARM, OUTLINE: {"opacity": 1.0}}
        for name, volume in ((FILLING, filling_of(where, mean)), (OUTLINE, box_of(where))):
            layer = self._drawn.get(name) or self._left_behind(name)
            if layer is None or layer not in layers:
                meta = {HELPER: True, DRAWN: name}
                layer = self._drawn[name] = self._session.add(volume, metadata=meta, **looks[name])
            else:
                self._drawn[name] = layer
                shown[layer] = volume
        outline = self._drawn[OUTLINE]
        if outline.contour != 1:
            outline.contour = 1
        # A layer that is shown once more is drawn once more, and all others with it.
        for layer in self._drawn.values():
            if not layer.visible:
                layer.visible = True
        if layers.selection.active is not active:
            layers.selection.active = active
        move = partial(self._show_slice, where) if self._follow else None
        self._follow = False
        if shown:
            self._session.show_together(shown, move)
        elif move is not None:
            move()
