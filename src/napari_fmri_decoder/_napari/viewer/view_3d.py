"""3-D rendering: set the head upright, and remove layers without a crash after 3-D was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari_fmri_decoder._napari.viewer.camera import brain_layers, look_from_the_left

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


class View3D:
    """Follows a viewer into 3-D and back.

    Parameters
    ----------
    viewer : napari Viewer
        Held weakly.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer_ref = ref(viewer)
        self._was_3d = False
        self._last_axes: tuple[Any, ...] | None = None  # axis order and orientation at the last 3-D view
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def remove(self, layer: Layer) -> None:
        """Remove a layer in the way that does not crash.

        Found with napari 0.9.2 and software OpenGL: removing a Labels layer that is being painted
        crashes, and so does removing any layer once the viewer has been in 3-D, if another is added
        later. In that case the layer is only hidden.
        """
        viewer = self._viewer_ref()
        if viewer is None or layer not in viewer.layers:
            return
        layer.mode = "pan_zoom"
        layer.visible = False
        if not self._was_3d:
            viewer.layers.remove(layer)

    def _on_ndisplay(self, event: Any) -> None:
        """Set the head upright in 3-D the first time, and after another plane was shown in 2-D."""
        viewer = self._viewer_ref()
        if viewer is None or viewer.dims.ndisplay != 3:
            return
        self._was_3d = True
        order = tuple(axis - viewer.dims.ndim for axis in viewer.dims.order[-3:])
        axes = (order, viewer.scene.camera.orientation)
        if self._last_axes != axes and brain_layers(viewer):
            self._last_axes = axes
            look_from_the_left(viewer)
