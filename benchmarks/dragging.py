"""Dragging a slider of the dock Prepare: a step of ours against a step to the next slice in plain napari.

The window of the demo: anatomy, series and mask, turned, with the slab outlined and filled. The peer is
a napari window of the same size, without docks of ours, that holds the same voxels in memory as plain
layers; stepping to another slice there is the least that drawing them anew can cost. A step begins when
the slider is moved, and ends when the window was painted for the last time.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QCoreApplication
from qtpy.QtWidgets import QSlider, QWidget

from napari_fmri_decoder._napari.demo import set_up
from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.qt.dock import to_front
from timing import Row, ensure_display, finish

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (1366, 768)
STEPS = 20
QUIET = 0.15  # seconds without a picture: the step is over


class Window:
    """A napari window whose pictures are timed."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window._qt_window.resize(*SIZE)
        self._drawn = 0
        canvas = self.viewer.window._qt_viewer.canvas._scene_canvas
        canvas.events.draw.connect(self._on_draw, position="last")

    def _on_draw(self, event: Any) -> None:
        self._drawn += 1

    def step(self, move: Callable[[], object]) -> float:
        """Seconds from a move to the end of the last picture that follows it."""
        self._drawn = seen = 0
        start = end = time.perf_counter()
        move()
        while not seen or time.perf_counter() - end < QUIET:
            QCoreApplication.processEvents()
            if self._drawn != seen:
                seen, end = self._drawn, time.perf_counter()
            if time.perf_counter() - start > 20:
                raise SystemExit("Nothing was drawn within 20 seconds.")
        return end - start

    def rest(self) -> None:
        """Let everything that waits be done."""
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            QCoreApplication.processEvents()


def ours() -> tuple[Window, QSlider, Any]:
    """Open the demo, and give the sliders of rotation and planes; the slab is drawn."""
    window = Window()
    set_up(window.viewer)
    docks = window.viewer.window._qt_window.findChildren(QWidget, "prepare_dock")
    dock = next(dock for dock in docks if isinstance(dock, PrepareDock))
    window.rest()
    to_front(dock)
    turn, planes = dock.findChild(QSlider, "rotate_x_slider"), dock.slab.planes.slider
    window.step(lambda: turn.setValue(turn.value() + 1))
    while "slab outline" not in window.viewer.layers:
        QCoreApplication.processEvents()
    window.rest()
    return window, turn, planes


def plain(viewer: napari.Viewer) -> Window:
    """Open a second window with the same layers, their voxels in memory, the same slice of them shown."""
    window = Window()
    for layer in viewer.layers:
        data, meta, kind = layer.as_layer_data_tuple()
        window.viewer.add_layer(Layer.create(np.asarray(data), {**meta, "metadata": {}}, kind))
    window.viewer.dims.order = viewer.dims.order
    window.viewer.dims.point = viewer.dims.point
    window.rest()
    return window


def measure() -> list[Row]:
    """Step in turn: rotation, planes, and a slice of the plain window."""
    mine, turn, planes = ours()
    peer = plain(mine.viewer)
    axis = peer.viewer.dims.order[-3]
    here = peer.viewer.dims.current_step[axis]
    low, high = planes.value()
    names = ("rotation", "planes", "slice")
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for i in range(STEPS + 2):
        moved = i % 8 + 1
        took = (
            mine.step(lambda: turn.setValue(turn.value() + (7 if i % 2 else -5))),  # noqa: B023
            mine.step(lambda: planes.setValue((low - moved, high - moved))),  # noqa: B023
            peer.step(lambda: peer.viewer.dims.set_current_step(axis, here - 2 * moved)),  # noqa: B023
        )
        for name, s in zip(names, took, strict=True):
            seconds[name] += [s] if i > 1 else []
    found = {name: median(values) for name, values in seconds.items()}
    shown = {name: f"{1000 * s:.3g} ms" for name, s in found.items()}
    rows = []
    for name, what in (("rotation", "step of a rotation slider"), ("planes", "step of the planes' slider")):
        ratio = found[name] / found["slice"]
        rows.append(Row(what, "plain napari, next slice", shown[name], shown["slice"], ratio, "<= 3"))
    mine.viewer.close()
    peer.viewer.close()
    return rows


def main() -> None:
    """Measure both sliders."""
    display = ensure_display()
    rows = measure()
    if display is not None:
        display.stop()
    finish(rows)


if __name__ == "__main__":
    main()
