"""Layers that show a map with the opacity of another map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari.utils.colormaps import DirectLabelColormap

from napari_fmri_decoder._napari.layers.colormaps import two_map_colors
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.view.map_display import DISPLAY, MapDisplay
from napari_fmri_decoder.volumes.thresholds import effect_with_opacity

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session


class OpacityOverlays:
    """One overlay for each map whose opacity is set by another map; the map itself is hidden meanwhile.

    Attributes
    ----------
    adding : bool
        Whether an overlay is being added, which selects it for a moment.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._overlays: dict[Layer, Layer] = {}  # by map
        self.adding = False

    def update(self, layer: Layer, display: MapDisplay) -> None:
        """Show a map by its overlay if another map sets its opacity, else the map itself."""
        overlay = self._overlays.get(layer)
        overlay = overlay if overlay is not None and overlay in self._session.viewer.layers else None
        effect = self._session.volume(layer)
        weight = self._session.volume(display.weight) if display.weight is not None else None
        if effect is None or weight is None:
            if overlay is not None and overlay.visible:
                overlay.visible, layer.visible = False, True
            return
        both = effect_with_opacity(effect, weight, display.limit, display.opaque_from)
        if overlay is None:
            colors = DirectLabelColormap(color_dict=two_map_colors())
            selection = self._session.viewer.layers.selection
            active, self.adding = selection.active, True
            overlay = self._session.add(both, colormap=colors, opacity=1.0, metadata={HELPER: True})
            selection.active, self.adding = active, False
            self._overlays[layer] = overlay
        else:
            self._session.show(overlay, both)
        overlay.visible, layer.visible = True, False

    def remove_stale(self) -> None:
        """Remove overlays of maps that were removed, and hide those whose weight was removed."""
        layers = self._session.viewer.layers
        for layer, overlay in list(self._overlays.items()):
            display: MapDisplay | None = layer.metadata.get(DISPLAY)
            if layer not in layers:
                del self._overlays[layer]
                self._session.remove(overlay)
            elif display is not None and display.weight is not None and display.weight not in layers:
                layer.metadata[DISPLAY] = display = replace(display, weight=None)
                self.update(layer, display)
