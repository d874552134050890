"""Bring the results of a run into the viewer, and let those of the next run take their place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakSet, ref

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap

from napari_fmri_decoder._napari.layers import HELPER, KEY, to_layer
from napari_fmri_decoder._napari.results import PREDICTIONS, ResultVolume, result_volumes
from napari_fmri_decoder._napari.slider import show_volume, volume_shown
from napari_fmri_decoder._napari.view import brain_layers, show_slice

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.volumes.volume import Volume

ROLE = "fmri_decoder role"
"""Where a result layer's metadata says which part of the result it shows."""
SEEN = "seen in training"
"""Where a result layer's metadata tells, per volume, what the network was trained on; also what its
name says where such a volume is shown."""


_followed: WeakSet[Session] = WeakSet()
"""Sessions whose sliders are listened to."""


def show_in_place(session: Session, layer: Layer, series: Volume) -> None:
    """Let the layer of the series show another series, from its first volume on, in the look of its kind.

    The first axis of a viewer is either seconds or maps, so that one cannot stand beside the other.

    Raises
    ------
    InputError
        If yet another series has the first axis of the one that is to go.
    """
    session.show(layer, series)
    _, look, _ = to_layer(series, session.state.frame)
    layer.name, layer.axis_labels = look["name"], look["axis_labels"]
    layer.colormap, layer.contrast_limits = look["colormap"], look["contrast_limits"]
    show_volume(session.viewer, 0, series.step)
    if session.state.series is layer:
        session.changed.emit("series")


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
    _bring_into_sight(session, result)
    _say_seen(session)
    if session not in _followed:
        _followed.add(session)
        session.viewer.dims.events.point.connect(partial(_on_moved, ref(session)))
    return shown


def result_layers(viewer: Viewer) -> list[Layer]:
    """The layers of the result that is shown, lowest first."""
    return [layer for layer in brain_layers(viewer) if ROLE in layer.metadata]


def _bring_into_sight(session: Session, result: RunResult) -> None:
    """Move to voxels that were decoded, and to a volume that was predicted, where nothing would be seen.

    Masks and slabs that Prepare made would tint what lies on them: they are hidden.
    """
    viewer, prepared = session.viewer, result.prepared
    cut, grid = prepared.recipe.slab is not None, prepared.samples.space.grid
    for layer in (layer for step in session.steps for layer in step.layers):
        made = session.volume(layer)
        if made is not None and (made.kind == "mask" or (cut and made.grid.same_as(grid))):
            layer.visible = False
    tested = sorted(int(v) for f in result.folds for v in prepared.samples.table["volume"].iloc[f.split.test])
    if volume_shown(viewer, prepared.series.step) not in tested:
        show_volume(viewer, tested[0], prepared.series.step)
    corners = session.state.frame.to_frame(grid.corners)
    here = np.asarray(viewer.dims.point[-3:])[::-1]
    margin = grid.voxel_size.max() / 2
    if ((here < corners.min(axis=0) - margin) | (here > corners.max(axis=0) + margin)).any():
        show_slice(viewer, corners.mean(axis=0))


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
    layer.metadata.update({ROLE: role, SEEN: volume.seen, HELPER: True})
    return layer


def _meta(volume: ResultVolume) -> dict[str, Any]:
    """What napari takes: a table of colours becomes a colour map of labels."""
    meta = dict(volume.meta)
    colors = meta.pop("colors", None)
    if colors is not None:
        clear = (0.0, 0.0, 0.0, 0.0)
        meta["colormap"] = DirectLabelColormap(color_dict={None: clear, 0: clear, **colors})
    return meta
