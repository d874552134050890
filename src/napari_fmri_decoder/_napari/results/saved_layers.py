"""The layers in a run folder, for a run whose images are gone: decoded voxels, mean filter activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.results.score_metadata import add_score
from napari_fmri_decoder._napari.results.show_result import result_layers
from napari_fmri_decoder._napari.viewer.camera import brain_layers, show_slice
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.volumes.volume import Volume

MASK = "mask.nii.gz"
SAVED = "fmri_decoder saved layer"
"""Key of the metadata of such a layer."""


def read_saved_layers(saved: SavedRun) -> tuple[list[Volume], list[str]]:
    """Read the images in `layers/` of a run folder, and a message for each that cannot be read."""
    volumes, messages = [], []
    for path in saved.layers:
        try:
            volumes.append(read(path, kind="mask" if path.name == MASK else "stat"))
        except (InputError, OSError) as error:
            messages.append(str(error))
    return volumes, messages


def show_saved_layers(session: Session, saved: SavedRun, volumes: list[Volume]) -> list[str]:
    """Show these images in place of the layers of an earlier run.

    Returns
    -------
    list of str
        A message for each image that does not fit the series in the viewer.
    """
    for layer in result_layers(session.viewer):
        session.remove(layer)
    remove_saved_layers(session)
    messages: list[str] = []
    shown: list[Layer] = []
    for volume in volumes:
        try:
            shown.append(session.add(volume, visible=volume.kind == "mask"))
        except InputError as error:
            messages.append(str(error))
            continue
        shown[-1].metadata.update({SAVED: True, HELPER: True})
        add_score(shown[-1], saved.scores)
    for volume in volumes[:1]:
        show_slice(session.viewer, session.state.scene.frame.to_frame(volume.grid.corners).mean(axis=0))
    return messages


def remove_saved_layers(session: Session) -> None:
    """Remove the layers of an earlier run folder."""
    for layer in saved_layers(session):
        session.remove(layer)


def saved_layers(session: Session) -> list[Layer]:
    """The layers of a run folder that are shown."""
    return [layer for layer in brain_layers(session.viewer) if SAVED in layer.metadata]
