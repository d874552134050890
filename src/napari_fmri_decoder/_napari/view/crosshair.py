"""The crosshair: the point at which napari's slices intersect, set by a click and drawn on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.compat import isalive
from vispy.scene.visuals import Line

from napari_fmri_decoder._napari.viewer.camera import brain_layers, show_point

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.dock import Dock

COLOR = (0.25, 0.9, 0.35, 1.0)
_FAR = 10_000.0  # millimeters: beyond all edges of the canvas
_CLICK = 4.0  # maximum movement of a click, in pixels
_ON_TOP = 1_000_000  # above all layers, whose order is their index


class Crosshair:
    """Synchronizes the session's point, napari's slices and the lines on the canvas.

    Parameters
    ----------
    dock : Dock
        The crosshair is active while this dock is open.
    """

    def __init__(self, dock: Dock) -> None:
        self._session = dock.session
        viewer = dock.viewer
        self._shown = np.zeros(3)  # (z, y, x) of the viewer's slices when they were last set
        self._setting = False
        self._visible = True
        self._lines: Any = None
        self._canvas: Any = None  # owner of the lines
        dims = viewer.dims.events
        for signal, slot in (
            (self._session.changed, self._on_state),
            (self._session.layers_changed, self._on_layers),
            (dims.point, self._on_dims),
            (dims.order, self._draw),
            (dims.ndisplay, self._draw),
        ):
            dock.follow(signal, slot)
        callbacks = viewer.mouse_drag_callbacks

        def begin() -> None:
            callbacks.append(self._on_mouse)
            self._on_layers()

        dock.life.tie(begin, lambda: self._detach(callbacks))

    @property
    def visible(self) -> bool:
        """Whether lines are drawn on the canvas."""
        return self._visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._visible = visible
        self._draw()

    def move(self, point: NDArray[np.float64]) -> None:
        """Set the crosshair to (x, y, z) frame millimeters."""
        x, y, z = (float(mm) for mm in self._session.state.scene.frame.to_scanner(point))
        self._session.update(point=(x, y, z))

    def point(self) -> NDArray[np.float64] | None:
        """Return the position of the crosshair, (x, y, z) frame millimeters."""
        state = self._session.state
        return None if state.scene.point is None else state.scene.frame.to_frame(state.scene.point)

    def _on_layers(self) -> None:
        """Start at the current slices, and reset the point when no scan is left."""
        viewer = self._session.viewer
        if not brain_layers(viewer):
            self._session.update(point=None)
        elif self._session.state.scene.point is None:
            self.move(np.array(viewer.dims.point[-3:])[::-1])
        self._draw()

    def _on_state(self, name: str) -> None:
        if name not in ("point", "frame"):
            return
        point = self.point()
        if point is not None and self._session.viewer.dims.ndim > 2:
            if name == "point":  # a rotation has already shown it, and another slice would be slow
                self._setting = True
                try:
                    show_point(self._session.viewer, point)
                finally:
                    self._setting = False
            self._shown = np.array(self._session.viewer.dims.point[-3:])
        self._draw()

    def _on_dims(self, event: Any = None) -> None:
        """Follow a slider along the axis that is not displayed, if it moved by at least half a step."""
        dims = self._session.viewer.dims
        point = self.point()
        if self._setting or self._session.changing_layers or point is None or dims.ndim < 3:
            return
        now = np.array(dims.point[-3:])
        steps = np.array([step for *_, step in dims.range[-3:]])
        moved = np.abs(now - self._shown) >= steps * 0.499
        for axis in dims.not_displayed:
            axis -= dims.ndim - 3
            if axis >= 0 and moved[axis]:
                point[2 - axis] = now[axis]
                self.move(point)

    def _on_mouse(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Handle a click, or a drag with Shift; without Shift a drag pans as usual."""
        modifiers = [str(getattr(key, "name", key)) for key in event.modifiers]
        drag = modifiers == ["Shift"]
        if event.button != 1 or (modifiers and not drag) or not _is_available(viewer):
            return
        start, is_click = np.array(event.pos), True
        if drag:
            self._move_to(event.position)
        yield
        while event.type == "mouse_move":
            is_click = is_click and bool(np.abs(np.array(event.pos) - start).max() < _CLICK)
            if drag:
                self._move_to(event.position)
                event.handled = True
            yield
        if is_click and not drag:
            self._move_to(event.position)

    def _move_to(self, position: Sequence[float]) -> None:
        if brain_layers(self._session.viewer):
            self.move(np.array(position[-3:], dtype=float)[::-1])

    def _draw(self, event: Any = None) -> None:
        """Draw the lines through the point, with a gap around it."""
        viewer, point = self._session.viewer, self.point()
        visible = self._visible and point is not None and viewer.dims.ndim > 2
        if self._lines is None:
            self._canvas = _canvas(viewer) if visible else None
            if self._canvas is None:
                return
            scene = self._canvas.view.scene
            self._lines = Line(connect="segments", color=COLOR, width=1, parent=scene)
            self._lines.order = _ON_TOP
            self._lines.set_gl_state("translucent", depth_test=False)
        self._lines.visible = bool(visible)
        if not visible or point is None:
            return
        dims, first = viewer.dims, viewer.dims.ndim - 3
        shown = dims.displayed[::-1]  # vispy counts x, y(, z)
        world = [*dims.point[:first], *point[::-1]]  # along time: the current volume
        center = np.zeros(3)
        center[: len(shown)] = [world[axis] for axis in shown]
        ends = []
        for i, axis in enumerate(shown):
            gap = 1.5 * dims.range[axis].step
            for end in (-_FAR, -gap, gap, _FAR):
                ends.append(center.copy())
                ends[-1][i] += end
        self._lines.set_data(pos=np.array(ends, dtype=np.float32))

    def _detach(self, callbacks: list[Any]) -> None:
        if self._on_mouse in callbacks:
            callbacks.remove(self._on_mouse)
        if self._lines is not None and isalive(self._canvas.native):  # type: ignore[no-untyped-call]
            self._lines.parent = None
        self._lines = None  # drawn again if the dock is reopened


def _is_available(viewer: Any) -> bool:
    """Whether a click is free to set the crosshair: in 2-D, while no layer is painted or moved."""
    active = viewer.layers.selection.active
    pans = active is None or str(active.mode) == "pan_zoom"
    return viewer.dims.ndisplay == 2 and viewer.dims.ndim > 2 and pans


def _canvas(viewer: Any) -> Any:
    """Return napari's canvas; None for a viewer without a window."""
    try:
        return viewer.window._qt_viewer.canvas
    except AttributeError:
        return None
