"""The Labels dock: each volume gets a label and a run, or one message explains why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from small import write_small
from small_result import table_with_rest

from napari_fmri_decoder._napari.labels.dock import NO_SERIES, LabelsDock
from napari_fmri_decoder._napari.viewer.dims import show_volume, volume_shown
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small series and its table."""
    write_small(tmp_path)
    return tmp_path


@pytest.fixture
def dock(viewer: Any, folder: Path) -> LabelsDock:
    """The dock in a window, with the small series selected."""
    session = Session.of(viewer)
    layer = session.add(read(folder / "small_bold.nii.gz"))
    made = LabelsDock(viewer)
    viewer.window.add_dock_widget(made, name="Labels (napari-fmri-decoder)")
    session.update(series=layer)
    return made


def test_without_a_series_it_is_disabled_with_a_reason(viewer: Any) -> None:
    dock = LabelsDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert not dock.apply_button.enabled
    assert NO_SERIES in dock.apply_button.tooltip
    assert dock.about.text() == NO_SERIES


def test_a_table_next_to_the_series_labels_each_volume(dock: LabelsDock, folder: Path) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    state = dock.session.state
    written = pd.read_csv(folder / "volumes.tsv", sep="\t")
    assert state.labeling.table["label"].tolist() == written["label"].tolist()
    assert state.labeling.table["run"].tolist() == written["run"].astype(str).tolist()
    assert dock.bands.table()["label"].tolist() == written["label"].tolist()
    assert "2 classes in 4 runs" in dock.counts.text()
    assert "closed&nbsp;32" in dock.counts.text()


def test_excluded_labels_are_noted_and_are_no_classes(dock: LabelsDock, folder: Path) -> None:
    table_with_rest(folder)
    dock.source.update({"source": "table", "table": "rest.tsv", "exclude": ["rest"]})
    dock.apply_button.native.click()
    assert "8 of 64 volumes" in dock.notes.text()
    assert "2 classes" in dock.counts.text()
    assert "rest" not in dock.counts.text()
    assert (dock.session.state.labeling.table["label"] == "rest").sum() == 8, (
        "they are still used for detrending"
    )


def test_repeated_blocks_match_the_command_line(dock: LabelsDock, folder: Path) -> None:
    options = {"source": "blocks", "blocks": "4 closed, 4 open, 8 times", "chunk": 16}
    dock.source.update(options)
    dock.apply_button.native.click()
    expected, _ = label_table(parse_labels(options), read(folder / "small_bold.nii.gz"), folder)
    pd.testing.assert_frame_equal(dock.session.state.labeling.table, expected)
    assert dock.session.state.labeling.labels == parse_labels(options)


def test_a_table_with_a_missing_row_gives_one_message_and_changes_nothing(
    dock: LabelsDock, folder: Path, notified: list[Any]
) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    before = dock.session.state.labeling.table
    table = pd.read_csv(folder / "volumes.tsv", sep="\t")
    table[:-1].to_csv(folder / "short.tsv", sep="\t", index=False)
    dock.source.update({"table": "short.tsv"})
    dock.apply_button.native.click()
    (message,) = notified
    assert "63 rows" in str(message.message)
    assert "64 volumes" in str(message.message)
    assert dock.session.state.labeling.table is before


def test_an_invalid_field_gives_one_message(dock: LabelsDock, notified: list[Any]) -> None:
    dock.source.update({"source": "blocks", "blocks": "four closed"})
    dock.apply_button.native.click()
    (message,) = notified
    assert "4 closed, 4 open" in str(message.message)
    assert dock.session.state.labeling.table is None


def test_a_click_shows_the_volume_and_the_dock_follows_the_slider(dock: LabelsDock, viewer: Any) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    dock.bands.clicked.emit(21)
    assert volume_shown(viewer, 2.0) == 21
    assert "Volume 21: <b>open</b>, run 2" in dock.current.text()
    show_volume(viewer, 48, 2.0)
    assert "Volume 48: <b>closed</b>, run 4" in dock.current.text()


def test_labels_are_discarded_for_a_series_of_another_length(dock: LabelsDock, tmp_path: Path) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    (tmp_path / "other").mkdir()
    write_small(tmp_path / "other", n_runs=3)
    layer = dock.session.add(read(tmp_path / "other" / "small_bold.nii.gz"))
    dock.session.update(series=layer)
    assert dock.session.state.labeling.table is None
    assert set(dock.bands.table()["label"]) == {""}, "there are bands to paint on"
    assert not dock.counts.isVisible()


