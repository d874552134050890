"""The camera of the viewer: its plane, its orientation, and the center of the view.

The camera puts superior and anterior up, instead of a negative scale. Its orientation stays right-handed in
(x, y, z); otherwise the head would be mirrored in 3-D.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder.volumes.directions import ends, letters

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.frames import Frame

Plane = Literal["axial", "coronal", "sagittal"]

# Order of the axes z, y, x (depth, down and right on the screen), and the camera's orientation in
# neurological convention: left is on the left.
_PLANES: dict[Plane, tuple[tuple[int, int, int], tuple[str, str, str]]] = {
    "axial": ((0, 1, 2), ("towards", "up", "right")),
    "coronal": ((1, 0, 2), ("away", "up", "right")),
    "sagittal": ((2, 0, 1), ("towards", "up", "right")),
}
# Left and right are mirrored together with depth, so that the space stays right-handed.
_RADIOLOGICAL: dict[Plane, tuple[str, str, str]] = {
    "axial": ("away", "up", "left"),
    "coronal": ("towards", "up", "left"),
    "sagittal": ("towards", "up", "right"),
}


def brain_layers(viewer: Viewer) -> list[Layer]:
    """Layers with a position in the scanner, lowest first."""
    return [layer for layer in viewer.layers if KEY in layer.metadata]


def set_plane(viewer: Viewer, plane: Plane = "axial", *, radiological: bool = False) -> None:
    """Set the camera: superior and anterior up, left on the left (on the right if radiological).

    Parameters
    ----------
    viewer : napari Viewer
        With at least one brain layer.
    plane : {"axial", "coronal", "sagittal"}
    radiological : bool
        View from the feet, or from the front.
    """
    order, orientation = _PLANES[plane]
    if radiological:
        orientation = _RADIOLOGICAL[plane]
    lead = viewer.dims.ndim - 3
    viewer.scene.camera.orientation = orientation
    viewer.dims.order = (*range(lead), *(lead + axis for axis in order))
    viewer.reset_view()


def plane_of(viewer: Viewer) -> Plane | None:
    """The plane that is shown; None for other orders of the axes."""
    lead = viewer.dims.ndim - 3
    shown = tuple(axis - lead for axis in viewer.dims.order[-3:])
    return next((plane for plane, (order, _) in _PLANES.items() if order == shown), None)


def mirror(viewer: Viewer, *, radiological: bool) -> None:
    """Put left on the left or on the right; the center of the view is kept, and the 3-D view as well."""
    camera = viewer.scene.camera
    center, zoom, direction, up = camera.center, camera.zoom, camera.view_direction, camera.up_direction
    set_plane(viewer, plane_of(viewer) or "axial", radiological=radiological)
    if viewer.dims.ndisplay == 3:
        camera.set_view_direction(direction, up)
    camera.center, camera.zoom = center, zoom


def edge_letters(viewer: Viewer, frame: Frame) -> dict[str, str]:
    """Letters of the anatomical directions at the edges of the canvas.

    Parameters
    ----------
    viewer : napari Viewer
    frame : Frame
        That the viewer shows; oblique directions get the closest letter.

    Returns
    -------
    dict of str
        At "left", "right", "top" and "bottom"; none for other axes than x, y and z, such as time; empty
        without a brain layer. In 3-D a text may have several letters, the closest direction first, and
        "view" says from where the head is seen.
    """
    if not brain_layers(viewer):
        return {}
    if viewer.dims.ndisplay == 3:
        return _letters_3d(viewer, frame)
    _, vertical, horizontal = (str(way) for way in viewer.scene.camera.orientation)
    down, across = _displayed(viewer)
    found = {}
    if across is not None:
        direction = frame.inverse[:3, 2 - across]
        found["left"], found["right"] = ends(direction if horizontal == "right" else -direction)
    if down is not None:
        direction = frame.inverse[:3, 2 - down]
        found["top"], found["bottom"] = ends(direction if vertical == "down" else -direction)
    return found


def _letters_3d(viewer: Viewer, frame: Frame) -> dict[str, str]:
    """Letters of the directions that the camera has to its left, right, top and bottom."""
    axes = [axis for axis in _displayed(viewer) if axis is not None]
    if len(axes) < 3:
        return {}
    camera = viewer.scene.camera
    place = [2 - axis for axis in axes]
    away, up = np.zeros(3), np.zeros(3)
    away[place], up[place] = camera.view_direction, camera.up_direction  # x, y, z of the frame
    away, up, right = (frame.inverse[:3, :3] @ vector for vector in (away, up, np.cross(away, up)))
    return {
        **{"left": letters(-right), "right": letters(right), "top": letters(up), "bottom": letters(-up)},
        "view": f"seen from {letters(-away)}",
    }


def look_from_the_left(viewer: Viewer) -> None:
    """Set the camera in 3-D so that the head is upright and seen from the left and slightly from the front.

    If an axis other than z, y and x is shown, such as time, the camera does not change.
    """
    towards = {"z": -0.35, "y": -0.6, "x": 0.75}  # from left, front and above
    axes = ["zyx"[axis] for axis in _displayed(viewer) if axis is not None]
    if len(axes) == 3:
        viewer.scene.camera.set_view_direction(
            tuple(towards[axis] for axis in axes), tuple(float(axis == "z") for axis in axes)
        )


def view_center(viewer: Viewer) -> NDArray[np.float64]:
    """Center of the view on the shown slice, (x, y, z) frame millimeters."""
    center = np.array(viewer.dims.point[-3:], dtype=float)
    if viewer.dims.ndisplay == 2:
        for axis, value in zip(_displayed(viewer), viewer.scene.camera.center[-2:], strict=True):
            if axis is not None:
                center[axis] = value
    return center[::-1]


def center_view(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Show the slice through (x, y, z) frame millimeters, and center the view there."""
    zyx = np.asarray(point)[::-1]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in zyx))
    if viewer.dims.ndisplay == 2:
        center = [float(v) for v in viewer.scene.camera.center[-2:]]
        for i, axis in enumerate(_displayed(viewer)):
            if axis is not None:
                center[i] = float(zyx[axis])
        viewer.scene.camera.center = (0.0, *center)


