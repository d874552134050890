"""Save as NIfTI…: a command for the selected layers, in the context menu of the layer list and in File."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.saving import Saving, ask_file
from napari_fmri_decoder._napari.viewer.current import current_viewer
from napari_fmri_decoder._napari.viewer.save_paths import (
    free_files,
    suggested_path,
    target,
    volume_to_save,
)
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.derived_names import file_name

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.volumes.volume import Volume

NOTHING = "Select one or more layers in the layer list first; each of them is saved in its own file."


@guard()
def save_selected() -> None:
    """Ask for a file (for several layers: a folder), and save the selected layers of the open viewer."""
    viewer = current_viewer()
    if viewer is None:
        raise InputError("Layers can only be saved from a napari window. Open one.")
    save_layers(viewer)


def save_layers(viewer: Viewer) -> Job | None:
    """Save the selected layers of a viewer.

    Parameters
    ----------
    viewer : napari Viewer

    Returns
    -------
    Job or None
        None if the dialog was canceled.

    Raises
    ------
    InputError
        If nothing is selected, or if a layer is not an image or labels in 3-D.
    """
    session = Session.of(viewer)
    layers = [layer for layer in viewer.layers if layer in viewer.layers.selection]
    if not layers:
        raise InputError(NOTHING)
    volumes = [volume_to_save(session.volume(layer), layer.name, _shape(layer)) for layer in layers]
    files = _ask(session, [layer.name for layer in layers], volumes)
    if not files:
        return None
    files = [target(viewer, file, volumes) for file in files]
    return session.part(Saving).save(dict(zip(files, volumes, strict=True)))


def _shape(layer: object) -> tuple[int, ...]:
    """Shape of the data of any layer; () where they are not an array."""
    return tuple(getattr(getattr(layer, "data", None), "shape", ()))


def _ask(session: Session, names: list[str], volumes: list[Volume]) -> list[Path]:
    """Ask for a file for one layer, or for a folder for several; an empty list if canceled."""
    window = session.viewer.window._qt_window
    if len(names) == 1:
        path = ask_file(window, "Save as NIfTI", session, file_name(names[0]), volumes[0])
        return [] if path is None else [path]
    folder = str(suggested_path(session, "", volumes[0]))
    chosen = QFileDialog.getExistingDirectory(window, f"Save {len(names)} layers in a folder", folder)
    return free_files(Path(chosen), names) if chosen else []
