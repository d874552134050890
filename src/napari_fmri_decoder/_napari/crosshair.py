"""The crosshair: one point that napari's slices pass through, set by a click, drawn over the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.compat import isalive
from vispy.scene.visuals import Line

from napari_fmri_decoder._napari.view import brain_layers, show_point

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.docks import Dock

COLOR = (0.25, 0.9, 0.35, 1.0)
_FAR = 10_000.0  # millimetres: beyond every edge of the canvas
_CLICK = 4.0  # pixels that a click may move by
_ON_TOP = 1_000_000  # of all layers, whose order is their place in the list


class Crosshair:
    """Keeps the session's point, napari's slices and the lines on the canvas in step.

    Parameters
    ----------
    dock : Dock
        In whose life it lives.
    """

    def __init__(self, dock: Dock) -> None:
        self._session = dock.session
        viewer = dock.viewer
        self._shown = np.zeros(3)  # z, y, x of the viewer's slices, as they were last set
        self._setting = False
        self._visible = True
        self._lines: Any = None
        self._canvas: Any = None  # whose scene holds the lines
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

        dock.tie(begin, lambda: self._let_go(callbacks))

    @property
    def visible(self) -> bool:
        """Whether lines are drawn over the canvas."""
        return self._visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._visible = visible
        self._draw()

    def move(self, point: NDArray[np.float64]) -> None:
        """Set the crosshair to (x, y, z) frame millimetres."""
        x, y, z = (float(mm) for mm in self._session.state.frame.to_scanner(point))
        self._session.update(point=(x, y, z))

    def point(self) -> NDArray[np.float64] | None:
        """Where the crosshair is, (x, y, z) frame millimetres."""
        state = self._session.state
        return None if state.point is None else state.frame.to_frame(state.point)

    def _on_layers(self) -> None:
        """Begin where the slices are; the place in one head says nothing of the next one's."""
        viewer = self._session.viewer
        if not brain_layers(viewer):
            self._session.update(point=None)
        elif self._session.state.point is None:
            self.move(np.array(viewer.dims.point[-3:])[::-1])
        self._draw()

    def _on_state(self, name: str) -> None:
        if name not in ("point", "frame"):
            return
        point = self.point()
        if point is not None and self._session.viewer.dims.ndim > 2:
            if name == "point":  # a turn has shown it already, and showing it again would slice again
                self._setting = True
                try:
                    show_point(self._session.viewer, point)
                finally:
                    self._setting = False
            self._shown = np.array(self._session.viewer.dims.point[-3:])
        self._draw()

    def _on_dims(self, event: Any = None) -> None:
        """Follow a slider: along the axis that is not on the screen, by half a step and more."""
        dims = self._session.viewer.dims
        point = self.point()
        if self._setting or self._session.turning or point is None or dims.ndim < 3:
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
        """Take a click, or a drag with Shift; a drag without pans, as ever."""
        modifiers = [str(getattr(key, "name", key)) for key in event.modifiers]
        drag = modifiers == ["Shift"]
        if event.button != 1 or (modifiers and not drag) or not _free(viewer):
            return
        start, still = np.array(event.pos), True
        if drag:
            self._to(event.position)
        yield
        while event.type == "mouse_move":
            still = still and bool(np.abs(np.array(event.pos) - start).max() < _CLICK)
            if drag:
                self._to(event.position)
                event.handled = True
            yield
        if still and not drag:
            self._to(event.position)

    def _to(self, position: Sequence[float]) -> None:
        if brain_layers(self._session.viewer):
            self.move(np.array(position[-3:], dtype=float)[::-1])

    def _draw(self, event: Any = None) -> None:
        """Lay the lines through the point, with a gap that shows it."""
        viewer, point = self._session.viewer, self.point()
        seen = self._visible and point is not None and viewer.dims.ndim > 2
        if self._lines is None:
            self._canvas = _canvas(viewer) if seen else None
            if self._canvas is None:
                return
            scene = self._canvas.view.scene
            self._lines = Line(connect="segments", color=COLOR, width=1, parent=scene)
            self._lines.order = _ON_TOP
            self._lines.set_gl_state("translucent", depth_test=False)
        self._lines.visible = bool(seen)
        if not seen or point is None:
            return
        dims, first = viewer.dims, viewer.dims.ndim - 3
        shown = dims.displayed[::-1]  # vispy counts x, y(, z)
        world = [*dims.point[:first], *point[::-1]]  # along time the lines are at the volume that is shown
        centre = np.zeros(3)
        centre[: len(shown)] = [world[axis] for axis in shown]
        ends = []
        for i, axis in enumerate(shown):
            gap = 1.5 * dims.range[axis].step
            for end in (-_FAR, -gap, gap, _FAR):
                ends.append(centre.copy())
                ends[-1][i] += end
        self._lines.set_data(pos=np.array(ends, dtype=np.float32))

    def _let_go(self, callbacks: list[Any]) -> None:
        if self._on_mouse in callbacks:
            callbacks.remove(self._on_mouse)
        if self._lines is not None and isalive(self._canvas.native):  # type: ignore[no-untyped-call]
            self._lines.parent = None
        self._lines = None  # drawn again where the dock comes back


def _free(viewer: Any) -> bool:
    """Whether the mouse is nobody else's: in 2-D, and no layer is painted or moved."""
    active = viewer.layers.selection.active
    pans = active is None or str(active.mode) == "pan_zoom"
    return viewer.dims.ndisplay == 2 and viewer.dims.ndim > 2 and pans


def _canvas(viewer: Any) -> Any:
    """What napari draws upon; None for a viewer without a window."""
    try:
        return viewer.window._qt_viewer.canvas
    except AttributeError:
        return None
