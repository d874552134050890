"""Which series is decoded, over which anatomy; and how the viewer looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QCheckBox, QFormLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.layers import HELPER
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.prepare_steps import mean_of
from napari_fmri_decoder._napari.widgets.bench import NO_SERIES, Bench
from napari_fmri_decoder._napari.widgets.layer_box import LayerBox
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder.volumes.describe import describe

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.view import Plane
    from napari_fmri_decoder.volumes.volume import Volume

PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


class ImagesView(QWidget):
    """Chooses series and anatomy, and shows the mean."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench, self._session = bench, bench.session
        self.series = LayerBox("series", "The scans to decode: a BOLD series, or a stack of maps.", "none")
        self.series.chosen.connect(self._on_series)
        self.anatomy = LayerBox(
            "anatomy", "What results are looked at upon; noted in the recipe. Optional.", "none"
        )
        self.anatomy.chosen.connect(lambda layer: self._session.update(anatomy=layer))
        self.about = words(NO_SERIES, name="series_about")
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Series", self.series)
        rows.addRow("Anatomy", self.anatomy)
        rows.addRow(self.about)
        tip = "Average the series over its volumes, as a new layer."
        rows.addRow(bench.button("mean_series", "Mean of series", tip, self._mean_series, bench.no_series))

    def on_layers(self) -> None:
        """Offer the layers that there are; the first series and anatomy are chosen."""
        layers = [layer for layer in self._session.viewer.layers if isinstance(layer, Image)]
        layers = [layer for layer in layers if HELPER not in layer.metadata]
        volumes = [(layer, self._session.volume(layer)) for layer in layers]
        series = [layer for layer, volume in volumes if volume is not None and volume.is_series]
        single = [layer for layer, volume in volumes if volume is not None and not volume.is_series]
        grey = [layer for layer, volume in volumes if layer in single and volume and volume.kind == "anatomy"]
        self.series.set_layers(series)
        self.anatomy.set_layers(single)
        if self.series.layer is None and series:
            self.series.layer = series[0]
        if self.anatomy.layer is None and grey:
            self.anatomy.layer = grey[0]

    def on_state(self, name: str) -> None:
        """Follow the session."""
        if name == "series":
            self.series.layer = self._session.state.series
            self.about.setText(in_words(self._session.series))

    def _on_series(self, layer: Layer | None) -> None:
        """Take another series; a slab that was cut on another grid is none of it."""
        if layer is not None:
            self._session.adopt(layer)
        before = self._session.series
        series = self._session.volume(layer) if layer is not None else None
        same = before is not None and series is not None and before.grid.same_as(series.grid)
        slab = {} if same else {"slab": None, "where": None, "slab_layer": None}
        self._session.update(series=layer, **slab)

    @guard()
    def _mean_series(self) -> None:
        def show(mean: Volume) -> None:
            self._bench.keep_mean(mean)
            self._session.take_step("mean", [self._session.add(mean)])

        self._bench.run("Mean of series", mean_of, show)


class LookView(QWidget):
    """Planes, left and right, and the millimetres under the cursor."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._session = bench.session
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(beside(*(self._button(bench, plane) for plane in PLANES)))
        self.radiological = QCheckBox("radiological")
        self.radiological.setObjectName("radiological")
        self.radiological.setToolTip("<p>Show the patient's left on the right, as radiologists do.</p>")
        self.radiological.setChecked(self._session.state.radiological)
        self.radiological.toggled.connect(lambda on: self._session.update(radiological=on))
        self.place = words(name="cursor")
        self.place.setToolTip(
            "<p>Millimetres of the scanner under the cursor, also while the head is turned; napari's status "
            "bar counts along the turned axes.</p>"
        )
        rows.addWidget(beside(self.radiological, self.place))

    def _button(self, bench: Bench, plane: Plane) -> QWidget:
        tip = f"Look at {plane} slices: superior and anterior are up, left is on the left."
        return bench.button(f"view_{plane}", plane.capitalize(), tip, lambda: self.look(plane), self._nothing)

    def _nothing(self) -> str | None:
        return None if self._session.viewer.dims.ndim > 2 else "Open a scan first."

    def look(self, plane: Plane) -> None:
        """Turn the camera to a plane."""
        self._session.look(plane)

    def on_state(self, name: str) -> None:
        """Follow the session."""
        if name == "radiological":
            self.radiological.setChecked(self._session.state.radiological)

    def on_cursor(self, event: Any = None) -> None:
        """Say where the cursor is in the scanner."""
        position = self._session.viewer.cursor.position
        if len(position) < 3 or not self.isVisible():
            return
        mm = self._session.state.frame.to_scanner(np.asarray(position[-3:])[::-1]).round(1)
        letters = ("LR"[int(mm[0] >= 0)], "PA"[int(mm[1] >= 0)], "IS"[int(mm[2] >= 0)])
        said = (f"{letter} {abs(v):.1f}" for letter, v in zip(letters, mm, strict=True))
        self.place.setText("  ".join(said) + " mm")


def in_words(series: Volume | None) -> str:
    """Say what a series is, in a line or two, and what to know before believing it."""
    if series is None:
        return NO_SERIES
    said = describe(series)
    size = " x ".join(map(str, series.shape[:3]))
    mm = " x ".join(f"{v:g}" for v in said["voxel_mm"])
    time = f"TR {series.step:g} s" if series.step else "maps, not in time"
    tilt = f", {said['oblique']:.1f}° oblique" if said["oblique"] > 0.05 else ""
    about = f"{series.n_volumes} volumes of {size} voxels, {mm} mm, {time}, {said['orientation']}{tilt}"
    return "\n".join([about, *series.notes])
