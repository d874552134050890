"""A BIDS folder in the Labels dock: its runs are listed, and opened with their events as labels."""

from __future__ import annotations

from typing import Any

import pytest
from fmriprep_tree import N, write_tree
from qtpy.QtCore import Qt

from napari_fmri_decoder._napari.labels.bids import BidsBox
from napari_fmri_decoder._napari.labels.dock import LabelsDock


@pytest.fixture(scope="module")
def derivatives(tmp_path_factory: Any) -> Any:
    return write_tree(tmp_path_factory.mktemp("study"))


def test_lists_runs_with_their_missing_files(qtbot: Any, derivatives: Any, notified: list[Any]) -> None:
    box = BidsBox()
    qtbot.addWidget(box.native)
    assert not box.open_button.enabled
    assert "Choose a folder" in box.open_button.tooltip
    box.folder.value = derivatives.parents[1]
    assert box.subject.choices == ("01", "02")
    assert box.space.value == "MNI152NLin2009cAsym:res-2", "not the raw images"
    assert len(box.selected()) == 4
    box.subject.value = "02"
    rows = [[box.table.item(row, column).text() for column in range(3)] for row in range(4)]
    assert rows == [
        ["a", "1", "confounds"],
        ["a", "2", "nothing"],
        ["b", "1", "nothing"],
        ["b", "2", "events"],
    ]
    assert [(run.session, run.run) for run in box.selected()] == [("a", "1"), ("a", "2"), ("b", "1")]
    for row in range(4):
        box.table.item(row, 0).setCheckState(Qt.CheckState.Unchecked)
    assert not box.open_button.enabled
    assert "Select at least one" in box.open_button.tooltip
    box.folder.value = derivatives / "nowhere"
    assert "must be a folder" in str(notified[-1].message)
    assert box.table.rowCount() == 0


def test_opens_a_subject_as_one_series_with_its_labels(viewer: Any, derivatives: Any) -> None:
    dock = LabelsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Labels (napari-fmri-decoder)")
    dock.bids.folder.value = derivatives
    dock.bids.subject.value = "02"
    dock.bids.open_button.native.click()
    series, table = dock.session.series, dock.session.state.labeling.table
    assert series.n_volumes == 3 * N == len(table)
    assert series.name == "sub-02 faces"
    assert table["session"].tolist() == ["a"] * 2 * N + ["b"] * N
    assert table["label"].tolist()[:5] == ["face"] * 4 + ["house"]
    assert dock.session.volume(dock.session.state.preparation.anatomy).kind == "anatomy"
    assert "2 classes in 3 runs" in dock.counts.text()
    assert dock.bids.native.minimumSizeHint().width() <= 380
