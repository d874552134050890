"""Docks and viewers that are opened and closed 50 times are freed, with their memory."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from small import series

from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

ROUNDS, WARM_UP = 50, 10
"""The first rounds load modules and fill caches of napari and Qt."""
LIMIT_MIB = 20
SCRIPT = textwrap.dedent(
    """
    import gc
    import os
    import sys
    import weakref

    import napari
    import psutil
    from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
    from qtpy.QtCore import QEvent
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    PLUGIN = "napari-fmri-decoder"
    what, rounds, warm_up, scan = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    closed, viewer = [], napari.Viewer()
    viewer.open(scan, plugin=PLUGIN)

    def memory():
        gc.collect()
        return psutil.Process().memory_full_info().uss / 2**20

    def open_docks(viewer):
        for name in ("View", "Prepare", "Labels", "Train", "Look inside"):
            viewer.window.add_plugin_dock_widget(PLUGIN, name)
        QTest.qWait(30)

    def close_docks(viewer):
        for frame in viewer.window._qt_window.findChildren(QtViewerDockWidget):
            if PLUGIN in frame.objectName():
                frame.destroyOnClose()

    def one_round():
        if what == "docks":
            open_docks(viewer)
            close_docks(viewer)
        else:
            other = napari.Viewer()
            other.open(scan, plugin=PLUGIN)
            open_docks(other)
            closed.append(weakref.ref(other))
            other.close()
        for _ in range(3):
            QTest.qWait(20)
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()

    for i in range(warm_up + rounds):
        if i == warm_up:
            before = memory()
        one_round()
    print("grown", memory() - before, "alive", sum(one() is not None for one in closed), "of", len(closed))
    sys.stdout.flush()
    os._exit(0)
    """
)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["docks", "viewers"])
def test_fifty_openings_and_closings_leave_nothing(what: str, tmp_path: Path) -> None:
    pytest.importorskip("napari")
    volume, _ = series(1)
    scan = write(Volume(volume.at(0), volume.affine, "anatomy"), tmp_path / "T1w.nii.gz")
    own = {"HOME": str(tmp_path), "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, what, str(ROUNDS), str(WARM_UP), str(scan)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | own,
    )
    assert done.returncode == 0, done.stderr
    _, grown, _, alive, _, count = done.stdout.splitlines()[-1].split()
    assert int(alive) == 0, f"{alive} of {count} are still there"
    assert float(grown) < LIMIT_MIB
