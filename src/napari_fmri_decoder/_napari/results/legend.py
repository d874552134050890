"""The legend of a result on the canvas: predicted class and probability, or layer, filter and range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from napari.components.overlays import TextOverlay
from napari.layers import Labels

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.results.roles import ROLE, result_layers
from napari_fmri_decoder._napari.viewer.color_bar import BOX, show_color_bar
from napari_fmri_decoder._napari.viewer.dims import filter_shown, volume_shown

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session

LEGEND = "_fmri_legend"
"""Key of the legend in the viewer's overlays."""


class ResultLegend:
    """Describes the topmost visible result layer of a session; get it with `session.part(ResultLegend)`.

    Parameters
    ----------
    session : Session
        Held weakly.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)
        self._followed: WeakSet[Layer] = WeakSet()
        viewer = session.viewer
        self.text = TextOverlay(
            position="bottom_right", color="white", box=True, box_color=BOX, font_size=11, visible=False
        )
        viewer.canvas.overlays[LEGEND] = self.text
        viewer.dims.events.point.connect(self.update)
        viewer.layers.events.removed.connect(self.update)

    def follow(self, layer: Layer) -> None:
        """Follow a result layer; one of activations gets its color bar."""
        if not isinstance(layer, Labels):
            show_color_bar(self._viewer, layer, visible=True)
        if layer not in self._followed:
            self._followed.add(layer)
            layer.events.visible.connect(self.update)
            if not isinstance(layer, Labels):
                layer.events.contrast_limits.connect(self.update)

    def update(self, event: Any = None) -> None:
        """Describe the layer as the viewer shows it now, or hide the legend."""
        if self._session() is None:
            return
        viewer = self._viewer
        layer = next((one for one in reversed(result_layers(viewer)) if one.visible), None)
        text = "" if layer is None else describe(viewer, layer)
        if text and self.text.text != text:
            self.text.text = text
        if self.text.visible != bool(text):
            self.text.visible = bool(text)

    @property
    def _viewer(self) -> Viewer:
        session = self._session()
        if session is None:
            raise ReferenceError("The session of this legend was closed.")
        return session.viewer


def describe(viewer: Viewer, layer: Layer) -> str:
    """Describe a result layer at the current volume and filter, in short lines.

    Parameters
    ----------
    viewer : napari Viewer
    layer : napari Layer
        One of `result_layers`.
    """
    volume = volume_shown(viewer, layer.metadata[KEY].step)
    if not isinstance(layer, Labels):
        low, high = layer.contrast_limits
        n = layer.data.shape[0]
        number, role = filter_shown(viewer), layer.metadata[ROLE]
        if number >= n:  # the slider is that of the layer with the most filters
            return f"{role} has no filter {number}\nfilters 0 to {n - 1}"
        return f"{role}, filter {number} (0 to {n - 1})\nactivation {low:.3g} to {high:.3g}"
    if not 0 <= volume < len(layer.features):
        return ""
    row = layer.features.iloc[volume]
    label = f"label: {row['true'] or 'none'}"
    if not row["predicted"]:
        return f"volume {volume}: not predicted\n{label}"
    return f"predicted: {row['predicted']}\nprobability: {row['probability']:.2f}\n{label}"
