"""Follow the layers of a viewer: new ones, painted ones, and ones whose data another plugin replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.layers import Labels
from napari.utils.notifications import show_warning

from napari_fmri_decoder._napari.layers.from_layer import adopt, keep_painted, rebuilt
from napari_fmri_decoder._napari.layers.to_layer import KEY, set_frame
from napari_fmri_decoder._napari.viewer.camera import brain_layers, move_into_view, set_plane
from napari_fmri_decoder._napari.viewer.first_axis import clash_message, find_clash

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Layer

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels
    from napari_fmri_decoder._napari.viewer.rotation import HeadRotation


class LayerEvents:
    """Keeps the volumes of layers up to date with what the layers show.

    Parameters
    ----------
    viewer : napari Viewer
        Held weakly.
    rotation : HeadRotation
        Knows the frame, and whether it is changing layers itself.
    replaced : callable
        Called with a layer whose data were replaced, its volume before and its new one.
    """

    def __init__(
        self,
        viewer: Viewer,
        rotation: HeadRotation,
        replaced: Callable[[Layer, HasVoxels, HasVoxels], None],
    ) -> None:
        self._replaced = replaced
        self._viewer_ref = ref(viewer)
        self._rotation = rotation

    def add(self, layer: Layer, *, radiological: bool) -> None:
        """Bring a new layer into the frame; one from elsewhere in millimeters becomes a brain layer."""
        if KEY not in layer.metadata:
            if layer.ndim > 2 and all(str(unit) == "millimeter" for unit in layer.units[-3:]):
                self.adopt(layer, radiological=radiological)
            return
        if not self._rotation.frame.is_identity:
            set_frame(layer, self._rotation.frame)
        self._watch(layer, radiological=radiological)

    def adopt(self, layer: Layer, *, radiological: bool) -> None:
        """Rotate a layer that was made elsewhere together with the brain layers from now on."""
        if KEY not in layer.metadata:
            volume = rebuilt(layer, self._rotation.frame)
            if volume is not None:
                adopt(layer, volume)
                self._watch(layer, radiological=radiological)

    def _watch(self, layer: Layer, *, radiological: bool) -> None:
        """Listen to a new brain layer; the first one sets the camera upright."""
        layer.events.data.connect(self._on_data)
        if isinstance(layer, Labels):
            layer.events.paint.connect(self._on_painted)
            layer.events.visible.connect(self._on_used)
            layer.events.mode.connect(self._on_used)
        viewer = self._viewer_ref()
        if viewer is None:
            return
        if len(brain_layers(viewer)) == 1:
            set_plane(viewer, radiological=radiological)
        else:
            move_into_view(viewer, layer)
        clash = find_clash(viewer, layer.metadata[KEY], layer)
        if clash is not None:
            show_warning(clash_message(layer, clash))

    def _on_painted(self, event: Any) -> None:
        keep_painted(event.source, self._rotation.frame)

    def _on_used(self, event: Any) -> None:
        """Load labels into memory that became visible, or are about to be painted."""
        self._rotation.materialize_labels([event.source])

    def _on_data(self, event: Any) -> None:
        """Accept new data that another plugin or a script gave a layer."""
        if not self._rotation.changing_layers:
            layer, volume = event.source, rebuilt(event.source, self._rotation.frame)
            if volume is not None:
                old = layer.metadata[KEY]
                adopt(layer, volume)
                self._replaced(layer, old, volume)
