"""Open run: the window shows a run from its folder as after training, with its images or without them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox
from small import write_small

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.look_inside.page import NO_IMAGES
from napari_fmri_decoder._napari.qt.docks import open_dock
from napari_fmri_decoder._napari.reader import get_reader
from napari_fmri_decoder._napari.results import ask_images
from napari_fmri_decoder._napari.results.open_run import RunOpener, choose_run, open_run
from napari_fmri_decoder._napari.results.recent_runs import recent_runs, remember_run
from napari_fmri_decoder._napari.results.saved_layers import saved_layers
from napari_fmri_decoder._napari.results.score_metadata import SCORE
from napari_fmri_decoder._napari.results.show_result import ROLE, result_layers, show_result
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import RunResult, finish, run
from napari_fmri_decoder.pipeline.saved_run import SavedRun
from napari_fmri_decoder.recipe import load_recipe, make_recipe

CNN = {"name": "cnn2d", "filters": [2], "dense": [4]}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small series, and a run of a network with a mask, a slab and a permutation test."""
    folder = tmp_path_factory.mktemp("project") / "study"
    folder.mkdir()
    content = load_recipe(write_small(folder)).model_dump(mode="json", exclude_none=True)
    content["data"]["mask"] = {"strategy": "threshold", "above": 100.0}
    content |= {
        "decoder": CNN,
        "training": {"epochs": 2, "threads": 1},
        "slab": {"rotate_x": 10.0, "axis": "z", "start": 2, "stop": 5, "interpolation": "linear"},
        "null": {"permutations": 2},
        "report": {"figures": "none"},
    }
    finish(run(make_recipe(content), folder, folder.parent / "runs" / "one"))
    # a copy is otherwise read at its original path
    return Path(shutil.move(folder.parent, folder.parents[1] / "kept")) / "study"


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    """A copy of the project; the run folder."""
    return Path(shutil.copytree(study.parent, tmp_path / "project")) / "runs" / "one"


@pytest.fixture
def look(viewer: Any) -> LookInsideDock:
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock, name="Look inside")
    return dock


def layers_of(viewer: Any) -> dict[str, np.ndarray]:
    """First volume of each result layer."""
    return {layer.metadata[ROLE]: np.asarray(layer.data[0]) for layer in result_layers(viewer)}


def test_an_opened_run_looks_as_after_training(viewer: Any, look: LookInsideDock, copy: Path) -> None:
    train = TrainDock(viewer)
    viewer.window.add_dock_widget(train, name="Train")
    opened = look.open_run(copy)
    assert isinstance(opened, RunResult)
    session = Session.of(viewer)
    state = session.state
    assert state.results.result is opened
    assert state.results.prepared is opened.prepared
    assert state.labeling.table is not None
    assert len(state.labeling.table) == 64
    assert state.preparation.mask is not None
    assert state.preparation.slab_placement is not None
    assert state.preparation.slab_placement.scanner.same_as(opened.prepared.samples.space.grid)
    assert {layer.metadata[ROLE] for layer in result_layers(viewer)} == {"predictions", "conv1"}
    assert train.setup.decoder.config().name == "cnn2d"
    assert train.training.epochs.value == 2
    assert train.permutation.permutations.value == 2
    assert train.folder == copy
    assert len(train.runs.history.curves.folds) == 4
    assert f"p = {opened.scores.permutation.p:.3g}" in look.headline.text()
    assert train.runs.history.notes[0].startswith("Data: a time series of 64 volumes")
    shown = list(viewer.layers)
    look.open_run(copy)
    assert list(viewer.layers) == shown, "no layer is shown twice"
    for page in look.pages.values():
        page.update_result(opened)
        page.wait()
    from_training = finish(run(load_recipe(copy / "recipe.toml"), copy, copy.parent / "again"))
    reference = layers_of(viewer)
    show_result(session, from_training)
    for role, data in layers_of(viewer).items():
        np.testing.assert_allclose(data, reference[role], rtol=1e-5, atol=1e-6)
    pd.testing.assert_frame_equal(from_training.predictions, opened.predictions)
    assert recent_runs() == [copy]


