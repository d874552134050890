"""Slices of a head that is turned: computed in time, and no burden in napari's window.

The 1 mm MNI template, rotated by 20 degrees, through the array that napari gets. In the window a
lazily resampled layer is stepped through beside a plain one that holds the same voxels in memory.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
from nilearn.datasets import load_mni152_template

from napari_fmri_decoder._napari.layers.display import displayed_data
from napari_fmri_decoder._napari.layers.to_layer import to_layer
from napari_fmri_decoder._napari.viewer.camera import set_plane
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.volume import Volume
from timing import Row, ensure_display, finish

PLANES = ("axial", "coronal", "sagittal")
FRAME = Frame.from_angles(x=20)
ROUNDS, STEPS = 6, 8


def head() -> Volume:
    """Read the template."""
    image = load_mni152_template(resolution=1)
    return Volume(np.asarray(image.dataobj, dtype=np.float32), image.affine, "anatomy", name="head")


def computed(volume: Volume) -> list[Row]:
    """Compute slices of each orientation, without a window."""
    data, _ = displayed_data(volume, FRAME)
    rows = []
    for axis, plane in enumerate(PLANES):
        seconds = []
        for i in np.linspace(10, data.shape[axis] - 11, 41).astype(int):
            key = [slice(None)] * 3
            key[axis] = int(i)
            start = time.perf_counter()
            data[tuple(key)]
            seconds.append(time.perf_counter() - start)
        ms = 1000 * median(seconds)
        rows.append(Row(f"{plane} slice of the rotated template, ms", "-", f"{ms:.3g} ms", "", ms, "<= 15"))
    return rows


def in_window(volume: Volume) -> list[Row]:
    """Step through slices in a window, the two layers in turn, until each is drawn."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer()
    viewer.window._qt_window.resize(1366, 768)
    data, meta, _ = to_layer(volume, FRAME)
    lazy = viewer.add_image(data, **meta)
    plain = viewer.add_image(np.asarray(data), **{**meta, "name": "plain", "metadata": {}})
    drawn: list[float] = []
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    canvas.events.draw.connect(lambda event: drawn.append(time.perf_counter()), position="last")

    def step(axis: int, i: int) -> float:
        drawn.clear()
        start = time.perf_counter()
        viewer.dims.set_current_step(axis, i)
        while not drawn:
            QApplication.processEvents()
        return drawn[0] - start

    rows = []
    for axis, plane in enumerate(PLANES):
        set_plane(viewer, plane)
        seconds: dict[str, list[float]] = {"plain": [], "lazy": []}
        middle = data.shape[axis] // 2
        for round_ in range(ROUNDS + 1):
            for name, shown, hidden in (("plain", plain, lazy), ("lazy", lazy, plain)):
                shown.visible, hidden.visible = True, False
                for _ in range(20):
                    QApplication.processEvents()
                # Others each round: what was drawn before must not help.
                took = [step(axis, middle - 30 + round_ + 8 * k) for k in range(STEPS)]
                seconds[name] += took if round_ else []
        lazy_s, plain_s = median(seconds["lazy"]), median(seconds["plain"])
        shown_ms = f"{1000 * lazy_s:.3g} ms", f"{1000 * plain_s:.3g} ms"
        rows.append(
            Row(f"{plane} step in the window", "a plain layer", *shown_ms, lazy_s / plain_s, "<= 1.5")
        )
    viewer.close()
    return rows


def main() -> None:
    """Measure both."""
    volume = head()
    rows = computed(volume)
    display = ensure_display()
    rows += in_window(volume)
    if display is not None:
        display.stop()
    finish(rows)


if __name__ == "__main__":
    main()
