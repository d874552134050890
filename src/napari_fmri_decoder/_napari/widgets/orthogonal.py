"""The three planes through the crosshair, linked: drawn by ourselves, in the colours of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_fmri_decoder._napari.sheets import sheet_of
from napari_fmri_decoder._napari.slices import AXES, Window, compose, zoom_to_fit
from napari_fmri_decoder._napari.view import brain_layers
from napari_fmri_decoder._napari.widgets.slice_view import SliceView

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_fmri_decoder._napari.crosshair import Crosshair
    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder._napari.view import Plane

PAUSE = 50  # milliseconds between two pictures
PLANES: tuple[Plane, ...] = ("coronal", "sagittal", "axial")
PER_NOTCH, MOST = 1.2, 20.0
"""How many times larger one notch of the wheel makes the pictures, and all of them together."""
_LOOKS = (
    *("visible", "opacity", "blending", "contrast_limits", "colormap", "gamma", "data", "affine", "set_data"),
    *("contour", "paint", "selected_label", "show_selected_label"),
)
"""Events of a layer that change how it looks."""


class Orthogonal(QWidget):
    """Coronal and sagittal above, axial below; the fourth place is free.

    Parameters
    ----------
    dock : Dock
    crosshair : Crosshair
    beside : QWidget
        What stands in the fourth place.

    Attributes
    ----------
    views : dict of SliceView
        By plane.
    """

    def __init__(self, dock: Dock, crosshair: Crosshair, beside: QWidget) -> None:
        super().__init__()
        self._session, self._crosshair = dock.session, crosshair
        self._heard: list[Layer] = []
        self._factor = 1.0  # larger than what fits
        self._centre: NDArray[np.float64] | None = None  # scanner mm; the middle of all where None
        self.views = {plane: SliceView(plane) for plane in PLANES}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for i, widget in enumerate((*self.views.values(), beside)):
            grid.addWidget(widget, i // 2, i % 2)
        for i in range(2):
            grid.setRowStretch(i, 1)
            grid.setColumnStretch(i, 1)
        for view in self.views.values():
            view.pointed.connect(lambda x, y, view=view: self._on_pointed(view, x, y))
            view.stepped.connect(lambda steps, view=view: self._on_stepped(view, steps))
            view.zoomed.connect(lambda notches, x, y, view=view: self._on_zoomed(view, notches, x, y))
            view.panned.connect(lambda x, y, view=view: self._on_panned(view, x, y))
            view.resized.connect(self.later)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self.refresh)
        dock.follow(self._session.changed, self._on_state)
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(dock.viewer.dims.events.point, self.later)
        dock.follow(dock.viewer.layers.events.reordered, self.later)
        dock.follow(dock.viewer.canvas.events.background_color, self.later)
        dock.tie(self._on_layers, self._let_go)

    def later(self, event: Any = None) -> None:
        """Draw soon, where it is seen; what comes until then is drawn with it."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw now."""
        viewer, point = self._session.viewer, self._crosshair.point()
        frame = self._session.state.frame
        for (plane, view), window in zip(self.views.items(), self._windows(), strict=True):
            if window is None or point is None:
                view.clear()
                continue
            sheets = [
                sheet_of(layer, plane, point, viewer.dims.point, frame)
                for layer in brain_layers(viewer)
                if layer.visible
            ]
            background = viewer.canvas.background_color[:3]
            image = compose([sheet for sheet in sheets if sheet is not None], *window.grid, background)
            cross = window.to_pixels(point) if self._crosshair.visible else None
            view.show_picture(image, window, window.letters(frame), cross)

    def _windows(self) -> list[Window] | list[None]:
        """Find what part of its plane each view is to show: all at one zoom, about one point."""
        box = _box(self._session.viewer)
        if box is None:
            return [None] * len(self.views)
        width, height = (
            min(sides) for sides in zip(*(view.pixels for view in self.views.values()), strict=True)
        )
        zoom = zoom_to_fit(*box, (width, height)) * self._factor
        state = self._session.state
        if self._centre is not None:
            half = (box[1] - box[0]) / 2
            box = state.frame.to_frame(self._centre) - half, state.frame.to_frame(self._centre) + half
        return [
            Window(plane, *box, view.pixels, zoom, state.radiological) for plane, view in self.views.items()
        ]

    def _on_zoomed(self, view: SliceView, notches: float, x: float, y: float) -> None:
        """Zoom all planes; what is under the mouse stays there, and the crosshair's slices come closer."""
        point = self._crosshair.point()
        window = self._windows()[list(self.views.values()).index(view)]
        if window is None or point is None:
            return
        factor = float(np.clip(self._factor * PER_NOTCH**notches, 1.0, MOST))
        still = window.to_point((x, y), point)
        middle = still + (window.middle - still) * self._factor / factor
        self._factor = factor
        self._centre = None if factor == 1 else self._session.state.frame.to_scanner(middle)
        self.later()

    def _on_panned(self, view: SliceView, x: float, y: float) -> None:
        """Drag what is zoomed in; the other planes follow."""
        window = self._windows()[list(self.views.values()).index(view)]
        if window is not None and self._factor > 1:
            start, end = (window.to_point(at, window.middle) for at in ((0.0, 0.0), (x, y)))
            self._centre = self._session.state.frame.to_scanner(window.middle - (end - start))
            self.later()

    def _keep_in_sight(self) -> None:
        """Move what is zoomed in to where the crosshair went, if it left a view."""
        point = self._crosshair.point()
        if self._centre is None or point is None:
            return
        for window in self._windows():
            if window is not None:
                places = np.array(window.to_pixels(point))
                if (places < 0).any() or (places > window.size).any():
                    self._centre = np.array(self._session.state.point)
                    return

    def _on_state(self, name: str) -> None:
        if name == "point":
            self._keep_in_sight()
        if name in ("point", "frame", "radiological"):
            self.later()

    def _on_layers(self) -> None:
        """Listen to the layers that there are."""
        self._let_go()
        self._heard = brain_layers(self._session.viewer)
        if not self._heard:
            self._factor, self._centre = 1.0, None
        for layer in self._heard:
            for name in _LOOKS:
                if name in layer.events:
                    layer.events[name].connect(self.later)
        self.later()

    def _let_go(self) -> None:
        for layer in self._heard:
            for name in _LOOKS:
                if name in layer.events:
                    layer.events[name].disconnect(self.later)
        self._heard = []

    def _on_pointed(self, view: SliceView, x: float, y: float) -> None:
        point = self._crosshair.point()
        if view.shown is not None and point is not None:
            self._crosshair.move(view.shown.to_point((x, y), point))

    def _on_stepped(self, view: SliceView, steps: int) -> None:
        """Step to other slices of this plane, as far apart as napari's slider has them."""
        point = self._crosshair.point()
        if point is not None:
            axis = AXES[view.plane][0]
            point[axis] += steps * self._session.viewer.dims.range[-1 - axis].step
            self._crosshair.move(point)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what came while hidden."""
        super().showEvent(event)
        self.later()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Rest."""
        self._timer.stop()
        super().hideEvent(event)


def _box(viewer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Corners (x, y, z), frame millimetres, of what holds all brain layers."""
    boxes = [layer.extent for layer in brain_layers(viewer)]
    if not boxes:
        return None
    half = [np.abs(box.step[-3:]) / 2 for box in boxes]
    low = np.min([box.world[0, -3:] - h for box, h in zip(boxes, half, strict=True)], axis=0)
    high = np.max([box.world[1, -3:] + h for box, h in zip(boxes, half, strict=True)], axis=0)
    return low[::-1], high[::-1]
