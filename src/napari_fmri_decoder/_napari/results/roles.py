"""Which layers show the result of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.viewer.camera import brain_layers

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

ROLE = "fmri_decoder role"
"""Key of a result layer's metadata that names the part of the result: "predictions" or a network layer."""


def result_layers(viewer: Viewer) -> list[Layer]:
    """The layers of the result that is shown, lowest first."""
    return [layer for layer in brain_layers(viewer) if ROLE in layer.metadata]
