"""L and R, A and P, S and I at the edges of the canvas, where they stay while it is panned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay

from napari_fmri_decoder._napari.view import edge_letters

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.session import Session

COLOR = (1.0, 0.72, 0.2, 1.0)
"""Amber: seen on black, on grey and on white, and in none of the maps' colours."""
_PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}


class Letters:
    """Keeps four of napari's text overlays right for the viewer of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        viewer = session.viewer
        self._texts = {
            edge: TextOverlay(position=place, color=COLOR, font_size=14) for edge, place in _PLACES.items()
        }
        for edge, text in self._texts.items():
            viewer.canvas.overlays[f"_fmri_{edge}"] = text
        for event in (viewer.dims.events.order, viewer.dims.events.ndisplay, viewer.dims.events.ndim):
            event.connect(self._update)
        viewer.scene.camera.events.orientation.connect(self._update)
        session.layers_changed.connect(self._update)
        session.changed.connect(self._update)
        self._update()

    def _update(self, event: Any = None) -> None:
        if isinstance(event, str) and event != "frame":
            return
        letters = edge_letters(self._session.viewer, self._session.state.frame)
        for edge, text in self._texts.items():
            letter = letters.get(edge, "")
            if letter and text.text != letter:
                text.text = letter
            if text.visible != bool(letter):
                text.visible = bool(letter)