def show_slice(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Show the slice through (x, y, z) frame millimeters without moving the camera."""
    zyx = np.asarray(point)[::-1]
    hidden = [axis for axis in range(3) if axis not in _displayed(viewer)]
    now = np.array(viewer.dims.point[-3:])
    now[hidden] = zyx[hidden]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in now))


def show_point(viewer: Viewer, point: NDArray[np.float64]) -> None:
    """Show the slices of all three planes through (x, y, z) frame millimeters without moving the camera."""
    zyx = np.asarray(point)[::-1]
    viewer.dims.point = (*viewer.dims.point[:-3], *(float(v) for v in zyx))


def move_into_view(viewer: Viewer, layer: Layer) -> None:
    """Move to the middle of a layer if the shown slice does not intersect it."""
    low, high = layer.extent.world[:, -3:]
    margin = (
        np.linalg.norm(np.asarray(layer.affine.linear_matrix)[-3:, -3:] * layer.scale[-3:], axis=0).max() / 2
    )
    here = np.asarray(viewer.dims.point[-3:])
    hidden = [axis for axis in range(3) if axis not in _displayed(viewer)]
    if ((here < low - margin) | (here > high + margin))[hidden].any():
        show_slice(viewer, ((low + high) / 2)[::-1])


def _displayed(viewer: Viewer) -> list[int | None]:
    """Which of z, y, x (0, 1, 2) are displayed; None for another axis, such as time."""
    first = viewer.dims.ndim - 3
    return [axis - first if axis >= first else None for axis in viewer.dims.displayed]