def drag(dock: LabelsDock, first: int, last: int) -> None:
    """Drag the mouse over the bands of volumes."""
    view = dock.bands.view
    sizes: list[Any] = []
    while sizes[-30:].count(view.size()) < 30:  # wait for the layout, including a scroll bar
        QTest.qWait(10)
        sizes.append(view.size())
    box = dock.bands.panes[0].vb
    points = [
        view.mapFromScene(box.mapViewToScene(QPointF(volume, 0.5))) for volume in np.linspace(first, last, 6)
    ]
    port = view.viewport()
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points:
        move = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            QPointF(point),
            QPointF(port.mapToGlobal(point)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QTest.qWait(15)  # pyqtgraph handles at most 100 moves per second
        QApplication.sendEvent(port, move)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=points[-1])


def test_dragging_over_the_bands_paints_labels_that_a_recipe_can_save(dock: LabelsDock, folder: Path) -> None:
    dock.brush.paint.value = True
    dock.brush.text.value = "eyes shut"
    drag(dock, 4, 11)
    state = dock.session.state
    assert state.labeling.labels.spans == ("4-11 eyes shut",)
    assert state.labeling.table["label"].tolist() == [""] * 4 + ["eyes shut"] * 8 + [""] * 52
    assert dock.source.asdict()["source"] == "painted"
    dock.source.update({"lag": 4.0, "trim_end": 1})  # two volumes later, one fewer
    dock.apply_button.native.click()
    drag(dock, 30, 33)
    shown = dock.session.state.labeling.table["label"]
    assert (shown == "eyes shut").to_numpy().nonzero()[0].tolist() == [*range(6, 13), *range(30, 34)]
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    written = dock.session.state.labeling.table
    dock.brush.text.value = "no label"
    drag(dock, 20, 17)  # backwards
    painted = dock.session.state.labeling.table
    assert (painted["label"] == "").to_numpy().nonzero()[0].tolist() == [17, 18, 19, 20]
    assert painted["run"].tolist() == written["run"].tolist()
    again, _ = label_table(dock.session.state.labeling.labels, dock.session.series, folder)
    pd.testing.assert_frame_equal(again, painted)


def test_without_the_switch_dragging_pans_the_time_axis(dock: LabelsDock) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    before, shown = dock.session.state.labeling.table, dock.bands.panes[0].viewRange()[0]
    drag(dock, 20, 40)
    assert dock.session.state.labeling.table is before
    assert dock.bands.panes[0].viewRange()[0][0] < shown[0] - 10


def short_events(folder: Path) -> None:
    """Blocks of 8 s, listed stimulus by stimulus: 0.4 s each, every 2 s, between the midpoints of volumes."""
    labels = np.tile(["closed", "open", "open", "closed"], 4)
    rows = [(8.0 * i + 2 * k, 0.4, label) for i, label in enumerate(labels) for k in range(4)]
    table = pd.DataFrame(rows, columns=["onset", "duration", "trial_type"])
    table.to_csv(folder / "short_events.tsv", sep="\t", index=False)


def test_short_events_show_the_labels_of_each_way_until_one_is_selected(
    dock: LabelsDock, folder: Path
) -> None:
    short_events(folder)
    given = {"source": "events", "events": ("short_events.tsv",)}
    dock.source.update(given)
    dock.apply_button.native.click()
    assert dock.session.state.labeling.table is None
    for word in ("nearest", "overlap", "until-next", "Fill gaps", "Z-maps", "64 of 64"):
        assert word in dock.error.text
    shown = dock.bands.table()
    assert list(shown) == ["volume", "label", "run", "midpoint", "nearest", "overlap", "until-next"]
    assert set(shown["midpoint"]) == {""}
    wanted = np.repeat(np.tile(["closed", "open", "open", "closed"], 4), 4).tolist()
    assert shown["nearest"].tolist() == wanted
    assert "midpoint: 0 of 64 events; nearest: 64 of 64 events" in dock.ways.text()
    dock.source.update(given | {"assign": "nearest"})
    dock.apply_button.native.click()
    assert dock.session.state.labeling.table["label"].tolist() == wanted
    assert "64 of 64 events contain a volume (assign = nearest)." in dock.notes.text()
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.apply_button.native.click()
    assert not dock.ways.text()
    assert "nearest" not in dock.bands.table()


def test_labels_are_renamed_and_merged_in_the_dock(dock: LabelsDock) -> None:
    dock.source.update({"source": "table", "table": "volumes.tsv"})
    dock.source.rename.line_edit.value = "open = 1"
    dock.source.merge.line_edit.value = "eyes shut = [closed, 2]"
    dock.apply_button.native.click()
    assert set(dock.session.state.labeling.table["label"]) == {"1", "eyes shut"}
    assert dock.session.state.labeling.labels.rename == {"open": "1"}
    dock.source.update(dock.session.state.labeling.labels)
    assert dock.source.asdict()["merge"] == {"eyes shut": ("closed", "2")}
    dock.source.keep.line_edit.value = "1"
    dock.apply_button.native.click()
    assert "32 of 64 volumes are labeled 'eyes shut' and are excluded." in dock.notes.text()
    assert "1 classes in 4 runs" in dock.counts.text()
