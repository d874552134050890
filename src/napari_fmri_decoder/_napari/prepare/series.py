"""The series to decode, the anatomy, and the plane in which the viewer shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Container

from napari_fmri_decoder._napari.forms.choices import LayerChoice
from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.forms.native import align_labels
from napari_fmri_decoder._napari.forms.step import row
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.prepare.jobs import NO_SERIES, PrepareJobs
from napari_fmri_decoder._napari.prepare.saving import SaveImage
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.picture import open_picture_dialog
from napari_fmri_decoder._napari.viewer.in_use import decodable_layers, still_layers
from napari_fmri_decoder._napari.viewer.preparation import series_mean
from napari_fmri_decoder.volumes.describe import describe

if TYPE_CHECKING:
    from magicgui.widgets import PushButton
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.results.picture import PictureDialog
    from napari_fmri_decoder._napari.viewer.camera import Plane
    from napari_fmri_decoder.volumes.volume import Volume

RADIOLOGICAL = "Show the patient's left on the right, as radiologists do."
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


class ImagesView(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Chooses series and anatomy, and shows the mean of the series.

    Attributes
    ----------
    series, anatomy : LayerChoice
    save : SaveImage
        ``save(path)`` saves the series.
    """

    def __init__(self, jobs: PrepareJobs) -> None:
        self._jobs, self._session = jobs, jobs.session
        series = "Images to decode: a BOLD series, or a stack of maps."
        anatomy = "Background for results; saved in the recipe. Optional."
        super().__init__(
            name="images",
            widgets=[
                LayerChoice("series", "Series", series, lambda: decodable_layers(jobs.session)),
                LayerChoice("anatomy", "Anatomy", anatomy, lambda: still_layers(jobs.session)),
            ],
        )
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        tip = "Average the series over its volumes, as a new layer."
        self._button = jobs.button(
            "mean_series", "Mean of series", tip, self._mean_series, jobs.no_series, "images"
        )
        self.save = SaveImage(jobs, "series", lambda: self._session.series, NO_SERIES)
        self.about = text_label(NO_SERIES, name="series_about")
        for part in (self.about, row(self._button, self.save.button).native, jobs.message("images")):
            self.native.layout().addWidget(part)
        self.series.changed.connect(self._on_series)
        self.anatomy.changed.connect(self._session.in_use.choose_anatomy)

    def on_layers(self) -> None:
        """List the layers; the session chooses the only one of its kind."""
        self.series.reset_choices()
        self.anatomy.reset_choices()

    def on_state(self, name: str) -> None:
        """Follow the session."""
        if name == "series":
            with self.series.changed.blocked():
                self.series.value = self._session.state.preparation.series
            self.about.setText(describe_series(self._session.series))
        elif name == "anatomy":
            with self.anatomy.changed.blocked():
                self.anatomy.value = self._session.state.preparation.anatomy

    def _on_series(self, layer: Layer | None) -> None:
        """Use another series."""
        self._session.in_use.choose_series(layer)

    def mean(self, *, wait: bool = True) -> None:
        """Show the mean of the series, and wait until it is there."""
        self._jobs.check(self._jobs.no_series)
        self._mean_series().wait_if(wait)

    def _mean_series(self) -> Job:
        def show(mean: Volume) -> None:
            self._jobs.keep_mean(mean)
            self._session.take_step("mean", [self._session.add(mean)])

        return self._jobs.run("Mean of series", series_mean, show, "images")


class LookView(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Buttons for planes, the side of left, and the position of the cursor."""

    def __init__(self, jobs: PrepareJobs) -> None:
        self._session = jobs.session
        buttons = row(*(self._button(jobs, plane) for plane in PLANES))
        tip = "Save slices of the slab, the mask or the series over the anatomy, as PNG or SVG."
        picture = jobs.button("save_picture", "Save picture…", tip, self.open_picture, self._nothing)
        radiological = check_box("radiological", "Radiological", RADIOLOGICAL)
        super().__init__(name="look", widgets=[buttons, radiological, picture], labels=False)
        self.margins = (0, 0, 0, 0)
        self.radiological.value = self._session.state.scene.radiological
        self.radiological.changed.connect(lambda on: self._session.update(radiological=on))
        self.place = text_label(name="cursor")
        self.place.setToolTip(
            "<p>Scanner position of the cursor in millimeters, also during a rotation; napari's status bar "
            "shows positions along the rotated axes.</p>"
        )
        self.native.layout().addWidget(self.place)

    def _button(self, jobs: PrepareJobs, plane: Plane) -> PushButton:
        tip = f"Show {plane} slices: superior and anterior are up, left is on the left."
        return jobs.button(f"view_{plane}", plane.capitalize(), tip, lambda: self.look(plane), self._nothing)

    def open_picture(self) -> PictureDialog:
        """Open the form for a picture of the slab that was cut, else of the mask, else of the series."""
        preparation = self._session.state.preparation
        masks = [layer for layer in self._session.viewer.layers if self._shows_mask(layer)]
        layer = preparation.slab_layer or (masks[-1] if masks else preparation.series)
        return open_picture_dialog(self._session, layer)

    def _shows_mask(self, layer: Layer) -> bool:
        volume = self._session.volume(layer) if HELPER not in layer.metadata else None
        return volume is not None and volume.kind == "mask" and layer.visible

    def _nothing(self) -> str | None:
        return None if self._session.viewer.dims.ndim > 2 else "Open a scan first."

    def look(self, plane: Plane) -> None:
        """Show a plane."""
        self._session.look(plane)

    def on_state(self, name: str) -> None:
        """Follow the session."""
        if name == "radiological":
            self.radiological.value = self._session.state.scene.radiological

    def on_cursor(self, event: Any = None) -> None:
        """Show the scanner position of the cursor."""
        position = self._session.viewer.cursor.position
        if len(position) < 3 or not self.visible:
            return
        mm = self._session.state.scene.frame.to_scanner(np.asarray(position[-3:])[::-1]).round(1)
        letters = ("LR"[int(mm[0] >= 0)], "PA"[int(mm[1] >= 0)], "IS"[int(mm[2] >= 0)])
        parts = (f"{letter} {abs(v):.1f}" for letter, v in zip(letters, mm, strict=True))
        self.place.setText("  ".join(parts) + " mm")


def describe_series(series: Volume | None) -> str:
    """Say what a series is, in a line or two, and what to know before believing it."""
    if series is None:
        return NO_SERIES
    facts = describe(series)
    size = " x ".join(map(str, series.shape[:3]))
    mm = " x ".join(f"{v:g}" for v in facts["voxel_mm"])
    time = f"TR {series.step:g} s" if series.step else "maps, not in time"
    tilt = f", {facts['oblique']:.1f}° oblique" if facts["oblique"] > 0.05 else ""
    about = f"{series.n_volumes} volumes of {size} voxels, {mm} mm, {time}, {facts['orientation']}{tilt}"
    return "\n".join([about, *series.notes])
