"""The dock Train: the same run as on the command line, in the background, and it can be stopped."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import psutil
import pytest
from hang import HANG_S
from qtpy.QtWidgets import QApplication, QCheckBox, QPushButton
from small import series, write_small
from torch.optim.optimizer import register_optimizer_step_post_hook

from napari_fmri_decoder._napari.progress import TimeLeft
from napari_fmri_decoder._napari.recipe_of_session import run_folder
from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder._napari.showing import result_layers
from napari_fmri_decoder._napari.widgets.run_view import ProgressLine, RunView
from napari_fmri_decoder._napari.widgets.train import NO_LABELS, NO_SERIES, TrainDock
from napari_fmri_decoder.evaluation.scores import history_table, predictions_table
from napari_fmri_decoder.pipeline import Prepared, Stage, run
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldDone, FoldStarted, Quality
from napari_fmri_decoder.volumes.nifti import read, write
from napari_fmri_decoder.volumes.series import FileSeries
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.training.events import FoldResult

TABLE = {"source": "table", "table": "volumes.tsv"}
QUICK = {"name": "cnn2d", "filters": [2], "dense": [4]}


def give(session: Session, volume: Volume, labels: dict[str, Any], base: Path) -> None:
    """Do what Prepare and Labels do: choose the series, and label it."""
    config = parse_labels(labels)
    table, _ = label_table(config, volume, base)
    session.update(series=session.add(volume), labels=config, table=table)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of the report take longer than these runs; the main path draws them."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


@pytest.fixture
def dock(viewer: Any, tmp_path: Path) -> TrainDock:
    """The dock in the window, everything set for a run of seconds."""
    write_small(tmp_path)
    session = Session.of(viewer)
    made = TrainDock(viewer)
    viewer.window.add_dock_widget(made, name="Train (napari-fmri-decoder)")
    give(session, read(tmp_path / "small_bold.nii.gz"), TABLE, tmp_path)
    made.setup.decoder.set_values({"name": "linear", "C": 0.1})
    made.setup.training.set_values({"threads": 1})
    made.setup.folder.line.setText(str(tmp_path / "runs"))
    return made


@pytest.fixture
def steps() -> Iterator[list[int]]:
    """One entry for each step that an optimizer takes, in whatever thread."""
    taken: list[int] = []
    hook = register_optimizer_step_post_hook(lambda *_: taken.append(1))
    yield taken
    hook.remove()


def wait(dock: TrainDock, qtbot: Any) -> None:
    """Wait for the end of the work."""
    qtbot.waitUntil(lambda: dock.job is None)


def replayed(folder: Path, again: Path) -> list[str]:
    """Run the recipe of a run folder as the command line does, up to the writing; its tables as text."""
    folds = []
    for event in run(load_recipe(folder / "recipe.toml"), folder, again):
        if isinstance(event, Prepared):
            samples = event.samples
        elif isinstance(event, FoldDone):
            folds.append(event.result)
        elif isinstance(event, Stage) and event.text.startswith("Writing"):
            break
    tables = predictions_table(folds, samples), history_table(folds)
    return [t.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.6g") for t in tables]


def test_what_is_missing_greys_train_and_is_said(viewer: Any, tmp_path: Path) -> None:
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert not dock.train.isEnabled()
    assert NO_SERIES in dock.train.toolTip()
    assert dock.line.text.text() == NO_SERIES
    session = dock.session
    volume, _ = series()
    session.update(series=session.add(volume))
    assert not dock.train.isEnabled()
    assert NO_LABELS in dock.train.toolTip()
    write_small(tmp_path)
    table, _ = label_table(parse_labels(TABLE), volume, tmp_path)
    session.update(table=table)
    assert dock.train.isEnabled()
    assert not dock.stop.isEnabled()


def test_a_run_of_the_dock_replayed_by_its_recipe_gives_the_same_numbers(
    dock: TrainDock, qtbot: Any, tmp_path: Path
) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 2})
    dock.setup.split.set_values({"scheme": "group-k-fold", "n_splits": 2})
    dock.train.click()
    assert not dock.train.isEnabled()
    wait(dock, qtbot)
    folder = dock.folder
    assert folder is not None
    assert folder.parent == tmp_path / "runs"
    assert folder.name.endswith("_cnn2d")
    for name in ("recipe.toml", "scores.json", "predictions.tsv", "model.safetensors", "report.html"):
        assert (folder / name).exists(), name
    assert not (folder / "data").exists(), "what is on disk already is named where it lies"
    predictions, history = replayed(folder, tmp_path / "again")
    assert (folder / "predictions.tsv").read_text() == predictions
    assert (folder / "history.tsv").read_text() == history

    curves = dock.run.curves.table()
    assert curves.groupby("fold", sort=False).size().to_dict() == {"fold 0": 3, "fold 1": 3, "all samples": 3}
    assert curves["val_accuracy"].notna().sum() == 6, "epoch 0, the untrained network, is among them"
    assert "chance 0.500" in dock.result.text()
    assert dock.report.isEnabled()
    dock.command.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == f'fmri-decoder train "{folder / "recipe.toml"}" --out "{folder}-again"'
    assert [layer.name for layer in result_layers(dock.viewer)] == ["cnn2d conv1", "predictions"]
    assert dock.session.state.result.folder == folder


@pytest.mark.slow
def test_workers_of_this_machine_give_the_same_numbers(dock: TrainDock, qtbot: Any, tmp_path: Path) -> None:
    dock.setup.decoder.set_values({"name": "mlp", "hidden": 4})
    dock.setup.training.set_values({"epochs": 2, "threads": 1})
    where = dock.setup.where
    where.place.setCurrentIndex(where.place.findData("local"))
    where.processes.setValue(2)
    dock.train.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    assert (dock.folder / "predictions.tsv").read_text() == replayed(dock.folder, tmp_path / "again")[0]
    assert len(dock.run.curves.table()) == 3 * 5, "folds that come whole are drawn too"


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    now = datetime(2001, 9, 28, 12, 0, 0)
    names = [run_folder(tmp_path, "mlp", now).name for _ in range(2)]
    assert names == ["2001-09-28_12-00-00_mlp", "2001-09-28_12-00-00_mlp_2"]


def test_what_is_not_on_disk_is_written_into_the_run_folder(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    write_small(tmp_path)
    volume, table = series()
    session = Session.of(viewer)
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    give(session, volume, TABLE, tmp_path)
    (tmp_path / "volumes.tsv").unlink()  # the table lives in the dock alone
    painted = np.zeros(volume.shape[:3], np.uint8)
    painted[4:10, 4:12, 2:6] = 1
    session.update(mask=Volume(painted, volume.affine, "mask", name="painted mask"))
    dock.setup.decoder.set_values({"name": "linear", "C": 0.1})
    dock.setup.training.set_values({"threads": 1})
    dock.setup.folder.line.setText(str(tmp_path / "runs"))
    dock.train.click()
    wait(dock, qtbot)
    folder = dock.folder
    assert folder is not None
    curves = dock.run.curves
    assert not curves.why.isHidden(), "a linear model has no curves, and the place of them says why"
    assert curves.why.text() == "linear is fitted in one step by scikit-learn: there are no epochs to draw."
    assert curves.view.isHidden()
    np.testing.assert_array_equal(read(folder / "data" / "bold.nii.gz").load().data, volume.data)
    np.testing.assert_array_equal(read(folder / "data" / "mask.nii.gz").data, painted)
    kept = pd.read_csv(folder / "data" / "volumes.tsv", sep="\t")
    assert kept["label"].tolist() == table["label"].tolist()
    recipe = load_recipe(folder / "recipe.toml")
    assert recipe.data.images == ("data/bold.nii.gz",), "a run folder can be moved"
    assert session.state.result.prepared.samples.space.n_features == 6 * 8 * 4
    assert (folder / "predictions.tsv").read_text() == replayed(folder, tmp_path / "again")[0]


def test_a_folder_of_maps_is_decoded_by_its_file_names(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    volume, table = series()
    for i in range(0, 64, 2):
        label, run_ = table.loc[i, ["label", "run"]]
        one = Volume(volume.at(i) - 400, volume.affine, "stat", name="z")
        write(one, tmp_path / "maps" / f"{i:02d}_run-{run_}_{label}_zmap.nii.gz")
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    maps = read(tmp_path / "maps")
    pattern = r"run-(?P<run>\d+)_(?P<label>[a-z]+)_zmap"
    give(dock.session, maps, {"source": "filename", "pattern": pattern}, tmp_path / "maps")
    dock.setup.decoder.set_values({"name": "linear", "C": 0.1})
    dock.setup.training.set_values({"threads": 1})
    dock.setup.folder.line.setText(str(tmp_path / "runs"))
    dock.train.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    assert (dock.folder / "predictions.tsv").read_text() == replayed(dock.folder, tmp_path / "again")[0]
    recipe = load_recipe(dock.folder / "recipe.toml")
    assert recipe.prepare.detrend is False, "maps are no series in time"
    (predictions,) = result_layers(viewer)
    assert predictions.data.shape[0] == 32
    assert tuple(predictions.axis_labels) == ("volume", "z", "y", "x")
    assert predictions.data_to_world((9, 0, 0, 0))[0] == 9, "positions in the stack, as the maps have them"
    assert predictions.features["true"].tolist() == table["label"][::2].tolist()


def test_curves_are_those_of_one_network_where_others_train_beside_it(qtbot: Any) -> None:
    view = RunView(ProgressLine())
    qtbot.addWidget(view)
    view.start()
    part = Quality(1.0, 0.5)
    for _ in ("the network", "one beside it"):
        for fold in (1, 0):
            view.hear(FoldStarted(fold, 2, f"run {fold}"))
            view.hear(FitStarted(1, 1, 10, part, part))
            view.hear(EpochDone(1, part, part))
            view.hear(FoldDone(cast("FoldResult", None)))
    assert view.curves.table()["fold"].tolist() == ["run 1", "run 1", "run 0", "run 0"]
    assert len(view.curves.mean()) == 2


def test_stop_frees_the_dock_at_once_and_the_next_run_works(
    dock: TrainDock, qtbot: Any, notified: list[Any], steps: list[int]
) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 100_000})
    dock.train.click()
    qtbot.waitUntil(lambda: len(dock.run.curves.table()) > 3)
    job = dock.job
    assert job is not None
    dock.stop.click()
    then = len(steps)
    assert dock.train.isEnabled()
    assert not dock.stop.isEnabled()
    assert dock.line.text.text() == "Stopped: Fold 0 (1 of 4), run 1. Resume continues from there."
    assert dock.result.isVisible()
    assert "part of the run" in dock.result.text()
    qtbot.waitUntil(lambda: not job.running)
    assert len(steps) - then <= 1, "the batch that was being computed is the last"
    assert dock.session.state.result is None
    assert not result_layers(dock.viewer)
    dock.setup.decoder.set_values({"name": "linear", "C": 0.1})
    dock.train.click()
    wait(dock, qtbot)
    assert dock.session.state.result is not None
    assert "Stopped" not in dock.result.text()
    assert not notified


def test_a_stopped_run_goes_on_with_the_folds_that_are_done(
    dock: TrainDock, qtbot: Any, tmp_path: Path, notified: list[Any]
) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 40})
    assert not dock.resume.isEnabled()
    dock.train.click()
    folder = dock.runs.running.folder
    qtbot.waitUntil(lambda: len(list((folder / "tasks").glob("fold*"))) > 0)
    dock.stop.click()
    assert "Resume continues" in dock.line.text.text()
    dock.runs.stopped = None  # as where napari was closed meanwhile
    qtbot.waitUntil(lambda: not dock.runs.ending)
    dock.with_data.setChecked(False)
    dock.open_recipe(folder / "recipe.toml")
    kept = {path: path.stat().st_mtime_ns for path in (folder / "tasks").glob("fold*")}
    assert len(kept) < 4
    qtbot.waitUntil(dock.resume.isEnabled)
    dock.resume.click()
    assert not dock.resume.isEnabled()
    wait(dock, qtbot)
    assert dock.folder == folder
    assert not dock.resume.isEnabled()
    assert not notified
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    rows = dock.run.curves.table().groupby("fold").size().to_dict()
    assert rows == dict.fromkeys(["run 1", "run 2", "run 3", "run 4", "all samples"], 41), "those read too"
    assert len(dock.run.curves.mean()) == 41
    assert replayed(folder, tmp_path / "again") == [
        (folder / name).read_text() for name in ("predictions.tsv", "history.tsv")
    ]


def test_a_run_stopped_while_its_folder_was_written_is_shown_by_resume(
    dock: TrainDock, qtbot: Any, notified: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on = threading.Event(), threading.Event()
    module = import_module("napari_fmri_decoder.pipeline.run")  # its function has the same name
    write_results = module.write_results

    def slowly(*args: Any, **named: Any) -> None:
        write_results(*args, **named)
        written.set()
        go_on.wait(HANG_S)

    monkeypatch.setattr(module, "write_results", slowly)
    dock.setup.decoder.set_values({"name": "linear"})
    dock.train.click()
    qtbot.waitUntil(written.is_set)
    dock.stop.click()
    go_on.set()
    qtbot.waitUntil(dock.resume.isEnabled)
    dock.resume.click()
    qtbot.waitUntil(lambda: dock.job is None)
    assert not notified
    assert "Accuracy" in dock.result.text()
    assert dock.report.isEnabled()


@pytest.mark.parametrize("where", ["serial", "apart"])
def test_a_loss_that_explodes_is_said_once_and_cannot_be_resumed(
    dock: TrainDock, qtbot: Any, notified: list[Any], where: str
) -> None:
    dock.setup.where.choose(where)
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 100, "optimizer": "sgd", "learning_rate": 1e30})
    dock.train.click()
    qtbot.waitUntil(lambda: dock.job is None)
    (told,) = notified
    assert "The loss must stay finite" in told.message
    assert dock.train.isEnabled()
    assert not dock.resume.isEnabled()
    dock.setup.training.set_values({"epochs": 2, "learning_rate": 1e-3})
    dock.train.click()
    qtbot.waitUntil(lambda: dock.job is None)
    assert "Accuracy" in dock.result.text()
    assert len(notified) == 1


def test_a_process_of_its_own_trains_and_stops_as_a_thread_does(
    dock: TrainDock, qtbot: Any, notified: list[Any]
) -> None:
    dock.setup.where.choose("apart")
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 100_000})
    dock.train.click()
    qtbot.waitUntil(lambda: len(dock.run.curves.table()) > 3)
    (child,) = (p for p in psutil.Process().children() if "pipeline.apart" in " ".join(p.cmdline()))
    dock.stop.click()
    assert "Resume continues" in dock.line.text.text()
    qtbot.waitUntil(dock.resume.isEnabled)
    assert not child.is_running()
    assert list((dock.runs.stopped.folder / "tasks").glob("checkpoint*"))
    assert not notified


def test_stop_ends_the_reading_of_a_slow_series_too(
    dock: TrainDock, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reads: list[Any] = []
    may_read = threading.Semaphore(3)

    def slow(self: FileSeries, key: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            may_read.acquire(timeout=HANG_S)
            reads.append(key)
        return np.asarray(self._proxy[key])

    monkeypatch.setattr(FileSeries, "__getitem__", slow)
    dock.train.click()
    qtbot.waitUntil(lambda: dock.line.bar.value() > 0)
    job = dock.job
    assert job is not None
    assert dock.line.text.text() == "Reading and preparing…"
    qtbot.waitUntil(lambda: len(reads) == 3)
    dock.stop.click()
    may_read.release(1000)
    qtbot.waitUntil(lambda: not job.running)
    assert len(reads) <= 4, "of 64 volumes, the one that was waited for is the last"
    assert not list((tmp_path / "runs").iterdir())


def test_a_leaking_split_is_barred_until_the_user_answers_for_it(
    dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path
) -> None:
    dock.setup.split.set_values({"scheme": "random"})
    dock.train.click()
    wait(dock, qtbot)
    (message,) = notified
    assert "[run-in-both-parts]" in str(message.message)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
    assert dock.tabs.currentIndex() == 1
    codes = [box.objectName().removeprefix("allow_") for box in dock.audit.findChildren(QCheckBox)]
    assert codes == ["run-in-both-parts", "neighbours-across-split"]
    for box in dock.audit.findChildren(QCheckBox):
        box.setChecked(True)
    dock.train.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    scores = json.loads((dock.folder / "scores.json").read_text())
    errors = [finding for finding in scores["audit"] if finding["severity"] == "error"]
    assert {finding["code"] for finding in errors} == set(codes)
    assert all(finding["allowed"] for finding in errors)


def test_check_says_what_would_be_trained_on_and_leaves_nothing_behind(
    dock: TrainDock, qtbot: Any, tmp_path: Path
) -> None:
    dock.setup.split.set_values({"scheme": "random"})
    dock.check.click()
    wait(dock, qtbot)
    assert "64 samples of 2 classes, 1792 voxels, 1 fold." in dock.audit.summary.text()
    assert dock.audit.findChild(QCheckBox, "allow_run-in-both-parts") is not None
    assert "blocked" in dock.line.text.text()
    assert not (tmp_path / "runs").exists()
    assert "3,586 parameters" in dock.outlook.said.text()  # linear: (1792 + 1) * 2
    dock.setup.split.set_values({"scheme": "leave-one-run-out"})
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 2})
    dock.check.click()
    wait(dock, qtbot)
    assert "4 folds" in dock.audit.summary.text()
    design = dock.audit.design.table()
    assert not dock.audit.design.isHidden()
    for i in range(4):
        assert set(design["run"][design[f"fold {i}"] == "left out"]) == {str(i + 1)}
        assert (design[f"fold {i}"] == "trained on").sum() == 48
    assert "Ready" in dock.line.text.text()
    assert "for 5 fits" in dock.outlook.said.text()
    assert "conv1" in dock.outlook.table.text()
    assert "MB while it trains" in dock.outlook.said.text()


def test_a_run_that_cannot_begin_is_one_message_and_leaves_no_folder(
    dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path
) -> None:
    dock.setup.split.set_values({"scheme": "explicit", "test": ["9"]})
    dock.train.click()
    wait(dock, qtbot)
    (message,) = notified
    assert "'9'" in str(message.message)
    assert "1, 2, 3, 4" in str(message.message)
    assert dock.train.isEnabled()
    assert not list((tmp_path / "runs").iterdir())


def test_a_value_that_is_not_valid_is_one_message_before_anything_starts(
    dock: TrainDock, notified: list[Any]
) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.decoder.set_values({"filters": ["many"]})
    dock.train.click()
    (message,) = notified
    assert "filters" in str(message.message)
    assert dock.job is None


def test_forms_show_what_is_left_empty_stands_for(dock: TrainDock) -> None:
    dock.setup.decoder.set_values({"name": "mlp"})
    texts = {name: dock.setup.training.control(name).auto.text() for name in ("epochs", "learning_rate")}
    assert texts == {"epochs": "default: 1000", "learning_rate": "default: 0.1"}
    dock.setup.decoder.set_values({"name": "linear"})
    assert not dock.setup.training.control("epochs").isVisibleTo(dock), "scikit-learn has no epochs"
    assert dock.setup.choices(()).training.epochs is None
    assert dock.setup.choices(()).prepare.resolved(read_series_of(dock)).detrend is True


def read_series_of(dock: TrainDock) -> Volume:
    """The chosen series."""
    found = dock.session.series
    assert found is not None
    return found


def test_a_recipe_sets_the_forms(dock: TrainDock, tmp_path: Path) -> None:
    recipe = load_recipe(write_small(tmp_path, 'name = "mlp"\nhidden = 7'))
    dock.setup.load(recipe)
    choices = dock.setup.choices(())
    assert choices.decoder == recipe.decoder
    assert choices.prepare == recipe.prepare
    assert choices.split == recipe.split


def test_closing_the_window_in_training_hangs_nothing(dock: TrainDock, qtbot: Any, steps: list[int]) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 100_000})
    dock.train.click()
    qtbot.waitUntil(lambda: len(dock.run.curves.table()) > 2)
    job = dock.job
    assert job is not None
    dock.viewer.close()
    qtbot.waitUntil(lambda: job.stopping)
    then = len(steps)
    qtbot.waitUntil(lambda: not job.running)
    assert len(steps) - then <= 1, "the batch that was being computed is the last"


def test_time_left_is_foretold_from_the_pace_so_far_and_anew_for_other_work() -> None:
    left = TimeLeft()
    assert [left.after(f, now) for f, now in ((0.0, 100), (0.1, 101), (0.25, 105), (0.5, 110))] == [
        "",
        "",  # too early to tell
        " (about 15 s left)",
        " (about 10 s left)",
    ]
    assert left.after(0.05, 111) == ""  # other work
    assert left.after(0.15, 711) == " (about 85 min left)"
    assert left.after(None, 712) == ""
    assert left.after(0.5, 713) == ""


@pytest.mark.slow
def test_train_stop_resume_stop_train_stop_fifty_times_in_quick_succession(
    dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path
) -> None:
    dock.setup.decoder.set_values(QUICK)
    dock.setup.training.set_values({"epochs": 100_000})
    rng = np.random.default_rng(0)
    pressed: Counter[str] = Counter()
    begun: list[Path] = []

    def press(button: QPushButton) -> None:
        """Wait as a user must, until it can be pressed, and press it."""
        qtbot.waitUntil(button.isEnabled)
        button.click()
        pressed[button.objectName()] += 1
        assert not button.isEnabled(), "it was taken"

    def start(button: QPushButton, description: str) -> Path:
        press(button)
        assert dock.job is not None
        assert dock.job.description == description
        assert dock.runs.running is not None
        return dock.runs.running.folder

    def stop() -> None:
        job = dock.job
        assert job is not None
        press(dock.stop)
        assert job.stopping
        assert dock.job is None

    def trains() -> bool:
        assert dock.job is not None, dock.line.text.text()
        return len(dock.run.curves.table()) > 1

    def pause() -> None:
        qtbot.wait(int(rng.integers(0, 200)))

    for i in range(50):
        begun.append(start(dock.train, "Training cnn2d"))
        qtbot.waitUntil(trains)
        stop()
        assert start(dock.resume, "Resuming cnn2d") == begun[-1]
        if i % 2:
            qtbot.waitUntil(trains)
        else:
            pause()
        stop()
        start(dock.train, "Training cnn2d")
        pause()
        stop()
    assert pressed == {"train_button": 100, "stop_button": 150, "resume_button": 50}
    assert len(set(begun)) == 50
    assert all(has_begun(folder) for folder in begun)
    qtbot.waitUntil(lambda: not dock.runs.ending)
    assert not notified, [str(n.message) for n in notified]
    dock.setup.training.set_values({"epochs": 30})
    folder = start(dock.train, "Training cnn2d")
    wait(dock, qtbot)
    assert not notified, [str(n.message) for n in notified]
    assert dock.folder == folder
    assert dock.session.state.result.folder == folder
    assert replayed(folder, tmp_path / "again") == [
        (folder / name).read_text() for name in ("predictions.tsv", "history.tsv")
    ]
