"""Series that cannot share a viewer: one slider moves the first axis of all layers.

Seconds and positions in a stack of maps would mix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers import KEY, Placed
from napari_fmri_decoder._napari.view import brain_layers

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


def clash_of(viewer: Viewer, volume: Placed, but: Layer | None = None) -> Layer | None:
    """Find a series in the viewer whose first axis is another than that of a volume.

    Parameters
    ----------
    viewer : napari Viewer
    volume : Volume
    but : napari Layer, optional
        The layer that shows it.
    """
    if volume.data.ndim < 4:
        return None
    for layer in brain_layers(viewer):
        other = layer.metadata[KEY]
        if layer is not but and other.data.ndim > 3 and (other.step is None) != (volume.step is None):
            return layer
    return None


def refusal(volume: Placed, clash: Layer) -> str:
    """Say why a volume is not shown."""
    return (
        f"The series of one viewer must share their first axis: '{volume.name}' counts "
        f"{_counts(volume)}, but '{clash.name}' counts {_counts(clash.metadata[KEY])}. "
        f"Remove '{clash.name}' first, or open '{volume.name}' in a second napari window."
    )


def warning(layer: Layer, clash: Layer) -> str:
    """Say what two layers that are both there do to the slider."""
    return (
        f"'{layer.name}' counts {_counts(layer.metadata[KEY])} along its first axis and '{clash.name}' "
        f"{_counts(clash.metadata[KEY])}: one slider moves both. Remove one of them."
    )


def _counts(volume: Placed) -> str:
    return "volumes (a stack of maps)" if volume.step is None else f"seconds (TR {volume.step:g} s)"
