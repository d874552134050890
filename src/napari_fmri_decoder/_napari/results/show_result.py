"""Show the results of a run in the viewer, and replace them by those of the next run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakSet, ref

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap

from napari_fmri_decoder._napari.layers.to_layer import HELPER, KEY
from napari_fmri_decoder._napari.results.legend import ResultLegend
from napari_fmri_decoder._napari.results.result_layers import ResultVolume, result_volumes
from napari_fmri_decoder._napari.results.roles import PREDICTIONS, ROLE, result_layers
from napari_fmri_decoder._napari.results.score_metadata import add_score
from napari_fmri_decoder._napari.viewer.camera import show_slice
from napari_fmri_decoder._napari.viewer.dims import show_volume, volume_shown

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult

__all__ = ["ROLE", "SEEN", "result_layers", "show_result"]

SEEN = "seen in training"
"""Key of a result layer's metadata with the volumes that its network was trained on, and the suffix of its
name while such a volume is shown."""


_followed: WeakSet[Session] = WeakSet()
"""Sessions whose sliders are followed."""


def show_result(session: Session, result: RunResult) -> list[Layer]:
    """Show a run: its predictions over the anatomy, and hidden layers of filter activations.

    Layers of an earlier result are updated, not removed: see `Session.remove`.

    Returns
    -------
    list of Layer
        The predictions last.

    Raises
    ------
    InputError
        If the viewer holds a series whose first axis has another meaning.
    """
    old = {layer.metadata[ROLE]: layer for layer in result_layers(session.viewer)}
    shown = []
    for volume in result_volumes(result):
        role = volume.name.rpartition(" ")[2]
        shown.append(_show(session, volume, role, old.pop(role, None)))
        add_score(shown[-1], result.scores)
    for layer in old.values():
        session.remove(layer)
    _raise(session.viewer, shown)
    session.viewer.layers.selection = {shown[-1]}
    _make_visible(session, result)
    _mark_seen(session)
    session.part(ResultLegend).update()
    if session not in _followed:
        _followed.add(session)
        session.viewer.dims.events.point.connect(partial(_on_moved, ref(session)))
    return shown


def _raise(viewer: Viewer, shown: list[Layer]) -> None:
    """Move layers to the top, in their order: a scan that was opened since may cover them."""
    if list(viewer.layers[-len(shown) :]) != shown:
        for layer in shown:
            viewer.layers.move(viewer.layers.index(layer), len(viewer.layers))


def _make_visible(session: Session, result: RunResult) -> None:
    """Move to decoded voxels and to a predicted volume, unless some are already visible.

    Masks and slabs from the Prepare dock are hidden, because they would tint the results.
    """
    viewer, prepared = session.viewer, result.prepared
    has_slab, grid = prepared.recipe.slab is not None, prepared.samples.space.grid
    for layer in (layer for step in session.steps for layer in step.layers):
        volume = session.volume(layer)
        if volume is not None and (volume.kind == "mask" or (has_slab and volume.grid.same_as(grid))):
            layer.visible = False
    tested = sorted(int(v) for f in result.folds for v in prepared.samples.table["volume"].iloc[f.split.test])
    if volume_shown(viewer, prepared.series.step) not in tested:
        show_volume(viewer, tested[0], prepared.series.step)
    corners = session.state.scene.frame.to_frame(grid.corners)
    here = np.asarray(viewer.dims.point[-3:])[::-1]
    margin = grid.voxel_size.max() / 2
    if ((here < corners.min(axis=0) - margin) | (here > corners.max(axis=0) + margin)).any():
        show_slice(viewer, corners.mean(axis=0))


def _on_moved(session: ReferenceType[Session], event: Any) -> None:
    here = session()
    if here is not None:
        _mark_seen(here)


def _mark_seen(session: Session) -> None:
    """Mark the names of layers whose network was trained on the current volume."""
    for layer in result_layers(session.viewer):
        seen = layer.metadata[SEEN]
        volume = volume_shown(session.viewer, layer.metadata[KEY].step)
        marked, mark = layer.name.endswith(f" ({SEEN})"), bool(volume < len(seen) and seen[volume])
        if marked != mark:
            layer.name = f"{layer.name} ({SEEN})" if mark else layer.name.removesuffix(f" ({SEEN})")


def _show(session: Session, volume: ResultVolume, role: str, layer: Layer | None) -> Layer:
    meta = layer_settings(volume)
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
    session.part(ResultLegend).follow(layer)
    return layer


def layer_settings(volume: ResultVolume) -> dict[str, Any]:
    """Return settings of napari's layer: a table of colors becomes a color map of labels."""
    meta = dict(volume.meta)
    colors = meta.pop("colors", None)
    if colors is not None:
        clear = (0.0, 0.0, 0.0, 0.0)
        meta["colormap"] = DirectLabelColormap(color_dict={None: clear, 0: clear, **colors})
    return meta
