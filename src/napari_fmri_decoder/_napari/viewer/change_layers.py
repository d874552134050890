"""Change several layers of a viewer, with one update of its sliders, one slicing and one drawing."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers.to_layer import set_frame
from napari_fmri_decoder._napari.viewer.camera import brain_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari import Viewer
    from napari.layers import Layer

    from napari_fmri_decoder.volumes.frames import Frame


def change_together(
    viewer: Viewer, changes: Mapping[Layer, Callable[[], None]], then: Callable[[], None] | None = None
) -> None:
    """Change layers, with one notification of viewer and canvas.

    After each change of data or affine, napari recomputes its sliders, and each slider that moves makes it
    slice all layers again. This takes most of the time while a rotation is dragged.

    Parameters
    ----------
    viewer : napari Viewer
    changes : mapping of Layer to callable
        Functions that change each layer.
    then : callable, optional
        Moves the sliders, after they were updated and before anything is sliced.
    """
    on_change, slice_all = (getattr(viewer, name, None) for name in ("_on_layers_change", "_update_layers"))
    with ExitStack() as without_slicing:
        for event in (viewer.dims.events.point, viewer.dims.events.current_step) if slice_all else ():
            without_slicing.enter_context(event.blocker(slice_all))
        for layer in changes:
            block = getattr(layer, "_block_refresh", None)
            if block is not None:
                without_slicing.enter_context(block())
        with ExitStack() as without_notification:
            for layer in changes if on_change else ():
                for event in (layer.events.affine, layer.events.data, layer.events.units):
                    without_notification.enter_context(event.blocker(on_change))
                for move in _matrix_callbacks(layer):
                    without_notification.enter_context(layer.events.affine.blocker(move))
            for change in changes.values():
                change()
        if on_change:
            on_change()
        if then is not None:
            then()
    drawn: list[Layer] = []

    def note(event: Any) -> None:
        drawn.append(event.source)

    for layer in changes:
        layer.events.set_data.connect(note)
    if slice_all:
        slice_all()  # layers whose sliders moved
    for layer in changes:
        layer.events.set_data.disconnect(note)
        if layer not in drawn:
            layer.refresh()


def _matrix_callbacks(layer: Layer) -> list[Any]:
    """Callbacks that move a layer on the canvas when its affine changes; slicing moves it anyway."""
    named = [callback for callback in layer.events.affine.callbacks if isinstance(callback, tuple)]
    found = [getattr(ref(), name, None) for ref, name in named if name == "_on_matrix_change"]
    return [move for move in found if move is not None]


def show_in_frame(
    viewer: Viewer,
    frame: Frame,
    then: Callable[[], None],
    instead: Mapping[Layer, Callable[[], None]] | None = None,
) -> None:
    """Show all brain layers in a frame, with other changes for some of them; then move the sliders."""
    changes = {layer: partial(set_frame, layer, frame) for layer in brain_layers(viewer)}
    change_together(viewer, {**changes, **(instead or {})}, then)
