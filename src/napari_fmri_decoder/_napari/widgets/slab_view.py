"""The slab: where it lies, and cutting it out of every volume."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.colormaps import CLEAR_WARM
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.forms import Form
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.view import show_slice
from napari_fmri_decoder._napari.widgets.bench import Bench, beside
from napari_fmri_decoder._napari.widgets.mask_view import MASK, NOT_A_MASK
from napari_fmri_decoder._napari.widgets.prepare_steps import (
    CutSlab,
    box_of,
    mean_of,
    place_of,
    slab_of,
)
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.prepare import SlabConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer

    from napari_fmri_decoder._napari.widgets.rotate_view import RotateView
    from napari_fmri_decoder.volumes.slabs import RotatedSlab
    from napari_fmri_decoder.volumes.volume import Volume

FIELDS = ("axis", "start", "stop", "grid", "crop", "interpolation")
LIVE_VOXELS = 2_000_000
"""Volumes up to this size are turned anew for the outline, whenever a control changes."""
_WARM: dict[str, Any] = {"colormap": CLEAR_WARM, "opacity": 0.85}
_WAIT = 150  # milliseconds after the last change


class SlabView(QWidget):
    """Shows where a slab would lie, and cuts it."""

    def __init__(self, bench: Bench, rotation: RotateView) -> None:
        super().__init__()
        self._bench, self._session, self._rotation = bench, bench.session, rotation
        self._box: Layer | None = None
        self._follow = False
        self.form = Form(SlabConfig, FIELDS)
        for field in FIELDS:
            self.form.control(field).setObjectName(f"slab_{field}")
        self.outline = QCheckBox("show where it lies")
        self.outline.setObjectName("slab_outline")
        self.outline.setToolTip("<p>Draw the slab over the head while rotation and planes are chosen.</p>")
        self.place = words(name="slab_about")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self.outline, self.place):
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
        self._later.setInterval(_WAIT)
        self._later.timeout.connect(self._show_place)
        self.form.changed.connect(lambda: self._on_change(follow=True))
        self.outline.toggled.connect(self._on_outline)

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
        if name in ("angles", "series", "mask", "frame"):
            self._on_change(follow=False)

    def _on_change(self, *, follow: bool) -> None:
        """Draw the slab a little later; the slice that is shown follows its planes."""
        self._follow |= follow
        self._later.start()

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

    @guard()
    def _on_outline(self, on: bool) -> None:
        if self._box is not None:
            self._box.visible = on
        if on and self._bench.mean is None and self._bench.no_series() is None:
            self._bench.run("Mean of series", mean_of, self._on_mean)
        self._on_change(follow=True)

    def _on_mean(self, mean: Volume) -> None:
        self._bench.keep_mean(mean)
        self._on_change(follow=True)

    @guard()
    def _show_place(self) -> None:
        """Say where the slab would lie, and draw it if asked to; where its mean is known."""
        series, config, mean = self._session.series, self.config(), self._bench.mean
        if series is None or np.prod(series.grid.shape) > LIVE_VOXELS or (config.crop and mean is None):
            self.place.setText("")
            return
        try:
            where = place_of(series, config, self._session.state.mask, mean)
        except InputError as error:
            self.place.setText(escape(str(error)))
            return
        planes = where.grid.shape[where.axis]
        counted = f"{planes} plane{'s' * (planes != 1)}"
        self.place.setText(f"{' x '.join(map(str, where.grid.shape))} voxels: {counted} along {config.axis}")
        if self.outline.isChecked():
            self._draw(box_of(where))
            if self._follow:
                self._show_slice(where)
            self._follow = False

    def _draw(self, box: Volume) -> None:
        if self._box is not None and self._box in self._session.viewer.layers:
            self._session.show(self._box, box)
            return
        active = self._session.viewer.layers.selection.active
        self._box = self._session.add(box, opacity=1.0, metadata={NOT_A_MASK: True})
        self._box.contour = 1
        self._session.viewer.layers.selection.active = active