def test_images_that_moved_are_asked_for_once(
    viewer: Any, look: LookInsideDock, copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.move(copy.parents[1] / "study", tmp_path / "other" / "study")
    asked: list[str] = []

    def press(box: QMessageBox) -> int:
        asked.append(box.text())
        next(button for button in box.buttons() if "Choose" in button.text()).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", press)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "other"))
    job = open_run(viewer, copy)
    assert job is not None
    job.wait()
    assert look.result is not None
    assert len(asked) == 1
    assert "small_bold.nii.gz, volumes.tsv" in asked[0]
    series = Session.of(viewer).series
    assert series is not None
    assert Path(series.parts[0].path) == tmp_path / "other" / "study" / "small_bold.nii.gz"


def test_without_images_the_folder_is_shown(
    viewer: Any, look: LookInsideDock, copy: Path, notified: list[Any]
) -> None:
    shutil.rmtree(copy.parents[1] / "study")
    saved = look.open_run(copy)
    assert isinstance(saved, SavedRun)
    assert look.result is None
    assert look.selected is saved
    missing = (
        "Only what the run folder holds is shown, because files are missing: small_bold.nii.gz, volumes.tsv."
    )
    assert look.without_images.text() == missing
    assert not look.without_images.isHidden()
    shown = saved_layers(Session.of(viewer))
    assert sorted(layer.name for layer in shown) == ["cnn2d_conv1", "mask"]
    assert all(look.headline.text().startswith(layer.metadata[SCORE][:40]) for layer in shown)
    for title, page in look.pages.items():
        page.update_result(saved)
        assert (page.about.text() == NO_IMAGES) == page.needs_images, title
    look.predictions.update_result(saved)
    assert len(look.predictions.model.table) == len(saved.predictions)
    look.confusion._on_cell("open", "open")
    row = saved.scores.classes.index("open")
    assert look.confusion.list.count() == saved.scores.confusion[row, row]
    with pytest.raises(InputError, match="images of this run were not found"):
        look.tsne.compute()


def test_opening_another_run_removes_the_layers_of_the_folder(
    viewer: Any, look: LookInsideDock, copy: Path, study: Path
) -> None:
    moved = shutil.move(copy, copy.parents[2] / "two")
    shutil.rmtree(copy.parents[1])
    look.open_run(moved, images=copy.parents[2] / "nowhere")
    assert saved_layers(Session.of(viewer))
    look.open_run(study.parent / "runs" / "one")
    assert look.result is not None
    assert not saved_layers(Session.of(viewer))
    assert Session.of(viewer).state.results.saved is None
    assert len(look.run.choices) == 2


def test_what_is_not_a_run_changes_nothing(viewer: Any, look: LookInsideDock, copy: Path) -> None:
    state = Session.of(viewer).state
    with pytest.raises(InputError, match="must contain a finished run"):
        look.open_run(copy.parent)
    (copy / "scores.json").write_text("{}")
    with pytest.raises(InputError, match="must contain the scores of a run"):
        look.open_run(copy)
    assert not viewer.layers
    assert Session.of(viewer).state is state
    assert recent_runs() == []
    assert Session.of(viewer).part(RunOpener).progress.text.startswith("Not opened: scores.json must contain")


def test_opening_can_be_stopped(viewer: Any, look: LookInsideDock, copy: Path) -> None:
    job = open_run(viewer, copy)
    assert job is not None
    assert not look.open.stop.native.isHidden()
    with pytest.raises(InputError, match="A run is being opened"):
        open_run(viewer, copy)
    look.open.stop.native.click()
    with pytest.raises(InputError, match="was stopped"):
        job.wait()
    assert not viewer.layers
    assert look.open.stop.native.isHidden()
    assert look.open_run(copy) is not None


def test_a_canceled_question_opens_nothing(
    viewer: Any, look: LookInsideDock, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    assert choose_run(viewer) is None
    shutil.rmtree(copy.parents[1] / "study")
    monkeypatch.setattr(ask_images, "ask_run", lambda _: copy)
    monkeypatch.setattr(
        QMessageBox, "exec", lambda box: box.button(QMessageBox.StandardButton.Cancel).click()
    )
    assert open_run(viewer, copy) is None
    assert not viewer.layers


def test_recent_runs_are_remembered_and_those_that_are_gone_are_skipped(viewer: Any, copy: Path) -> None:
    other = Path(shutil.copytree(copy, copy.parent / "two"))
    for folder in (copy, other, copy):
        remember_run(folder)
    assert recent_runs() == [copy, other]
    shutil.rmtree(copy)
    assert recent_runs() == [other]


def test_the_start_page_opens_a_recent_run_with_one_click(viewer: Any, copy: Path, qtbot: Any) -> None:
    start = open_dock(viewer, "View").start
    assert start.recent.isHidden(), "no run yet"
    name = "a_long_name_" * 8
    for folder in (copy.parent / f"{name}{i}" for i in range(4)):
        remember_run(Path(shutil.copytree(copy, folder)))
    remember_run(copy)
    start.recent.refresh()
    assert [folder.name for folder in start.recent.folders] == ["one", f"{name}3", f"{name}2"]
    first, second, _ = (button.native for button in start.recent.buttons)
    qtbot.waitUntil(lambda: not first.visibleRegion().isEmpty())
    assert first.text() == "one"
    qtbot.waitUntil(lambda: "…" in second.text())
    assert second.text().startswith("a_long")
    assert second.text().endswith("3"), "the end tells runs apart"
    assert second.fontMetrics().horizontalAdvance(second.text()) < second.width()
    assert str(copy.parent / f"{name}3") in second.toolTip()
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    session = Session.of(viewer)
    session.part(RunOpener).job.wait()
    assert session.state.results.result.folder == copy
    shutil.rmtree(copy)
    start.recent.refresh()
    assert copy not in start.recent.folders


def drop(viewer: Any, folder: Path) -> bool:
    """Drop a folder on the window, as a file manager does; whether the drop was taken."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    how = Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target = viewer.window._qt_viewer
    QApplication.sendEvent(target, QDragEnterEvent(QPoint(5, 5), *how))  # Qt drops where the drag has entered
    event = QDropEvent(QPointF(5, 5), *how)
    QApplication.sendEvent(target, event)
    return event.isAccepted()


def test_a_dropped_run_folder_is_opened_without_a_question(
    viewer: Any, look: LookInsideDock, copy: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    ask = "napari._qt.qt_viewer.QtViewer._open_from_list_of_urls_data"
    monkeypatch.setattr(ask, lambda _, urls, **__: opened.append(urls))
    assert drop(viewer, copy)
    qtbot.waitUntil(lambda: look.result is not None)
    assert look.result is not None
    assert look.result.folder == copy
    assert not opened, "napari would ask which reader to use"
    drop(viewer, copy.parents[1] / "study")
    assert len(opened) == 1, "another folder is napari's"


def test_napari_reads_a_run_folder_as_a_run(
    viewer: Any, look: LookInsideDock, copy: Path, qtbot: Any, notified: list[Any]
) -> None:
    assert viewer.open(copy, plugin="napari-fmri-decoder") == []
    qtbot.waitUntil(lambda: look.result is not None)
    assert {layer.metadata[ROLE] for layer in result_layers(viewer)} == {"predictions", "conv1"}
    assert get_reader(copy / "recipe.toml") is None
    (copy / "scores.json").unlink()
    assert get_reader(copy) is None
