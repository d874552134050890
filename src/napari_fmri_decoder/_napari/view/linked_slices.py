"""The three linked planes through the crosshair, drawn in the colors of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_fmri_decoder._napari.view.compositing import AXES, Window, compose, zoom_to_fit
from napari_fmri_decoder._napari.view.layer_slice import layer_slice
from napari_fmri_decoder._napari.view.slice_widget import SliceWidget
from napari_fmri_decoder._napari.viewer.camera import brain_layers

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.view.crosshair import Crosshair
    from napari_fmri_decoder._napari.viewer.camera import Plane

PAUSE = 50  # milliseconds between redraws
PLANES: tuple[Plane, ...] = ("coronal", "sagittal", "axial")
ZOOM_STEP, MAX_ZOOM = 1.2, 20.0
"""Factor of one wheel step, and of all steps together."""
_APPEARANCE = (
    *("visible", "opacity", "blending", "contrast_limits", "colormap", "gamma", "data", "affine", "set_data"),
    *("contour", "paint", "selected_label", "show_selected_label"),
)
"""Events of a layer that change its appearance."""


class LinkedSlices(QWidget):
    """Coronal and sagittal slices above, axial slice and another widget below.

    Parameters
    ----------
    dock : Dock
    crosshair : Crosshair
    corner : QWidget
        Shown next to the axial slice.

    Attributes
    ----------
    views : dict of SliceWidget
        By plane.
    """

    def __init__(self, dock: Dock, crosshair: Crosshair, corner: QWidget) -> None:
        super().__init__()
        self._session, self._crosshair = dock.session, crosshair
        self._followed: list[Layer] = []
        self._zoom = 1.0  # relative to the whole brain
        self._center: NDArray[np.float64] | None = None  # scanner mm; None is the middle of all layers
        self.views = {plane: SliceWidget(plane) for plane in PLANES}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for i, widget in enumerate((*self.views.values(), corner)):
            grid.addWidget(widget, i // 2, i % 2)
        for i in range(2):
            grid.setRowStretch(i, 1)
            grid.setColumnStretch(i, 1)
        for view in self.views.values():
            view.pointed.connect(lambda x, y, view=view: self._on_pointed(view, x, y))
            view.stepped.connect(lambda steps, view=view: self._on_stepped(view, steps))
            view.zoomed.connect(lambda steps, x, y, view=view: self._on_zoomed(view, steps, x, y))
            view.panned.connect(lambda x, y, view=view: self._on_panned(view, x, y))
            view.resized.connect(self.draw_soon)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(PAUSE)
        self.timer.timeout.connect(self.refresh)
        dock.follow(self._session.changed, self._on_state)
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(dock.viewer.dims.events.point, self.draw_soon)
        dock.follow(dock.viewer.layers.events.reordered, self.draw_soon)
        dock.follow(dock.viewer.canvas.events.background_color, self.draw_soon)
        dock.life.tie(self._on_layers, self._unfollow)

    def draw_soon(self, event: Any = None) -> None:
        """Draw after a short pause, if visible."""
        if self.isVisible() and not self.timer.isActive():
            self.timer.start()

    def refresh(self) -> None:
        """Draw now."""
        viewer, point = self._session.viewer, self._crosshair.point()
        frame = self._session.state.scene.frame
        for (plane, view), window in zip(self.views.items(), self._windows(), strict=True):
            if window is None or point is None:
                view.clear()
                continue
            slices = [
                layer_slice(layer, plane, point, viewer.dims.point, frame)
                for layer in brain_layers(viewer)
                if layer.visible
            ]
            background = viewer.canvas.background_color[:3]
            image = compose([one for one in slices if one is not None], *window.grid, background)
            cross = window.to_pixels(point) if self._crosshair.visible else None
            view.show_picture(image, window, window.letters(frame), cross)

    def _windows(self) -> list[Window] | list[None]:
        """Find the part of its plane that each view shows: the same zoom and center for all."""
        box = _box(self._session.viewer)
        if box is None:
            return [None] * len(self.views)
        width, height = (
            min(sides) for sides in zip(*(view.pixels for view in self.views.values()), strict=True)
        )
        zoom = zoom_to_fit(*box, (width, height)) * self._zoom
        scene = self._session.state.scene
        if self._center is not None:
            half = (box[1] - box[0]) / 2
            box = scene.frame.to_frame(self._center) - half, scene.frame.to_frame(self._center) + half
        return [
            Window(plane, *box, view.pixels, zoom, scene.radiological) for plane, view in self.views.items()
        ]

    def _on_zoomed(self, view: SliceWidget, steps: float, x: float, y: float) -> None:
        """Zoom all planes around the point under the mouse."""
        point = self._crosshair.point()
        window = self._windows()[list(self.views.values()).index(view)]
        if window is None or point is None:
            return
        factor = float(np.clip(self._zoom * ZOOM_STEP**steps, 1.0, MAX_ZOOM))
        fixed = window.to_point((x, y), point)
        middle = fixed + (window.middle - fixed) * self._zoom / factor
        self._zoom = factor
        self._center = None if factor == 1 else self._session.state.scene.frame.to_scanner(middle)
        self.draw_soon()

    def _on_panned(self, view: SliceWidget, x: float, y: float) -> None:
        """Pan the zoomed planes together."""
        window = self._windows()[list(self.views.values()).index(view)]
        if window is not None and self._zoom > 1:
            start, end = (window.to_point(at, window.middle) for at in ((0.0, 0.0), (x, y)))
            self._center = self._session.state.scene.frame.to_scanner(window.middle - (end - start))
            self.draw_soon()

    def _keep_visible(self) -> None:
        """Center the zoomed planes on the crosshair if it left a view."""
        point = self._crosshair.point()
        if self._center is None or point is None:
            return
        for window in self._windows():
            if window is not None:
                places = np.array(window.to_pixels(point))
                if (places < 0).any() or (places > window.size).any():
                    self._center = np.array(self._session.state.scene.point)
                    return

    def _on_state(self, name: str) -> None:
        if name == "point":
            self._keep_visible()
        if name in ("point", "frame", "radiological"):
            self.draw_soon()

    def _on_layers(self) -> None:
        """Follow the appearance of the current layers."""
        self._unfollow()
        self._followed = brain_layers(self._session.viewer)
        if not self._followed:
            self._zoom, self._center = 1.0, None
        for layer in self._followed:
            for name in _APPEARANCE:
                if name in layer.events:
                    layer.events[name].connect(self.draw_soon)
        self.draw_soon()

    def _unfollow(self) -> None:
        for layer in self._followed:
            for name in _APPEARANCE:
                if name in layer.events:
                    layer.events[name].disconnect(self.draw_soon)
        self._followed = []

    def _on_pointed(self, view: SliceWidget, x: float, y: float) -> None:
        point = self._crosshair.point()
        if view.shown is not None and point is not None:
            self._crosshair.move(view.shown.to_point((x, y), point))

    def _on_stepped(self, view: SliceWidget, steps: int) -> None:
        """Step through slices of this plane, by the step of napari's slider."""
        point = self._crosshair.point()
        if point is not None:
            axis = AXES[view.plane][0]
            point[axis] += steps * self._session.viewer.dims.range[-1 - axis].step
            self._crosshair.move(point)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what changed while hidden."""
        super().showEvent(event)
        self.draw_soon()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop the timer."""
        self.timer.stop()
        super().hideEvent(event)


def _box(viewer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the corners (x, y, z) of the box around all brain layers, in frame millimeters."""
    boxes = [layer.extent for layer in brain_layers(viewer)]
    if not boxes:
        return None
    half = [np.abs(box.step[-3:]) / 2 for box in boxes]
    low = np.min([box.world[0, -3:] - h for box, h in zip(boxes, half, strict=True)], axis=0)
    high = np.max([box.world[1, -3:] + h for box, h in zip(boxes, half, strict=True)], axis=0)
    return low[::-1], high[::-1]
