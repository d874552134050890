"""How the viewer looks at the head: which plane, which way up, in which frame.

The camera, not a negative scale, puts superior and anterior up. Its orientation stays right-handed
in (x, y, z), or the head would be mirrored in 3-D.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_fmri_decoder._napari.layers import KEY, turn

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

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


def look_from_the_left(viewer: Viewer) -> None:
    """Turn the camera in 3-D so that the head stands upright and looks to the left, at us a little."""
    towards = {"z": -0.35, "y": -0.6, "x": 0.75}  # from left, front and above
    axes = ["zyx"[axis - (viewer.dims.ndim - 3)] for axis in viewer.dims.displayed]
    viewer.scene.camera.set_view_direction(
        tuple(towards[axis] for axis in axes), tuple(float(axis == "z") for axis in axes)
    )


def show_in_frame(viewer: Viewer, old: Frame, new: Frame, layers: Iterable[Layer] | None = None) -> None:
    """Turn all brain layers from one frame to another; what is looked at stays in sight.

    Parameters
    ----------
    viewer : napari Viewer
    old, new : Frame
        The point of the head at the centre of the view in `old` is there in `new` as well.
    layers : iterable of Layer, optional
        Just these; all brain layers if None.
    """
    turned = brain_layers(viewer) if layers is None else list(layers)
    if not turned:
        return
    seen, point = _looked_at(viewer), np.array(viewer.dims.point)
    with ExitStack() as quiet:
        # The viewer recomputes its sliders for each layer that changes: once, at the end, is enough.
        on_change = getattr(viewer, "_on_layers_change", None)
        for layer in turned[:-1] if on_change else []:
            quiet.enter_context(layer.events.affine.blocker(on_change))
            quiet.enter_context(layer.events.data.blocker(on_change))
        for layer in turned:
            turn(layer, new)
    moved = new.to_frame(old.to_scanner(seen[::-1]))[::-1]
    point[-3:] = moved
    viewer.dims.point = tuple(point)
    if viewer.dims.ndisplay == 2:
        lead = viewer.dims.ndim - 3
        viewer.scene.camera.center = (0.0, *(float(moved[axis - lead]) for axis in viewer.dims.displayed))


def _looked_at(viewer: Viewer) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(z, y, x) frame millimetres at the centre of the view, on the slice that is shown."""
    lead = viewer.dims.ndim - 3
    seen = np.array(viewer.dims.point[-3:], dtype=float)
    if viewer.dims.ndisplay == 2:
        for axis, value in zip(viewer.dims.displayed, viewer.scene.camera.center[-2:], strict=True):
            seen[axis - lead] = value
    return seen
