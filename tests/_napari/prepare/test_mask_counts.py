"""Prepare shows the number of voxels that the network will see, and warns about masks that exclude much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QPushButton, QWidget
from small import series as small_series

from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.viewer.preparation import slab_in_use
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks.brain import EPI_ON_MAPS
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.volumes.frames import rotation

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.messages import Message
    from napari_fmri_decoder.volumes.volume import Volume

LABELS = {"source": "blocks", "blocks": "4 closed, 8 open, 4 closed, 4 times", "chunk": 16}


@pytest.fixture
def dock(viewer: Any) -> PrepareDock:
    made = PrepareDock(viewer)
    viewer.window.add_dock_widget(made, name="Prepare (napari-fmri-decoder)")
    return made


def oblique() -> Volume:
    """The small series, acquired at an angle, with voxels that are missing in one volume."""
    volume, _ = small_series()
    affine = np.array(volume.affine)
    affine[:3, :3] = rotation(x=11, z=6) @ affine[:3, :3]
    data = np.array(volume.data)
    data[5:8, 5:9, 3, 7] = np.nan
    return replace(volume, data=data, affine=affine)


def find(dock: PrepareDock, name: str) -> Any:
    found = dock.native.findChild(QWidget, name)
    assert found is not None, name
    return found


def features(dock: PrepareDock, slab: Any) -> int:
    """Number of features of the samples that a run prepares."""
    session = dock.session
    series, labels = session.series, parse_labels(LABELS)
    assert series is not None
    table, _ = label_table(labels, series, Path())
    samples = prepare(series, table, PrepareConfig(), mask=session.state.mask, slab=slab)
    return int(samples.X.shape[1])


def test_the_count_is_that_of_the_samples_and_follows_mask_rotation_and_slab(
    dock: PrepareDock, qtbot: Any
) -> None:
    dock.session.add(oblique())
    text, planned = find(dock, "mask_counts"), find(dock, "slab_counts")
    assert text.text() == ""
    shown = set()
    for above in (0.0, 399.0):
        dock.mask.update(strategy="threshold", above=above)
        dock.mask.apply()
        expected = f"The network sees {features(dock, None):,} voxels of the mask in the images."
        qtbot.waitUntil(lambda expected=expected: text.text() == expected)
        shown.add(expected)
    for angle, slab in ((12.0, {"start": 2, "stop": 6}), (12.0, {"start": 3}), (-7.0, {"crop": False})):
        dock.rotation.rotate_x.value = angle
        dock.slab.update(slab)
        dock.rotation.settle()
        expected = f"The network sees {features(dock, dock.slab.config()):,} voxels of the mask in the slab."
        qtbot.waitUntil(lambda expected=expected: planned.text() == expected)
        shown.add(expected)
    assert len(shown) == 5
    assert "in the images" in text.text(), "the slab is not cut yet"
    dock.slab.cut()
    in_slab = features(dock, slab_in_use(dock.session.state.preparation))
    expected = f"The network sees {in_slab:,} voxels of the mask in the slab."
    qtbot.waitUntil(lambda: text.text() == expected == planned.text())
    dock.undo()
    qtbot.waitUntil(lambda: "in the images" in text.text())


def test_a_mask_that_excludes_much_is_reported_while_it_is_in_use(dock: PrepareDock, qtbot: Any) -> None:
    volume, _ = small_series()
    dock.session.add(volume)
    warning: Message = find(dock, "mask_warning")
    dock.mask.update(strategy="threshold", above=400.0)  # half of the voxels, by chance
    dock.mask.apply()
    qtbot.waitUntil(lambda: warning.text != "")
    signal = int((np.asarray(volume.data) != 0).any(axis=-1).sum())
    kept = int((volume.mean().at(0) > 400).sum())
    assert f"excludes {signal - kept:,} of the {signal:,} voxels of the images" in warning.text
    assert warning.severity == "warning"
    dock.mask.above.value = 10.0
    dock.mask.apply()
    qtbot.waitUntil(lambda: "voxels of the mask" in find(dock, "mask_counts").text())
    assert warning.text == ""


def test_epi_is_never_the_default_for_maps_and_explained_where_it_is_chosen(
    dock: PrepareDock, qtbot: Any
) -> None:
    session = dock.session
    assert dock.mask.strategy.value == "epi"
    volume, _ = small_series()
    centered = np.asarray(volume.data) - 400 * (np.asarray(volume.data) != 0)
    maps = session.add(replace(volume, data=centered, kind="stat", step=None, name="maps"))
    assert session.state.preparation.series is maps
    assert dock.mask.asdict()["strategy"] == "threshold"
    assert dock.mask.asdict()["absolute"] is True
    warning: Message = find(dock, "mask_warning")
    assert warning.text == ""
    dock.mask.strategy.value = "epi"
    assert warning.text == EPI_ON_MAPS
    dock.mask.strategy.value = "threshold"
    assert warning.text == ""
    dock.session.viewer.layers.remove(maps)
    session.add(volume)
    assert dock.mask.strategy.value == "epi", "again the default of a BOLD series"


def test_errors_stay_in_their_section_until_fixed(dock: PrepareDock, qtbot: Any, notified: list[Any]) -> None:
    volume, _ = small_series()
    dock.session.add(volume)
    error: Message = find(dock, "mask_error")
    dock.mask.update(strategy="threshold", above=1e6)
    find(dock, "apply_mask").click()
    qtbot.waitUntil(lambda: error.text != "")
    assert error.text == notified[-1].message
    assert "keeps none" in error.text
    assert not error.visibleRegion().isEmpty(), "the dock scrolls to the error"
    assert find(dock, "slab_error").text == ""
    dock.mask.above.value = 10.0
    assert error.text == "", "the options have changed"
    dock.slab.update({"start": 50, "stop": 60})
    refused: Message = find(dock, "slab_refused")
    qtbot.waitUntil(lambda: "A slab must be within" in refused.text)
    dock.slab.update({"start": 2, "stop": 6})
    qtbot.waitUntil(lambda: refused.text == "")


def test_undo_in_the_dock_brings_back_a_deleted_series(dock: PrepareDock, qtbot: Any) -> None:
    volume, _ = small_series()
    name = "sub-01_ses-02_task-objectviewing_run-01_space-MNI152NLin2009cAsym_desc-preproc_bold"
    series = dock.session.add(replace(volume, name=name))
    dock.mask.update(strategy="threshold", above=10.0)
    dock.mask.apply()
    mask = dock.session.state.mask
    dock.session.viewer.layers.remove(series)
    undo = dock.native.findChild(QPushButton, "undo_dropped")
    assert undo.isVisible()
    assert "The mask was dropped with it" in find(dock, "dropped").text
    assert dock.series.value is None
    undo.click()
    assert dock.series.value is series
    assert dock.session.state.mask is mask
    assert not undo.isVisible()


def test_long_names_are_elided_in_the_middle_with_a_tooltip(dock: PrepareDock, qtbot: Any) -> None:
    volume, _ = small_series(n_runs=1)
    name = "sub-01_ses-02_task-objectviewing_run-01_space-MNI152NLin2009cAsym_desc-preproc_bold"
    dock.session.add(replace(volume, name=name))
    shown = dock.series.elide.text()
    assert shown.startswith("sub-01")
    assert shown.endswith("bold")
    assert "…" in shown
    assert name in dock.series.tooltip
    assert dock.native.minimumSizeHint().width() <= 320
    boxes = [part for part in (dock.series.native, dock.anatomy.native) if part.isVisible()]
    assert all(box.width() <= dock.native.width() for box in boxes)
