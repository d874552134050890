"""How the viewer looks at the head: which plane, which way up, in which frame.

The camera, not a negative scale, puts superior and anterior up. Its orientation stays right-handed
in (x, y, z), or the head would be mirrored in 3-D.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_fmri_decoder._napari.layers import KEY, turn
from napari_fmri_decoder.volumes.directions import ends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari import Viewer
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.frames import Frame

Plane = Literal["axial", "coronal", "sagittal"]

# Order of the axes z, y, x (across the screen's depth, down, to the right), and the camera's
# orientation, seen from the neurologist's side: left is left.
_PLANES: dict[Plane, tuple[tuple[int, int, int], tuple[str, str, str]]] = {
    "axial": ((0, 1, 2), ("towards", "up", "right")),
    "coronal": ((1, 0, 2), ("away", "up", "right")),
    "sagittal": ((2, 0, 1), ("towards", "up", "right")),
}
# Mirrored left to right together with depth, so that the head stays a head.
_RADIOLOGICAL: dict[Plane, tuple[str, str, str]] = {
    "axial": ("away", "up", "left"),
    "coronal": ("towards", "up", "left"),
    "sagittal": ("towards", "up", "right"),
}


def brain_layers(viewer: Viewer) -> list[Layer]:
    """Layers that know their place in the scanner, lowest first."""
    return [layer for layer in viewer.layers if KEY in layer.metadata]


def set_plane(viewer: Viewer, plane: Plane = "axial", *, radiological: bool = False) -> None:
    """Turn the camera: superior and anterior up, left on the left (on the right if radiological).

    Parameters
    ----------
    viewer : napari Viewer
        Holds at least one brain layer.
    plane : {"axial", "coronal", "sagittal"}
    radiological : bool
        Look from the patient's feet, or from in front.
    """
    order, orientation = _PLANES[plane]
    if radiological:
        orientation = _RADIOLOGICAL[plane]
    lead = viewer.dims.ndim - 3
    viewer.scene.camera.orientation = orientation
    viewer.dims.order = (*range(lead), *(lead + axis for axis in order))
    viewer.reset_view()


def plane_of(viewer: Viewer) -> Plane | None:
    """The plane that is shown, None where the axes are rolled in another way."""
    lead = viewer.dims.ndim - 3
    shown = tuple(axis - lead for axis in viewer.dims.order[-3:])
    return next((plane for plane, (order, _) in _PLANES.items() if order == shown), None)


def mirror(viewer: Viewer, *, radiological: bool) -> None:
    """Change sides: left to the left, or to the right; what is seen stays in sight, in 3-D as it is."""
    camera = viewer.scene.camera
    centre, zoom, direction, up = camera.center, camera.zoom, camera.view_direction, camera.up_direction
    set_plane(viewer, plane_of(viewer) or "axial", radiological=radiological)
    if viewer.dims.ndisplay == 3:
        camera.set_view_direction(direction, up)
    camera.center, camera.zoom = centre, zoom


def edge_letters(viewer: Viewer, frame: Frame) -> dict[str, str]:
    """Find the letters of the directions in which the edges of the canvas lie.

    Parameters
    ----------
    viewer : napari Viewer
    frame : Frame
        Of the viewer; what lies obliquely in it gets the closest letter.

    Returns
    -------
    dict of str
        At "left", "right", "top" and "bottom"; none at the ends of an axis that is none of the head's,
        such as time; empty in 3-D, and where there is no brain layer.
    """
    if viewer.dims.ndisplay == 3 or not brain_layers(viewer):
        return {}
    _, vertical, horizontal = (str(way) for way in viewer.scene.camera.orientation)
    down, across = _displayed(viewer)
    letters = {}
    if across is not None:
        way = frame.inverse[:3, 2 - across]
        letters["left"], letters["right"] = ends(way if horizontal == "right" else -way)
    if down is not None:
        way = frame.inverse[:3, 2 - down]
        letters["top"], letters["bottom"] = ends(way if vertical == "down" else -way)
    return letters


def look_from_the_left(viewer: Viewer) -> None:
    """Turn the camera in 3-D so that the head stands upright and looks to the left, at us a little.

    Where another axis than z, y and x is shown, such as time, there is no head to set upright: the
    camera stays.
    """
    towards = {"z": -0.35, "y": -0.6, "x": 0.75}  # from left, front and above
    axes = ["zyx"[axis] for axis in _displayed(viewer) if axis is not None]
    if len(axes) == 3:
        viewer.scene.camera.set_view_direction(
            tuple(towards[axis] for axis in axes), tuple(float(axis == "z") for axis in axes)
        )


def change_at_once(
    viewer: Viewer, changes: Mapping[Layer, Callable[[], None]], then: Callable[[], None] | None = None
) -> None:
    """Change layers, and let viewer and canvas hear of it once.

    Each change of data or affine makes napari find its sliders anew, and each slider that moves has
    all layers sliced again: while a rotation is dragged, that is what takes the time.

    Parameters
    ----------
    viewer : napari Viewer
    changes : mapping of Layer to callable
        What changes each.
    then : callable, optional
        Moves the sliders, after they know of the changes and before anything is sliced.
    """
    on_change, slice_all = (getattr(viewer, name, None) for name in ("_on_layers_change", "_update_layers"))
    with ExitStack() as still:
        for event in (viewer.dims.events.point, viewer.dims.events.current_step) if slice_all else ():
            still.enter_context(event.blocker(slice_all))
        for layer in changes:
            block = getattr(layer, "_block_refresh", None)
            if block is not None:
                still.enter_context(block())
        with ExitStack() as quiet:
            for layer in changes if on_change else ():
                for event in (layer.events.affine, layer.events.data, layer.events.units):
                    quiet.enter_context(event.blocker(on_change))
                for move in _movers(layer):
                    quiet.enter_context(layer.events.affine.blocker(move))
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
        slice_all()  # those whose sliders moved
    for layer in changes:
        layer.events.set_data.disconnect(note)
        if layer not in drawn:
            layer.refresh()


def _movers(layer: Layer) -> list[Any]:
    """Find what moves a layer on the canvas when its affine changes: new slices move it all the same."""
    named = [callback for callback in layer.events.affine.callbacks if isinstance(callback, tuple)]
    found = [getattr(ref(), name, None) for ref, name in named if name == "_on_matrix_change"]
    return [move for move in found if move is not None]


def show_in_frame(
    viewer: Viewer,
    frame: Frame,
    then: Callable[[], None],
    instead: Mapping[Layer, Callable[[], None]] | None = None,
) -> None:
    """Turn all brain layers into a frame, some by changes of their own; then move the sliders by `then`."""
    turns = {layer: partial(turn, layer, frame) for layer in brain_layers(viewer)}
    change_at_once(viewer, {**turns, **(instead or {})}, then)


def looked_at(viewer: Viewer) -> NDArray[np.float64]:
    """(x, y, z) frame millimetres at the centre of the view, on the slice that is shown."""
    seen = np.array(viewer.dims.point[-3:], dtype=float)
    if viewer.dims.ndisplay == 2:
        for axis, centre in zip(_displayed(viewer), viewer.scene.camera.center[-2:], strict=True):
            if axis is not None:
                seen[axis] = centre
    return seen[::-1]


def look_at(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Show the slice through (x, y, z) frame millimetres, and centre the view on them."""
    zyx = np.asarray(point)[::-1]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in zyx))
    if viewer.dims.ndisplay == 2:
        centre = [float(v) for v in viewer.scene.camera.center[-2:]]
        for i, axis in enumerate(_displayed(viewer)):
            if axis is not None:
                centre[i] = float(zyx[axis])
        viewer.scene.camera.center = (0.0, *centre)


