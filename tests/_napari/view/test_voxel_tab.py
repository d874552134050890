"""The voxel under the cursor: its position, its region, and its values over all volumes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean
from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.view import voxel_reader
from napari_fmri_decoder._napari.view.dock import ViewDock
from napari_fmri_decoder._napari.viewer.dims import volume_shown
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.view.voxel_tab import VoxelTab

N = 24
AFFINE = np.array([[-2.0, 0, 0, 12], [0, 2, 0, -8], [0, 0, 3, -6], [0, 0, 0, 1]])
DATA = np.random.default_rng(0).integers(400, 600, (10, 9, 8, N)).astype(np.int16)
LABELS = ["rest", "rest", "face", "face", "house", "house"] * 4
TABLE = pd.DataFrame(
    {"volume": range(N), "label": LABELS, "subject": "", "session": "", "run": ["1"] * 12 + ["2"] * 12}
)


def _tab(viewer: Any) -> VoxelTab:
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    dock.tabs.setCurrentIndex(next(i for i in range(dock.tabs.count()) if dock.tabs.tabText(i) == "Voxel"))
    return dock.voxel


def _mm(*voxel: int) -> np.ndarray:
    return nib.affines.apply_affine(AFFINE, voxel)


def _move_to(viewer: Any, session: Session, mm: np.ndarray) -> None:
    zyx = session.state.scene.frame.to_frame(mm)[::-1]
    viewer.mouse_over_canvas = True
    viewer.cursor.position = (*viewer.dims.point[:-3], *(float(v) for v in zyx))


def _shown(tab: VoxelTab) -> np.ndarray:
    return tab.plot.table()["value"].to_numpy()


def test_shows_the_voxel_under_the_mouse_with_its_time_course(viewer: Any, qtbot: Any):
    session = Session.of(viewer)
    tab = _tab(viewer)
    qtbot.waitUntil(lambda: "Open a series" in tab.place.text())
    layer = session.add(Volume(DATA, AFFINE, "bold", 2.5, name="bold"))
    session.update(series=layer, table=TABLE)
    regions = np.zeros(DATA.shape[:3], np.int16)
    regions[4:, :, :] = 7
    session.add(Volume(regions, AFFINE, "atlas", name="lobes", regions={7: "Insula"}))

    _move_to(viewer, session, _mm(5, 3, 2))
    qtbot.waitUntil(lambda: "voxel (5, 3, 2)" in tab.place.text())
    assert "Insula" in tab.place.text()
    assert "Value" in tab.place.text()
    np.testing.assert_array_equal(_shown(tab), DATA[5, 3, 2])
    assert tab.plot.table()["label"].tolist() == LABELS
    assert tab.plot.table()["time_s"].tolist() == [2.5 * i for i in range(N)]

    # z is computed per run, as nilearn does; percent refers to the selected condition.
    tab.scale.value = "z"
    runs = np.repeat([1, 2], 12)
    signal = DATA[5, 3, 2].astype(float)
    expected = clean(signal[:, None], runs=runs, detrend=False, standardize="zscore_sample")[:, 0]
    qtbot.waitUntil(lambda: np.allclose(_shown(tab), expected))
    tab.scale.value = "psc"
    tab.baseline.value = "rest"
    tab.by_run.value = False
    rest = signal[np.array(LABELS) == "rest"].mean()
    qtbot.waitUntil(lambda: np.allclose(_shown(tab), 100 * (signal / rest - 1)))

    # A click on the plot moves the slider.
    tab.plot.click(13 * 2.5 + 0.9, 0.0, 0)
    assert volume_shown(viewer, 2.5) == 13
    qtbot.waitUntil(lambda: "volume 13 (32.5 s), rest, run 2" in tab.place.text())
    assert "rest, run 2" in tab.plot.describe(13 * 2.5, 0, 0)
    tab.one_run.value = True
    qtbot.waitUntil(lambda: tab.plot.panes[0].viewRange()[0] == pytest.approx([11.5 * 2.5, 23.5 * 2.5]))

    # While the mouse is off the canvas, changing the volume keeps the voxel of the crosshair.
    viewer.mouse_over_canvas = False
    session.update(point=tuple(_mm(2, 6, 3)))
    tab.plot.click(20 * 2.5, 0.0, 0)
    qtbot.waitUntil(lambda: "volume 20" in tab.place.text())
    qtbot.wait(250)
    assert "voxel (2, 6, 3)" in tab.place.text()

    # Rotation keeps the voxel; without following the mouse, the crosshair sets the voxel.
    session.update(frame=Frame.from_angles(x=20, z=-35))
    _move_to(viewer, session, _mm(1, 2, 3))
    qtbot.waitUntil(lambda: "voxel (1, 2, 3)" in tab.place.text())
    assert "none" in tab.place.text()
    tab.follow_mouse.value = False
    session.update(point=tuple(_mm(6, 7, 1)))
    qtbot.waitUntil(lambda: "voxel (6, 7, 1)" in tab.place.text())
    _move_to(viewer, session, _mm(0, 0, 0))
    qtbot.wait(250)
    assert "voxel (6, 7, 1)" in tab.place.text()
    session.update(point=(500.0, 0.0, 0.0))
    qtbot.waitUntil(lambda: "outside of the series" in tab.place.text())
    assert np.isnan(_shown(tab)).all()
    assert tab.minimumSizeHint().width() <= 400


def test_a_compressed_series_is_read_once_in_the_background_and_kept(viewer: Any, qtbot: Any, tmp_path: Path):
    image = nib.Nifti1Image(DATA, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2.5
    nib.save(image, tmp_path / "bold.nii.gz")
    session, tab = Session.of(viewer), _tab(viewer)
    layer = session.add(read(tmp_path / "bold.nii.gz"))
    session.update(point=tuple(_mm(5, 3, 2)))
    qtbot.waitUntil(lambda: "kept in memory" in tab.reading.text.text())
    qtbot.waitUntil(lambda: np.array_equal(_shown(tab), DATA[5, 3, 2]))
    qtbot.waitUntil(lambda: "was decompressed and is kept" in tab.reading.text.text())
    assert not tab.reading.button.visible
    session.update(point=tuple(_mm(0, 8, 7)))
    qtbot.waitUntil(lambda: np.array_equal(_shown(tab), DATA[0, 8, 7]))

    # A series that is too large is read voxel by voxel, on request.
    tab.source, voxel_reader.BUDGET, budget = None, 100, voxel_reader.BUDGET
    try:
        session.update(point=tuple(_mm(1, 1, 1)))
        qtbot.waitUntil(lambda: "takes a pass over the file" in tab.reading.text.text())
        assert np.isnan(_shown(tab)).all()
        assert "not read yet" in tab.place.text()
        assert not tab.follow_mouse.enabled
        assert "pass over its file" in tab.follow_mouse.tooltip
        tab.reading.button.native.click()
        qtbot.waitUntil(lambda: np.array_equal(_shown(tab), DATA[1, 1, 1]))
    finally:
        voxel_reader.BUDGET = budget
    session.remove(layer)
    qtbot.waitUntil(lambda: tab.source is None)


def test_a_stopped_reading_continues_where_it_stopped(qtbot: Any):
    reads: list[int] = []

    class Slow:
        shape, ndim, dtype = DATA.shape, 4, DATA.dtype

        def __getitem__(self, key: Any) -> Any:
            reads.append(key[-1])
            time.sleep(0.02)
            return DATA[key]

    owner = QObject()
    source = voxel_reader.VoxelSource(Volume(Slow(), AFFINE, "bold", 2.5, name="slow"), owner)
    assert source.how == "kept"
    source.start()
    qtbot.waitUntil(lambda: source.done >= 3)
    source.stop()
    qtbot.waitUntil(lambda: not source.running)
    assert source.stopped
    assert 3 <= source.done < N
    so_far = source.values((2, 2, 2))
    np.testing.assert_array_equal(so_far[: source.done], DATA[2, 2, 2, : source.done])
    assert np.isnan(so_far[source.done :]).all()
    source.start()
    qtbot.waitUntil(lambda: not source.running)
    np.testing.assert_array_equal(source.values((2, 2, 2)), DATA[2, 2, 2])
    assert source.is_read((9, 8, 7))
    assert len(reads) <= N + 2
