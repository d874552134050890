"""Closing the Train dock during a job asks first, in the dock; closing the window in a script does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget
from small import write_small

from napari_fmri_decoder._napari.qt.docks import open_dock
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.train.runs import Runs
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = 100_000


@pytest.fixture
def dock(viewer: Any, qtbot: Any, tmp_path: Path) -> Iterator[Any]:
    """The dock, with a training that does not end by itself."""
    write_small(tmp_path)
    session = Session.of(viewer)
    labels = parse_labels({"source": "table", "table": "volumes.tsv"})
    volume = read(tmp_path / "small_bold.nii.gz")
    table, _ = label_table(labels, volume, tmp_path)
    session.update(series=session.add(volume), labels=labels, table=table)
    made = open_dock(viewer, "Train")
    made.decoder.update({"name": "cnn2d", "filters": [2], "dense": [4]})
    made.training.update({"epochs": ENDLESS, "threads": 1})
    made.runs_folder.value = tmp_path / "runs"
    qtbot.waitUntil(made.native.isVisible)
    made.run(wait=False)
    qtbot.waitUntil(lambda: len(session.part(Runs).history.curves.table()) > 2)
    job = made.job
    assert job is not None
    yield made
    job.stop()
    qtbot.waitUntil(lambda: not job.running)


def frame_of(dock: Any) -> Any:
    frame = dock_of(dock.native)
    assert isinstance(frame, QDockWidget)
    return frame


def click_close(dock: Any, qtbot: Any) -> None:
    qtbot.mouseClick(frame_of(dock).titleBarWidget().close_button, Qt.MouseButton.LeftButton)


def test_the_close_button_asks_and_cancel_keeps_the_dock(dock: Any, qtbot: Any, person: Any) -> None:
    click_close(dock, qtbot)
    assert dock.closing.isVisible()
    assert dock.closing.message.text == "A job is running. Close this dock?"
    assert dock.job is not None
    person.press(dock, "close_cancel")
    assert not dock.closing.isVisible()
    assert frame_of(dock).isVisible()
    assert dock.job is not None


def test_the_job_continues_without_the_dock(dock: Any, qtbot: Any, person: Any, viewer: Any) -> None:
    job, native = dock.job, dock.native
    click_close(dock, qtbot)
    person.press(dock, "close_continue")
    qtbot.waitUntil(lambda: dock_of(native) is None)
    assert job.running
    again = open_dock(viewer, "Train")
    assert again is not dock
    assert again.job is job


def test_the_job_is_stopped_with_the_dock_and_can_be_resumed(
    dock: Any, qtbot: Any, person: Any, viewer: Any
) -> None:
    job, native = dock.job, dock.native
    click_close(dock, qtbot)
    person.press(dock, "close_stop")
    qtbot.waitUntil(lambda: dock_of(native) is None)
    qtbot.waitUntil(lambda: not job.running)
    again = open_dock(viewer, "Train")
    qtbot.waitUntil(lambda: again.resume_button.enabled)


def test_the_keyboard_and_the_menu_ask_as_well(dock: Any, qtbot: Any, person: Any) -> None:
    qtbot.keyClick(frame_of(dock).titleBarWidget().close_button, Qt.Key.Key_Space)
    assert dock.closing.isVisible()
    person.press(dock, "close_cancel")
    frame_of(dock).toggleViewAction().trigger()
    assert dock.closing.isVisible()
    assert dock.native.isVisible()
    person.press(dock, "close_continue")
    assert not dock.native.isVisible()
    assert dock_of(dock.native) is not None, "hidden, not removed"


def test_the_button_of_another_title_bar_asks_as_well(dock: Any, qtbot: Any) -> None:
    frame = frame_of(dock)
    before = frame.titleBarWidget().close_button
    frame.setFloating(True)
    frame.setFloating(False)
    qtbot.waitUntil(lambda: frame.titleBarWidget().close_button is not before)
    QApplication.processEvents()  # the new title is found in the next pass of the event loop
    QApplication.processEvents()
    click_close(dock, qtbot)
    assert dock.closing.isVisible()


def test_without_a_job_nothing_is_asked(dock: Any, qtbot: Any) -> None:
    native, job = dock.native, dock.job
    click_close(dock, qtbot)
    dock.stop(wait=True)
    assert not dock.closing.isVisible(), "the question is withdrawn with the job"
    qtbot.waitUntil(lambda: not job.running)
    click_close(dock, qtbot)
    qtbot.waitUntil(lambda: dock_of(native) is None)


def test_a_script_that_closes_the_window_or_removes_the_dock_is_not_asked(
    dock: Any, qtbot: Any, viewer: Any
) -> None:
    job, native = dock.job, dock.native
    viewer.window.remove_dock_widget(native)
    assert dock_of(native) is None
    assert not dock.closing.isVisible()
    assert job.running
    again = open_dock(viewer, "Train")
    assert again.job is job
    viewer.close()
    qtbot.waitUntil(lambda: not job.running)
