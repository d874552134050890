"""Save picture…: slices of a layer over the anatomy, set in a form and saved as PNG or SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Container
from napari.layers import Image, Labels
from napari.utils.notifications import show_info
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QFileDialog, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.choices import LayerChoice
from napari_fmri_decoder._napari.forms.controls import check_box, push_button
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder._napari.forms.native import align_labels
from napari_fmri_decoder._napari.forms.step import row
from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import HELPER, KEY
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder._napari.results.roles import activation_layers
from napari_fmri_decoder._napari.viewer.dims import filter_shown, volume_shown
from napari_fmri_decoder._napari.viewer.save_paths import LastFolder, suggested_path
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.picture_config import PictureConfig
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.derived_names import file_name
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.frames import Frame

NO_IMAGE = "Choose the image to show: a map, a mask, a slab, or the activations of a hidden layer."
ROTATED = "Slices along the axes of the rotated view; otherwise along those of the scanner."
FILES = "PNG (*.png);;SVG (*.svg)"


class Drawing(SessionJob):
    """The picture that is being drawn."""


class PictureDialog(QDialog):
    """Options of a picture, and a button that saves it.

    Parameters
    ----------
    session : Session
    image : Layer or None
        The layer to show.
    defaults : mapping
        Values of the form, such as the threshold of the map in the viewer.

    Attributes
    ----------
    image, anatomy : LayerChoice
    form : ModelForm
    rotated : CheckBox
    """

    def __init__(self, session: Session, image: Layer | None, defaults: Mapping[str, Any]) -> None:
        super().__init__(getattr(session.viewer.window, "_qt_window", None))
        self.setObjectName("picture_dialog")
        self.setWindowTitle("Save picture")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self.image = LayerChoice("picture_image", "Image", NO_IMAGE, self._shown, helpers=True)
        about = "Drawn in gray below the image. Of a series, its mean."
        self.anatomy = LayerChoice("picture_anatomy", "Anatomy", about, self._images)
        self.rotated = check_box("picture_rotated", "Along the rotated view", ROTATED)
        self.form = ModelForm(PictureConfig, name="picture_form")
        self.form.update(dict(defaults))
        save = push_button("picture_save", "Save…", "Choose a file, draw the picture, and save it.")
        save.changed.connect(self._ask)
        cancel = push_button("picture_cancel", "Cancel", "Close without saving.")
        cancel.changed.connect(self._cancel)
        self.message = Message("picture_message")
        layers = Container(widgets=[self.image, self.anatomy, self.rotated])
        layers.margins = (0, 0, 0, 0)
        align_labels(layers)
        rows = QVBoxLayout(self)
        parts: tuple[QWidget, ...] = (layers.native, self.form.native, row(save, cancel).native, self.message)
        for part in parts:
            rows.addWidget(part)
        self.image.reset_choices()
        self.anatomy.reset_choices()
        if image in self.image.choices:
            self.image.value = image
        self.anatomy.value = self._anatomy()
        frame = session.state.scene.frame
        self.rotated.value = not frame.is_identity
        self.rotated.enabled = not frame.is_identity

    def _layers(self) -> list[Layer]:
        layers = [one for one in self._session.viewer.layers if isinstance(one, (Image, Labels))]
        return [one for one in layers if HELPER not in one.metadata and self._session.volume(one) is not None]

    def _shown(self) -> list[Layer]:
        """The layers of images, and the activations of the result that is shown."""
        return [*self._layers(), *activation_layers(self._session.viewer)]

    def _images(self) -> list[Layer]:
        return [layer for layer in self._layers() if isinstance(layer, Image)]

    def _anatomy(self) -> Layer | None:
        """The anatomy of Prepare, else the first image that shows one, else the series."""
        preparation, others = self._session.state.preparation, [*self._images()]
        volumes = [(layer, self._session.volume(layer)) for layer in others if layer is not self.image.value]
        shown = [layer for layer, volume in volumes if volume is not None and volume.kind == "anatomy"]
        found = next(iter(shown), preparation.series if self.image.value is not preparation.series else None)
        found = preparation.anatomy or found
        return found if found in self.anatomy.choices else None

    def save(self, path: str | Path, *, wait: bool = True) -> None:
        """Draw the picture and save it.

        Parameters
        ----------
        path : str or Path
            Ends in .png or .svg; .png is added to a name without an ending.
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If it cannot be drawn or saved, with the sentence that the dialog shows.
        """
        self._start(Path(path)).wait_if(wait)

    def _start(self, path: Path) -> Job:
        layer = self.image.value
        volume = image_of(self._session, layer) if layer is not None else None
        if volume is None:
            raise InputError(NO_IMAGE)
        config = self.form.config()
        if not isinstance(config, PictureConfig):
            raise TypeError(f"The form must return a PictureConfig, got {type(config)}.")
        below = self.anatomy.value
        anatomy = self._session.volume(below) if below is not None else None
        frame = self._session.state.scene.frame if self.rotated.value else SCANNER
        path = path if path.suffix else path.with_suffix(".png")
        self.message.clear()
        work, session = self._session.part(Drawing), self._session

        def failed(error: Exception) -> None:
            work.end()
            if isalive(self):  # type: ignore[no-untyped-call]
                self.message.show_error(str(error))

        def done(_: Any) -> None:
            work.end()
            session.part(LastFolder).folder = path.absolute().parent
            show_info(f"Saved {printable(path)}.")

        if work.job is not None:
            raise InputError("A picture is being drawn. Wait until it is done.")
        job = run_generator(
            draw, volume, anatomy, config, frame, path,
            owner=work.owner(), description=f"Drawing {path.name}",
            on_done=done, on_error=failed, on_stopped=work.end,
        )  # fmt: skip
        work.begin(job)
        return job

    def _cancel(self, _: object = None) -> None:
        self.reject()

    def _ask(self, _: object = None) -> None:
        name = self.image.value.name if self.image.value is not None else "picture"
        volume = self._session.series
        suggestion = str(suggested_path(self._session, f"{file_name(name)}.png", volume))
        path, _filter = QFileDialog.getSaveFileName(self, "Save picture", suggestion, FILES)
        if path:
            try:
                self._start(Path(path))
            except InputError as error:
                self.message.show_error(str(error))


def draw(volume: Volume, anatomy: Volume | None, config: PictureConfig, frame: Frame, path: Path) -> Path:
    """Draw a picture and save it; run in a thread."""
    from napari_fmri_decoder.evaluation.figures import mosaic, save_picture

    return save_picture(mosaic(volume, anatomy, config, frame), path)


def image_of(session: Session, layer: Layer) -> Volume | None:
    """The volume of a layer; of activations, the map of the volume and filter that the viewer shows.

    Raises
    ------
    InputError
        If the layer has no such filter.
    """
    if layer not in activation_layers(session.viewer):
        return session.volume(layer)
    shown = layer.metadata[KEY]
    number, n = filter_shown(session.viewer), shown.data.shape[-1]
    if number >= n:
        raise InputError(f"{layer.name} has filters 0 to {n - 1}, but the slider is at {number}. Move it.")
    at = min(volume_shown(session.viewer, shown.step), shown.data.shape[3] - 1)
    data = np.asarray(shown.data[..., at, number])
    return Volume(data, shown.affine, "stat", name=f"{shown.name}, filter {number}, volume {at}")


def current_volume(session: Session, layer: Layer | None) -> int | None:
    """The volume of a stack of maps that the viewer shows; None for other layers."""
    volume = session.volume(layer) if layer is not None else None
    if layer is None or volume is None or volume.n_volumes < 2 or volume.step is not None:
        return None
    at = round(float(layer.world_to_data(session.viewer.dims.point)[0]))
    return min(max(at, 0), volume.n_volumes - 1)


def open_picture_dialog(session: Session, layer: Layer | None, **defaults: Any) -> PictureDialog:
    """Open the form for a picture of a layer, with the volume that is shown."""
    dialog = PictureDialog(session, layer, {"volume": current_volume(session, layer), **defaults})
    dialog.show()
    return dialog
