"""L and R, A and P, S and I at the edges of the canvas; they keep their place while it is panned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.components.overlays import TextOverlay

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.viewer.camera import edge_letters

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder.volumes.frames import Frame

COLOR = (1.0, 0.72, 0.2, 1.0)
"""Amber: visible on black, gray and white, and not part of any color map of maps."""
_PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}


class OrientationLabels:
    """Keeps four of napari's text overlays correct for a viewer and its frame.

    Parameters
    ----------
    viewer : napari Viewer
        Held weakly.
    frame : Frame
        That the viewer shows; see `set_frame`.
    """

    def __init__(self, viewer: Viewer, frame: Frame = SCANNER) -> None:
        self._viewer_ref = ref(viewer)
        self._frame = frame
        self._texts = {
            edge: TextOverlay(position=place, color=COLOR, font_size=14) for edge, place in _PLACES.items()
        }
        for edge, text in self._texts.items():
            viewer.canvas.overlays[f"_fmri_{edge}"] = text
        for event in (viewer.dims.events.order, viewer.dims.events.ndisplay, viewer.dims.events.ndim):
            event.connect(self.update)
        viewer.scene.camera.events.orientation.connect(self.update)
        self.update()

    def set_frame(self, frame: Frame) -> None:
        """Follow a rotation of the head."""
        self._frame = frame
        self.update()

    def update(self, event: Any = None) -> None:
        """Show the letters of the view as it is now."""
        viewer = self._viewer_ref()
        if viewer is None:
            return
        letters = edge_letters(viewer, self._frame)
        for edge, text in self._texts.items():
            letter = letters.get(edge, "")
            if letter and text.text != letter:
                text.text = letter
            if text.visible != bool(letter):
                text.visible = bool(letter)