def show_slice(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Show the slice through (x, y, z) frame millimetres; the camera stays."""
    zyx = np.asarray(point)[::-1]
    hidden = [axis for axis in range(3) if axis not in _displayed(viewer)]
    now = np.array(viewer.dims.point[-3:])
    now[hidden] = zyx[hidden]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in now))


def show_point(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Let the slices of all three planes pass through (x, y, z) frame millimetres; the camera stays."""
    zyx = np.asarray(point)[::-1]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in zyx))


def bring_into_sight(viewer: Viewer, layer: Layer) -> None:
    """Move to the middle of a layer where the slice that is shown passes it by."""
    low, high = layer.extent.world[:, -3:]
    margin = (
        np.linalg.norm(np.asarray(layer.affine.linear_matrix)[-3:, -3:] * layer.scale[-3:], axis=0).max() / 2
    )
    here = np.asarray(viewer.dims.point[-3:])
    hidden = [axis for axis in range(3) if axis not in _displayed(viewer)]
    if ((here < low - margin) | (here > high + margin))[hidden].any():
        show_slice(viewer, ((low + high) / 2)[::-1])


def _displayed(viewer: Viewer) -> list[int | None]:
    """Which of z, y, x (0, 1, 2) run across the screen; None for another axis, such as time."""
    first = viewer.dims.ndim - 3
    return [axis - first if axis >= first else None for axis in viewer.dims.displayed]
