"""Bring the results of a run into the viewer, and let those of the next run take their place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakSet, ref

from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap

from napari_fmri_decoder._napari.layers import KEY
from napari_fmri_decoder._napari.results import PREDICTIONS, ResultVolume, result_volumes
from napari_fmri_decoder._napari.slider import volume_shown
from napari_fmri_decoder._napari.view import brain_layers
from napari_fmri_decoder._napari.widgets.mask_view import NOT_A_MASK

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.pipeline import RunResult

ROLE = "fmri_decoder role"
"""Where a result layer's metadata says which part of the result it shows."""
SEEN = "seen in training"
"""Where a result layer's metadata tells, per volume, what the network was trained on; also what its
name says where such a volume is shown."""


_followed: WeakSet[Session] = WeakSet()
"""Sessions whose sliders are listened to."""


def show_result(session: Session, result: RunResult) -> list[Layer]:
    """Show a run: its predictions over the anatomy, and hidden, what each convolution answered.

    Layers of an earlier result are updated, not removed: see `Session.remove`.

    Returns
    -------
    list of Layer
        The predictions last.

    Raises
    ------
    InputError
        If the viewer holds a series with another first axis.
    """
    old = {layer.metadata[ROLE]: layer for layer in result_layers(session.viewer)}
    shown = []
    for volume in result_volumes(result):
        role = volume.name.rpartition(" ")[2]
        shown.append(_show(session, volume, role, old.pop(role, None)))
    for layer in old.values():
        session.remove(layer)
    session.viewer.layers.selection = {shown[-1]}
    _say_seen(session)
    if session not in _followed:
        _followed.add(session)
        session.viewer.dims.events.point.connect(partial(_on_moved, ref(session)))
    return shown


def result_layers(viewer: Viewer) -> list[Layer]:
    """The layers of the result that is shown, lowest first."""
    return [layer for layer in brain_layers(viewer) if ROLE in layer.metadata]


def _on_moved(session: ReferenceType[Session], event: Any) -> None:
    here = session()
    if here is not None:
        _say_seen(here)


def _say_seen(session: Session) -> None:
    """Let the names of layers say whether what they show now was seen in training."""
    for layer in result_layers(session.viewer):
        seen = layer.metadata[SEEN]
        volume = volume_shown(session.viewer, layer.metadata[KEY].step)
        marked, mark = layer.name.endswith(f" ({SEEN})"), bool(volume < len(seen) and seen[volume])
        if marked != mark:
            layer.name = f"{layer.name} ({SEEN})" if mark else layer.name.removesuffix(f" ({SEEN})")


def _show(session: Session, volume: ResultVolume, role: str, layer: Layer | None) -> Layer:
    meta = _meta(volume)
    if layer is None:
        layer = session.add(volume, **meta, visible=role == PREDICTIONS)
    else:
        session.show(layer, volume)
        layer.name = volume.name
        if role == PREDICTIONS:
            layer.visible = True
        for name, value in meta.items():
            setattr(layer, name, value)
    if isinstance(layer, Labels):
        layer.editable = False
    layer.metadata.update({ROLE: role, SEEN: volume.seen, NOT_A_MASK: True})
    return layer


def _meta(volume: ResultVolume) -> dict[str, Any]:
    """What napari takes: a table of colours becomes a colour map of labels."""
    meta = dict(volume.meta)
    colors = meta.pop("colors", None)
    if colors is not None:
        clear = (0.0, 0.0, 0.0, 0.0)
        meta["colormap"] = DirectLabelColormap(color_dict={None: clear, 0: clear, **colors})
    return meta
