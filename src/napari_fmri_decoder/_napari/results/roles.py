"""Which layers show the result of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

ROLE = "fmri_decoder role"
"""Key of a result layer's metadata that names the part of the result: "predictions" or a network layer."""
PREDICTIONS = "predictions"
"""Role, and name, of the layer of predictions."""


def result_layers(viewer: Viewer) -> list[Layer]:
    """The layers of the result that is shown, lowest first."""
    return [layer for layer in brain_layers(viewer) if ROLE in layer.metadata]


def activation_layers(viewer: Viewer) -> list[Layer]:
    """The layers of filter activations of the result that is shown."""
    return [layer for layer in result_layers(viewer) if layer.metadata[ROLE] != PREDICTIONS]


def first_hidden_layer(viewer: Viewer) -> str | None:
    """Role of the first hidden layer of the result that is shown; None if it has none with positions."""
    roles = sorted(layer.metadata[ROLE] for layer in result_layers(viewer))
    return next((role for role in roles if role != PREDICTIONS), None)


def show_only(viewer: Viewer, role: str) -> None:
    """Show one part of the result, select its layer, and hide the other parts.

    The slider of the filters is as long as the layer with the most filters needs; it is moved to the first
    filter if this layer has no such filter.

    Parameters
    ----------
    viewer : napari Viewer
    role : str
        "predictions", or the name of a network layer, such as "conv1".
    """
    for layer in result_layers(viewer):
        layer.visible = layer.metadata[ROLE] == role
        if layer.visible:
            viewer.layers.selection = {layer}
            if role != PREDICTIONS and filter_shown(viewer) >= layer.data.shape[0]:
                show_filter(viewer, 0)
