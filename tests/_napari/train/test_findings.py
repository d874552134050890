"""Findings of the audit in the Train dock: above pictures, each with its fix, and always in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtWidgets import QPushButton, QWidget
from small import write_small

from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.train.reasons import NO_LABELS, NO_SERIES
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from pathlib import Path

TABLE = {"source": "table", "table": "volumes.tsv"}


@pytest.fixture
def dock(viewer: Any, tmp_path: Path) -> TrainDock:
    """The dock in the window, set up for a run of seconds on runs in one file, with a split that leaks."""
    write_small(tmp_path)
    session = Session.of(viewer)
    made = TrainDock(viewer)
    viewer.window.add_dock_widget(made, name="Train (napari-fmri-decoder)")
    labels, volume = parse_labels(TABLE), read(tmp_path / "small_bold.nii.gz")
    table, _ = label_table(labels, volume, tmp_path)
    session.update(series=session.add(volume), labels=labels, table=table)
    made.decoder.update({"name": "linear", "C": 0.1})
    made.training.update({"threads": 1})
    made.split.update({"scheme": "random"})
    made.runs_folder.value = tmp_path / "runs"
    return made


def buttons(dock: TrainDock) -> dict[str, Any]:
    """The buttons next to Train that can be seen, by their text."""
    return {button.text(): button for button in dock.blocking.findChildren(QPushButton) if button.isVisible()}


def docks(viewer: Any) -> list[QWidget]:
    """The contents of the docks that can be seen."""
    window = viewer.window._qt_window
    return [w for w in window.findChildren(QWidget) if w.objectName().endswith("_dock") and w.isVisible()]


def wait(dock: TrainDock, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: dock.job is None)


@pytest.mark.parametrize("start", ["check", "train"])
def test_a_blocked_run_says_so_next_to_train_and_one_click_fixes_it(
    dock: TrainDock, qtbot: Any, notified: list[Any], start: str
) -> None:
    assert dock.blocking.isHidden()
    getattr(dock, f"{start}_button").native.click()
    wait(dock, qtbot)
    assert dock.tabs.currentIndex() == 1
    dock.tabs.setCurrentIndex(0)
    assert dock.blocking.message.text.startswith("Training is blocked. 4 of 4 runs and ")
    qtbot.waitUntil(lambda: set(buttons(dock)) == {"Leave runs out", "See Check"})
    assert len(notified) == (start == "train")
    buttons(dock)["See Check"].click()
    assert dock.tabs.currentIndex() == 1
    buttons(dock)["Leave runs out"].click()
    assert dock.split.scheme.value == "leave-one-run-out"
    wait(dock, qtbot)
    assert dock.blocking.isHidden()
    assert "run-in-both-parts" not in dock.audit.fix_buttons
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert dock.folder is not None


def test_findings_are_above_pictures_and_name_the_control(dock: TrainDock, qtbot: Any, person: Any) -> None:
    dock.check()
    qtbot.waitUntil(dock.audit.design.isVisible)
    finding = person.find(dock, "finding_run-in-both-parts")
    assert 0 < finding.geometry().bottom() < dock.audit.design.geometry().top()
    assert dock.audit.design.geometry().top() < dock.audit.notes.geometry().top()
    show = person.find(dock, "show_run-in-both-parts")
    assert show.text() == "Show Scheme"
    assert "Train dock" in show.toolTip()


def test_an_overridden_finding_no_longer_blocks(dock: TrainDock, qtbot: Any) -> None:
    dock.check()
    assert not dock.blocking.isHidden()
    for box in dock.audit.overrides.values():
        box.value = True
    assert dock.blocking.isHidden()
    dock.audit.overrides["run-in-both-parts"].value = False
    assert not dock.blocking.isHidden()
    dock.split.test_size.value = 0.3
    assert dock.blocking.isHidden(), "the findings were those of other settings"


def test_trimmed_edges_are_labels_of_the_session(dock: TrainDock, qtbot: Any) -> None:
    dock.split.scheme.value = "leave-one-run-out"
    prepared = dock.check()
    assert prepared is not None
    assert [finding.code for finding in prepared.findings if finding.code == "neighbours-across-runs"]
    before = dock.session.state.labeling.table
    dock.audit.fix_buttons["neighbours-across-runs"].native.click()
    wait(dock, qtbot)
    table = dock.session.state.labeling.table
    assert before is not None
    assert table is not None
    # TR 2 s: 10 s are 5 volumes, 2 before and 3 after each border
    assert [i for i in range(64) if table["label"][i] != before["label"][i]] == [
        i for border in (16, 32, 48) for i in range(border - 2, border + 3)
    ]
    assert "neighbours-across-runs" not in dock.audit.fix_buttons
    assert len(dock.runs.prepared.samples.X) == 64 - 15


def test_a_mask_from_the_series_is_removed_with_undo(dock: TrainDock, qtbot: Any) -> None:
    from napari_fmri_decoder._napari.results.session_from_recipe import apply_mask
    from napari_fmri_decoder._napari.viewer.preparation import mask_from_config
    from napari_fmri_decoder.samples.masks import parse_mask

    session = dock.session
    assert session.series is not None
    apply_mask(session, mask_from_config(parse_mask({"strategy": "threshold", "above": 100}), session.series))
    dock.check()
    dock.audit.fix_buttons["mask-from-test-data"].native.click()
    wait(dock, qtbot)
    assert session.state.mask is None
    assert "mask-from-test-data" not in dock.audit.fix_buttons
    session.undo()
    assert session.state.mask is not None


def test_what_is_missing_is_one_click_away(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    from napari_fmri_decoder._napari.qt.docks import open_dock

    dock = open_dock(viewer, "Train")
    qtbot.waitUntil(dock.native.isVisible)
    assert dock.line.text.text() == NO_SERIES
    qtbot.waitUntil(lambda: set(buttons(dock)) == {"Go to Prepare"})
    buttons(dock)["Go to Prepare"].click()
    qtbot.waitUntil(lambda: any(dock.objectName() == "prepare_dock" for dock in docks(viewer)))
    write_small(tmp_path)
    session = Session.of(viewer)
    session.update(series=session.add(read(tmp_path / "small_bold.nii.gz")))
    open_dock(viewer, "Train")
    qtbot.waitUntil(dock.native.isVisible)
    assert dock.line.text.text() == NO_LABELS
    qtbot.waitUntil(lambda: set(buttons(dock)) == {"Go to Labels"})
    buttons(dock)["Go to Labels"].click()
    qtbot.waitUntil(lambda: any(dock.objectName() == "labels_dock" for dock in docks(viewer)))


def test_an_error_stays_in_the_dock_until_it_is_fixed(
    dock: TrainDock, qtbot: Any, notified: list[Any]
) -> None:
    dock.split.update({"scheme": "explicit", "test": ["9"]})
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert "'9'" in dock.message.text
    assert dock.message.isVisible()
    assert len(notified) == 1
    dock.split.update({"test": ["4"]})
    dock.train_button.native.click()
    assert not dock.message.isVisible()
    wait(dock, qtbot)
    assert dock.folder is not None
    dock.decoder.update({"name": "cnn2d", "filters": ["many"]})
    dock.train_button.native.click()
    assert "Filters" in dock.message.text
    assert len(notified) == 2
    dock.check_button.native.click()
    assert len(notified) == 2, "the same error is notified once"
    assert dock.job is None
