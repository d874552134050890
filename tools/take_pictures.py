"""Take the pictures of the docs in the real window, 1366 x 768: ``python tools/take_pictures.py [EPOCHS]``.

The phantom is opened with its settings, trained, and looked at; each picture is one file in docs/images.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1366, 768)
SETTLE_MS = 1500


def main(epochs: int | None = None) -> None:
    """Open, prepare, label, train and look inside, with a picture of each."""
    home = tempfile.mkdtemp()
    os.environ.update(HOME=home, NAPARI_CONFIG=f"{home}/settings.yaml")
    os.chdir(home)
    import napari
    from qtpy.QtTest import QTest

    from napari_fmri_decoder._napari.guide.samples import SampleOpener
    from napari_fmri_decoder._napari.qt.docks import open_dock
    from napari_fmri_decoder._napari.viewer.session import Session

    viewer = napari.Viewer()
    window: Any = viewer.window._qt_window
    wait: Any = QTest.qWait
    window.resize(*SIZE)

    def picture(name: str) -> None:
        wait(SETTLE_MS)
        viewer.screenshot(str(IMAGES / f"{name}.png"), canvas_only=False, flash=False)

    open_dock(viewer, "View")
    Session.of(viewer).part(SampleOpener).open("phantom").wait()
    picture("start")
    for name in ("Prepare", "Labels", "Train"):
        dock: Any = open_dock(viewer, name)
        picture(name.lower())
    if epochs is not None:
        dock.training.epochs.value = epochs
    dock.run()
    picture("trained")
    inside: Any = open_dock(viewer, "Look inside")
    inside.show("Layers and filters")
    inside.filters.layer.value = "conv1"
    picture("look_inside_filters")
    inside.show("Confusion matrices")
    picture("look_inside_confusion")
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
