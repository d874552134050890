"""A run belongs to the session: after its dock was closed in any way, it can be found and stopped."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hang import HANG_S
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from person import PLUGIN, Person
from qtpy import API_NAME
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget
from small import write_small

from napari_fmri_decoder._napari.prepare.jobs import PrepareJob
from napari_fmri_decoder._napari.qt.running import running_jobs
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.results.show_result import result_layers
from napari_fmri_decoder._napari.train.runs import Runs
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.prepare.dock import PrepareDock
    from napari_fmri_decoder._napari.qt.dock import Dock

ENDLESS = 100_000


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


@pytest.fixture
def session(viewer: Any, tmp_path: Path) -> Session:
    """A session set up for a run of the small series."""
    write_small(tmp_path)
    made = Session.of(viewer)
    series = read(tmp_path / "small_bold.nii.gz")
    labels = parse_labels({"source": "table", "table": "volumes.tsv"})
    table, _ = label_table(labels, series, tmp_path)
    made.update(series=made.add(series), labels=labels, table=table)
    return made


def open_dock(person: Person, tmp_path: Path, epochs: int, place: str = "serial") -> Any:
    dock = person.dock("Train")
    dock.decoder.update({"name": "cnn2d", "filters": [2], "dense": [4]})
    dock.training.update({"epochs": epochs, "threads": 1})
    dock.split.update({"scheme": "group-k-fold", "n_splits": 2})
    dock.runs_folder.value = tmp_path / "runs"
    dock.location.place.value = place
    return dock


def frame_of(dock: Dock) -> QtViewerDockWidget:
    found: Any = dock.native
    while not isinstance(found, QtViewerDockWidget):
        found = found.parent()
    return found


def by_close_button(person: Person, dock: Dock) -> None:
    """Click the close button in the title; if a job is running, answer that it continues."""
    frame = frame_of(dock)
    person.qtbot.mouseClick(frame.titleBarWidget().close_button, Qt.MouseButton.LeftButton)
    question = dock.native.findChild(QWidget, "close_question")
    if question is not None and question.isVisible():
        person.press(dock, "close_continue")
    del question
    person.qtbot.waitUntil(lambda: not shown(frame))


def by_menu(person: Person, dock: Dock) -> None:
    """Hide the dock by its entry in the menu; if a job is running, answer that it continues."""
    frame_of(dock).toggleViewAction().trigger()
    assert dock.visible, "it asks first"
    person.press(dock, "close_continue")
    assert not dock.visible


def shown(frame: QtViewerDockWidget) -> bool:
    """Whether a frame is still there."""
    try:
        return frame.isVisible()
    except RuntimeError:  # deleted
        return False


def by_remove_dock_widget(person: Person, dock: Dock) -> None:
    """Remove the dock as scripts do."""
    person.viewer.window.remove_dock_widget(dock.native)


def by_remove_all(person: Person, dock: Dock) -> None:
    """Remove every dock at once."""
    person.viewer.window.remove_dock_widget("all")


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "pipeline.subprocess_run" in " ".join(p.cmdline())]


@pytest.mark.parametrize(
    ("close", "place"),
    [
        (by_close_button, "serial"),
        (by_close_button, "subprocess"),
        (by_remove_dock_widget, "serial"),
        (by_remove_all, "serial"),
    ],
)
def test_a_reopened_dock_shows_and_stops_its_run(
    person: Person, session: Session, tmp_path: Path, notified: list[Any], place: str, close: Any
) -> None:
    dock = open_dock(person, tmp_path, ENDLESS, place)
    dock.train_button.native.click()
    runs = session.part(Runs)
    job = runs.job
    assert job is not None
    person.qtbot.waitUntil(lambda: len(runs.history.curves.table()) > 2)
    assert bool(children()) == (place == "subprocess")
    close(person, dock)
    gone = weakref.ref(dock)
    del dock

    def is_freed() -> bool:
        gc.collect()
        return gone() is None

    if API_NAME != "PySide6":  # which keeps a dock that has shown the curves of a run; not understood yet
        person.qtbot.waitUntil(is_freed, timeout=20_000)
    assert job.running

    grown = len(runs.history.curves.table())
    person.qtbot.waitUntil(lambda: len(runs.history.curves.table()) > grown)
    again = person.dock("Train")
    assert again.stop_button.enabled
    assert not again.train_button.enabled
    assert again.tabs.tabText(again.tabs.currentIndex()) == "Progress"
    assert len(again.progress_view.curves.table()) > grown, "the curves so far, and new ones"
    person.qtbot.waitUntil(lambda: "epoch" in again.line.text.text())
    assert again.location.in_subprocess == (place == "subprocess")
    assert again.training.epochs.value == ENDLESS, "the forms show the running plan"
    again.stop_button.native.click()
    assert again.train_button.enabled
    person.qtbot.waitUntil(lambda: not job.running)
    person.qtbot.waitUntil(lambda: again.resume_button.enabled)
    assert not children()
    assert not notified


def test_a_dock_can_be_reopened_twice_and_while_its_run_is_stopping(
    person: Person, session: Session, tmp_path: Path, notified: list[Any]
) -> None:
    dock = open_dock(person, tmp_path, ENDLESS)
    dock.train_button.native.click()
    runs = session.part(Runs)
    job = runs.job
    assert job is not None
    person.qtbot.waitUntil(lambda: len(runs.history.curves.table()) > 2)
    for _ in range(2):
        by_close_button(person, dock)
        dock = person.dock("Train")
        assert dock.job is job
        assert dock.stop_button.enabled
    dock.stop_button.native.click()
    by_close_button(person, dock)
    dock = person.dock("Train")
    assert not dock.stop_button.enabled
    person.qtbot.waitUntil(lambda: dock.resume_button.enabled)
    assert "Resume continues" in dock.line.text.text()
    dock.training.update({"epochs": 1})
    dock.train_button.native.click()
    person.wait(lambda: dock.job is None)
    assert dock.session.state.results.result is not None
    assert not notified


def test_a_run_that_ends_without_a_dock_shows_its_result(
    person: Person, session: Session, tmp_path: Path, notified: list[Any]
) -> None:
    dock = open_dock(person, tmp_path, 1)
    dock.train_button.native.click()
    by_close_button(person, dock)
    runs = session.part(Runs)
    person.wait(lambda: runs.job is None)
    assert runs.folder is not None
    assert [layer.name for layer in result_layers(person.viewer)] == ["cnn2d conv1", "predictions"]
    dock = person.dock("Train")
    assert dock.folder == runs.folder
    assert "chance 0.500" in dock.result.text()
    assert dock.links.report.enabled
    assert "64 samples of 2 classes" in dock.audit.summary.text()
    assert not notified


def test_a_reopened_dock_shows_an_error_that_happened_without_it(
    person: Person, session: Session, tmp_path: Path, notified: list[Any]
) -> None:
    dock = open_dock(person, tmp_path, 1)
    dock.split.update({"scheme": "random"})
    dock.train_button.native.click()
    by_close_button(person, dock)
    runs = session.part(Runs)
    person.wait(lambda: runs.job is None)
    (message,) = notified
    assert "[run-in-both-parts]" in str(message.message)
    dock = person.dock("Train")
    assert "run-in-both-parts" in dock.audit.overrides
    assert "Training is blocked by the audit" in dock.line.text.text()


def test_a_hidden_dock_keeps_showing_its_run(person: Person, session: Session, tmp_path: Path) -> None:
    dock = open_dock(person, tmp_path, ENDLESS)
    frame = frame_of(dock)
    dock.train_button.native.click()
    person.qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 2)
    by_menu(person, dock)
    grown = len(dock.progress_view.curves.table())
    person.qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > grown)
    frame.toggleViewAction().trigger()
    person.qtbot.waitUntil(lambda: dock.visible)
    assert dock.stop_button.enabled
    dock.stop_button.native.click()
    person.qtbot.waitUntil(lambda: dock.resume_button.enabled)


@pytest.mark.parametrize("hide", [True, False], ids=["hidden", "closed"])
def test_closing_the_window_ends_a_run_that_no_dock_shows(
    person: Person, session: Session, tmp_path: Path, hide: bool
) -> None:
    dock = open_dock(person, tmp_path, ENDLESS)
    dock.train_button.native.click()
    job = dock.job
    person.qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 2)
    by_menu(person, dock) if hide else by_close_button(person, dock)
    person.viewer.close()
    person.qtbot.waitUntil(lambda: not job.running)


def test_a_dock_in_a_new_frame_follows_the_session_again(
    person: Person, session: Session, tmp_path: Path
) -> None:
    dock = open_dock(person, tmp_path, ENDLESS)
    by_remove_dock_widget(person, dock)
    session.update(table=None)
    assert dock.train_button.enabled, "without a frame it does not follow the session"
    person.viewer.window.add_dock_widget(dock, name=f"Train ({PLUGIN})")
    assert not dock.train_button.enabled


def test_jobs_of_the_session_continue_without_a_dock_and_jobs_of_the_dock_stop(
    person: Person, session: Session, viewer: Any, request: pytest.FixtureRequest
) -> None:
    go_on = threading.Event()
    request.addfinalizer(go_on.set)  # also if this test fails
    dock: PrepareDock = person.dock("Prepare")
    work = session.part(PrepareJob)
    added: list[str] = []

    def slow(series: Any) -> str:
        go_on.wait(HANG_S)
        return "done"

    dock.jobs.run("Something long", slow, added.append, "mask")
    own = run_generator(
        lambda: iter(lambda: go_on.wait(0.01) and None, 0), owner=dock.slab.native, description="an image"
    )
    by_close_button(person, dock)
    assert own.stopping, "its result could not be shown"
    again: PrepareDock = person.dock("Prepare")
    assert "Something long" in again.undo_button.tooltip
    assert person.find(again, "stop").isEnabled()
    go_on.set()
    person.qtbot.waitUntil(lambda: work.job is None)
    assert added == ["done"]
    assert not person.find(again, "stop").isEnabled()
    person.qtbot.waitUntil(lambda: not own.running)


def test_closing_the_view_dock_removes_its_crosshair(person: Person, session: Session, viewer: Any) -> None:
    before = len(viewer.mouse_drag_callbacks)
    scene = viewer.window._qt_viewer.canvas.view.scene
    drawn = len(scene.children)
    for _ in range(2):
        view = person.dock("View")
        assert len(viewer.mouse_drag_callbacks) == before + 1
        assert len(scene.children) == drawn + 1
        by_close_button(person, view)
        assert len(viewer.mouse_drag_callbacks) == before
        assert len(scene.children) == drawn
    assert not running_jobs()
