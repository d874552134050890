"""Rotate all brain layers, or change several layers at once: everything is sliced and drawn once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import is_lazy_labels, set_frame
from napari_fmri_decoder._napari.viewer.camera import brain_layers, center_view, show_point, view_center
from napari_fmri_decoder._napari.viewer.change_layers import change_together, show_in_frame

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.frames import Frame

    Changes = dict[Layer, Callable[[], None]]


class HeadRotation:
    """Changes the layers of a viewer together.

    Parameters
    ----------
    viewer : napari Viewer
        Held weakly.
    before_rotation : callable
        Called before layers are rotated; what it passes to `show` is drawn together with them.

    Attributes
    ----------
    frame : Frame
        That the layers are shown in.
    changing_layers : bool
        Whether layers are being changed, so that moves of the sliders only follow from that.
    """

    def __init__(self, viewer: Viewer, before_rotation: Callable[[], None]) -> None:
        self._viewer_ref = ref(viewer)
        self._before_rotation = before_rotation
        self.frame = SCANNER
        self.changing_layers = False
        self._collected: Changes | None = None  # changes to be drawn together with the rotation
        self._view_center: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None  # scanner, frame mm

    @property
    def _viewer(self) -> Viewer:
        viewer = self._viewer_ref()
        if viewer is None:
            raise ReferenceError("The viewer of this session was closed.")
        return viewer

    def set_frame(self, frame: Frame, point: tuple[float, float, float] | None) -> None:
        """Rotate all brain layers; the crosshair, or else the center of the view, keeps its position.

        The sliders round the center of the view to whole steps. These errors must not add up while a
        rotation is dragged: as long as nothing else moves the view, its first center counts.

        Parameters
        ----------
        frame : Frame
        point : (3,) tuple of float or None
            The crosshair, scanner millimeters.
        """
        old, self.frame = self.frame, frame
        viewer = self._viewer
        if not brain_layers(viewer):
            return
        collected = self._collect_changes()
        if point is not None:
            self._rotate_about(np.array(point), old, frame, collected)
            return
        center = view_center(viewer)
        if self._view_center is None or not np.allclose(center, self._view_center[1]):
            self._view_center = old.to_scanner(center), center
        first_center = self._view_center[0]
        with self._while_changing():
            show_in_frame(
                viewer, frame, partial(center_view, viewer, frame.to_frame(first_center)), collected
            )
        self._view_center = first_center, view_center(viewer)

    def _rotate_about(self, point: NDArray[np.float64], old: Frame, new: Frame, collected: Changes) -> None:
        """Rotate all brain layers about a scanner point, which keeps its position on the canvas."""
        viewer = self._viewer
        offset = view_center(viewer) - old.to_frame(point)

        def move() -> None:
            center_view(viewer, new.to_frame(point) + offset)
            show_point(viewer, new.to_frame(point))

        with self._while_changing():
            show_in_frame(viewer, new, move, collected)

    def _collect_changes(self) -> Changes:
        """Let the docks add what they show in the new frame."""
        collected: Changes = {}
        self._collected = collected
        try:
            self._before_rotation()
        finally:
            self._collected = None
        return collected

    def materialize_labels(self, layers: Iterable[Layer]) -> None:
        """Replace lazy labels of visible layers by arrays in memory, which can be painted."""
        changes = {
            layer: partial(set_frame, layer, self.frame, in_memory=True)
            for layer in layers
            if is_lazy_labels(layer)
        }
        if changes:
            with self._while_changing():
                change_together(self._viewer, changes)

    def show(
        self, changes: Mapping[Layer, Callable[[], None]], then: Callable[[], None] | None = None
    ) -> None:
        """Change layers and then move the sliders; see `Session.show_together`."""
        if self._collected is not None:
            self._collected |= changes
            return

        def move() -> None:
            if then is not None:
                self.changing_layers = False  # listeners to the sliders follow this move
                then()
                self.changing_layers = True

        with self._while_changing():
            change_together(self._viewer, changes, move)

    @contextmanager
    def _while_changing(self) -> Iterator[None]:
        self.changing_layers = True
        try:
            yield
        finally:
            self.changing_layers = False
