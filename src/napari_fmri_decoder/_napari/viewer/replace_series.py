"""Show another series in the layer of the previous one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import to_layer
from napari_fmri_decoder._napari.viewer.dims import show_volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Volume


def replace_series(session: Session, layer: Layer, series: Volume) -> None:
    """Show another series in the layer of a series, at its first volume and with the colors of its kind.

    A viewer counts either seconds or maps along its first axis, so the two series cannot be shown together.

    Raises
    ------
    InputError
        If a third series has the first axis of the replaced one.
    """
    session.show(layer, series)
    _, properties, _ = to_layer(series, session.state.scene.frame)
    layer.name, layer.axis_labels = properties["name"], properties["axis_labels"]
    layer.colormap, layer.contrast_limits = properties["colormap"], properties["contrast_limits"]
    show_volume(session.viewer, 0, series.step)
    if session.state.preparation.series is layer:
        session.changed.emit("series")
