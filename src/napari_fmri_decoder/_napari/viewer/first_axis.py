"""Series that cannot be shown together, because one slider moves the first axis of all layers.

It cannot count both seconds and maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.viewer.camera import brain_layers

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels


def find_clash(viewer: Viewer, volume: HasVoxels, but: Layer | None = None) -> Layer | None:
    """Find a series in the viewer whose first axis differs from that of a volume.

    Parameters
    ----------
    viewer : napari Viewer
    volume : Volume
    but : napari Layer, optional
        The layer of the volume.
    """
    if volume.data.ndim < 4:
        return None
    for layer in brain_layers(viewer):
        other = layer.metadata[KEY]
        if layer is not but and other.data.ndim > 3 and (other.step is None) != (volume.step is None):
            return layer
    return None


def refusal_message(volume: HasVoxels, clash: Layer) -> str:
    """Message for a volume that cannot be shown."""
    return (
        f"All series in a viewer must have the same first axis, but '{volume.name}' counts "
        f"{_counts(volume)} and '{clash.name}' counts {_counts(clash.metadata[KEY])}. "
        f"Remove '{clash.name}' first, or open '{volume.name}' in a second napari window."
    )


def clash_message(layer: Layer, clash: Layer) -> str:
    """Message for two layers in the viewer with different first axes."""
    return (
        f"'{layer.name}' counts {_counts(layer.metadata[KEY])} along its first axis and '{clash.name}' "
        f"{_counts(clash.metadata[KEY])}, but one slider moves both. Remove one of them."
    )


def _counts(volume: HasVoxels) -> str:
    return "volumes (a stack of maps)" if volume.step is None else f"seconds (TR {volume.step:g} s)"
