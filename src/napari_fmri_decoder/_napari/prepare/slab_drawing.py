"""The outline of a slab and its preview, as two layers of the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers.colormaps import CLEAR_WARM
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.viewer.preparation import slab_outline, slab_preview

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.slabs import RotatedSlab
    from napari_fmri_decoder.volumes.volume import Volume

OUTLINE, PREVIEW = "outline", "filling"
DRAWN = "fmri_decoder drawn"
"""Key in the metadata of these two layers for their role."""
WARM: dict[str, Any] = {"colormap": CLEAR_WARM, "opacity": 0.85}


class SlabDrawing:
    """Draws a slab in two layers, which are kept, because removing layers may crash."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._layers: dict[str, Layer] = {}

    def visible(self) -> bool:
        """Whether outline and preview exist and are visible."""
        layers = self._session.viewer.layers
        return len(self._layers) == 2 and all(
            layer.visible and layer in layers for layer in self._layers.values()
        )

    def hide(self) -> None:
        """Hide outline and preview."""
        for layer in self._layers.values():
            layer.visible = False

    def draw(self, placement: RotatedSlab, mean: Volume, move: Callable[[], None] | None) -> None:
        """Draw outline and preview.

        Parameters
        ----------
        placement : RotatedSlab
        mean : Volume
            Mean of the series, which fills the slab.
        move : callable or None
            Moves the shown slice, together with the drawing.
        """
        layers = self._session.viewer.layers
        active = layers.selection.active
        shown: dict[Layer, Volume] = {}
        properties = {PREVIEW: WARM, OUTLINE: {"opacity": 1.0}}
        for name, volume in ((PREVIEW, slab_preview(placement, mean)), (OUTLINE, slab_outline(placement))):
            layer = self._layers.get(name) or self._layer_of_closed_dock(name)
            if layer is None or layer not in layers:
                meta = {HELPER: True, DRAWN: name}
                layer = self._layers[name] = self._session.add(volume, metadata=meta, **properties[name])
            else:
                self._layers[name] = layer
                shown[layer] = volume
        outline = self._layers[OUTLINE]
        if outline.contour != 1:
            outline.contour = 1
        # setting `visible` redraws this layer and all others
        for layer in self._layers.values():
            if not layer.visible:
                layer.visible = True
        if layers.selection.active is not active:
            layers.selection.active = active
        if shown:
            self._session.show_together(shown, move)
        elif move is not None:
            move()

    def _layer_of_closed_dock(self, name: str) -> Layer | None:
        """Find the outline or preview of a closed dock."""
        layers = self._session.viewer.layers
        return next((layer for layer in layers if layer.metadata.get(DRAWN) == name), None)
