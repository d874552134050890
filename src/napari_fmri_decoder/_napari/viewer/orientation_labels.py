"""L and R, A and P, S and I at the edges of the canvas; they keep their place while it is panned.

In 3-D they follow the camera: "PL" on the right means that posterior and left are to the right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.components.overlays import TextOverlay

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.viewer.camera import edge_letters
from napari_fmri_decoder._napari.viewer.color_bar import BOX

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder.volumes.frames import Frame

COLOR = (1.0, 0.72, 0.2, 1.0)
"""Amber, on a black box: readable over any image and in both themes, and in no color map of maps."""
_PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
    "view": "bottom_left",
}


class OrientationLabels:
    """Keeps five of napari's text overlays correct for a viewer and its frame.

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
            edge: TextOverlay(
                position=place, color=COLOR, font_size=14 if edge != "view" else 11, box=True, box_color=BOX
            )
            for edge, place in _PLACES.items()
        }
        for edge, text in self._texts.items():
            viewer.canvas.overlays[f"_fmri_{edge}"] = text
        for event in (viewer.dims.events.order, viewer.dims.events.ndisplay, viewer.dims.events.ndim):
            event.connect(self.update)
        camera = viewer.scene.camera
        camera.events.orientation.connect(self.update)
        camera.events.angles.connect(self._on_rotated)
        self.update()

    def set_frame(self, frame: Frame) -> None:
        """Follow a rotation of the head."""
        self._frame = frame
        self.update()

    def _on_rotated(self, event: Any = None) -> None:
        """Follow the camera in 3-D."""
        viewer = self._viewer_ref()
        if viewer is not None and viewer.dims.ndisplay == 3:
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
