"""The Train dock: the same run as on the command line, in the background, and it can be stopped."""

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
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from small import series, write_small
from torch.optim.optimizer import register_optimizer_step_post_hook

from napari_fmri_decoder._napari.qt.progress import ProgressLine, TimeLeft
from napari_fmri_decoder._napari.results.show_result import result_layers
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.train.progress import RunView
from napari_fmri_decoder._napari.train.reasons import NO_LABELS, NO_SERIES
from napari_fmri_decoder._napari.viewer.folders import run_folder
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.pipeline import AuditError, Prepared, Stage, run
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import NullConfig, Recipe, load_recipe, parse_recipe
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldDone, FoldStarted, Quality
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.series import FileSeries
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from magicgui.widgets import PushButton

    from napari_fmri_decoder.training.events import FoldResult

TABLE = {"source": "table", "table": "volumes.tsv"}
QUICK = {"name": "cnn2d", "filters": [2], "dense": [4]}


def give(session: Session, volume: Volume, labels: dict[str, Any], base: Path) -> None:
    """Choose and label the series, as Prepare and Labels do."""
    config = parse_labels(labels)
    table, _ = label_table(config, volume, base)
    session.update(series=session.add(volume), labels=config, table=table)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the figures of the report, which take longer than these runs; the main path draws them."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


@pytest.fixture
def dock(viewer: Any, tmp_path: Path) -> TrainDock:
    """The dock in the window, set up for a run of seconds."""
    write_small(tmp_path)
    session = Session.of(viewer)
    made = TrainDock(viewer)
    viewer.window.add_dock_widget(made, name="Train (napari-fmri-decoder)")
    give(session, read(tmp_path / "small_bold.nii.gz"), TABLE, tmp_path)
    made.decoder.update({"name": "linear", "C": 0.1})
    made.training.update({"threads": 1})
    made.runs_folder.value = tmp_path / "runs"
    return made


@pytest.fixture
def steps() -> Iterator[list[int]]:
    """One entry for each step of an optimizer, in any thread."""
    taken: list[int] = []
    hook = register_optimizer_step_post_hook(lambda *_: taken.append(1))
    yield taken
    hook.remove()


def wait(dock: TrainDock, qtbot: Any) -> None:
    """Wait for the end of the job."""
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


def test_train_is_disabled_with_a_reason_while_data_are_missing(viewer: Any, tmp_path: Path) -> None:
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert not dock.train_button.enabled
    assert NO_SERIES in dock.train_button.tooltip
    assert dock.line.text.text() == NO_SERIES
    session = dock.session
    volume, _ = series()
    session.update(series=session.add(volume))
    assert not dock.train_button.enabled
    assert NO_LABELS in dock.train_button.tooltip
    write_small(tmp_path)
    table, _ = label_table(parse_labels(TABLE), volume, tmp_path)
    session.update(table=table)
    assert dock.train_button.enabled
    assert not dock.stop_button.enabled


def test_the_recipe_of_a_run_in_the_dock_gives_the_same_numbers(
    dock: TrainDock, qtbot: Any, tmp_path: Path
) -> None:
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 2})
    dock.split.update({"scheme": "group-k-fold", "n_splits": 2})
    dock.train_button.native.click()
    assert not dock.train_button.enabled
    wait(dock, qtbot)
    folder = dock.folder
    assert folder is not None
    assert folder.parent == tmp_path / "runs"
    assert folder.name.endswith("_cnn2d")
    for name in ("recipe.toml", "scores.json", "predictions.tsv", "model.safetensors", "report.html"):
        assert (folder / name).exists(), name
    assert not (folder / "data").exists(), "files that are on disk are used in place"
    predictions, history = replayed(folder, tmp_path / "again")
    assert (folder / "predictions.tsv").read_text() == predictions
    assert (folder / "history.tsv").read_text() == history

    curves = dock.progress_view.curves.table()
    assert curves.groupby("fold", sort=False).size().to_dict() == {"fold 0": 3, "fold 1": 3, "all samples": 3}
    assert curves["val_accuracy"].notna().sum() == 6, "epoch 0, the untrained network, is among them"
    assert "chance 0.500" in dock.result.text()
    assert dock.links.report.enabled
    dock.links.command.native.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == f'fmri-decoder train "{folder / "recipe.toml"}" --out "{folder}-again"'
    conv1, predictions_layer = result_layers(dock.viewer)
    assert (conv1.name, predictions_layer.name) == ("cnn2d conv1", "predictions")
    dock.links.activations.native.click()
    assert (conv1.visible, predictions_layer.visible) == (True, False)
    assert dock.viewer.layers.selection == {conv1}
    assert dock.session.state.results.result.folder == folder


@pytest.mark.slow
def test_local_workers_give_the_same_numbers(dock: TrainDock, qtbot: Any, tmp_path: Path) -> None:
    dock.decoder.update({"name": "mlp", "hidden": 4})
    dock.training.update({"epochs": 2, "threads": 1})
    dock.location.place.value = "local"
    dock.location.processes.value = 2
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    assert (dock.folder / "predictions.tsv").read_text() == replayed(dock.folder, tmp_path / "again")[0]
    assert len(dock.progress_view.curves.table()) == 3 * 5, "folds trained by workers are drawn too"


def test_two_runs_within_a_second_have_different_folders(tmp_path: Path) -> None:
    now = datetime(2001, 9, 28, 12, 0, 0)
    names = [run_folder(tmp_path, "mlp", now).name for _ in range(2)]
    assert names == ["2001-09-28_12-00-00_mlp", "2001-09-28_12-00-00_mlp_2"]


def test_data_that_are_not_on_disk_are_written_into_the_run_folder(
    viewer: Any, qtbot: Any, tmp_path: Path
) -> None:
    write_small(tmp_path)
    volume, table = series()
    session = Session.of(viewer)
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    give(session, volume, TABLE, tmp_path)
    (tmp_path / "volumes.tsv").unlink()  # the table exists only in the dock
    painted = np.zeros(volume.shape[:3], np.uint8)
    painted[4:10, 4:12, 2:6] = 1
    session.update(mask=Volume(painted, volume.affine, "mask", name="painted mask"))
    dock.decoder.update({"name": "linear", "C": 0.1})
    dock.training.update({"threads": 1})
    dock.runs_folder.value = tmp_path / "runs"
    dock.train_button.native.click()
    wait(dock, qtbot)
    folder = dock.folder
    assert folder is not None
    curves = dock.progress_view.curves
    assert not curves.why.isHidden(), "a linear model has no curves, and the plot says why"
    assert curves.why.text() == "linear is fitted in one step: there are no epochs to draw."
    assert curves.view.isHidden()
    np.testing.assert_array_equal(read(folder / "data" / "bold.nii.gz").load().data, volume.data)
    np.testing.assert_array_equal(read(folder / "data" / "mask.nii.gz").data, painted)
    written = pd.read_csv(folder / "data" / "volumes.tsv", sep="\t")
    assert written["label"].tolist() == table["label"].tolist()
    recipe = load_recipe(folder / "recipe.toml")
    assert recipe.data.images == ("data/bold.nii.gz",), "a run folder can be moved"
    assert session.state.results.result.prepared.samples.space.n_features == 6 * 8 * 4
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
    dock.decoder.update({"name": "linear", "C": 0.1})
    dock.training.update({"threads": 1})
    dock.runs_folder.value = tmp_path / "runs"
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    assert (dock.folder / "predictions.tsv").read_text() == replayed(dock.folder, tmp_path / "again")[0]
    recipe = load_recipe(dock.folder / "recipe.toml")
    assert recipe.prepare.detrend is False, "maps are not a time series"
    (predictions,) = result_layers(viewer)
    assert predictions.data.shape[0] == 32
    assert tuple(predictions.axis_labels) == ("volume", "z", "y", "x")
    assert predictions.data_to_world((9, 0, 0, 0))[0] == 9, "positions in the stack of maps"
    assert predictions.features["true"].tolist() == table["label"][::2].tolist()


def test_curves_show_one_network_when_others_are_compared(qtbot: Any) -> None:
    view = RunView(ProgressLine())
    qtbot.addWidget(view)
    view.start()
    part = Quality(1.0, 0.5)
    for _ in ("the network", "a compared one"):
        for fold in (1, 0):
            view.on_event(FoldStarted(fold, 2, f"run {fold}"))
            view.on_event(FitStarted(1, 1, 10, part, part))
            view.on_event(EpochDone(1, part, part))
            view.on_event(FoldDone(cast("FoldResult", None)))
    assert view.curves.table()["fold"].tolist() == ["run 1", "run 1", "run 0", "run 0"]
    assert len(view.curves.mean()) == 2


def test_the_next_run_can_start_right_after_stop(
    dock: TrainDock, qtbot: Any, notified: list[Any], steps: list[int]
) -> None:
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 100_000})
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 3)
    job = dock.job
    assert job is not None
    dock.stop_button.native.click()
    then = len(steps)
    assert dock.train_button.enabled
    assert not dock.stop_button.enabled
    assert dock.line.text.text() == "Stopped: Fold 0 (1 of 4), run 1. Resume continues from there."
    assert dock.result.isVisible()
    assert "part of the run" in dock.result.text()
    qtbot.waitUntil(lambda: not job.running)
    assert len(steps) - then <= 1, "the current batch is the last"
    assert dock.session.state.results.result is None
    assert not result_layers(dock.viewer)
    dock.decoder.update({"name": "linear", "C": 0.1})
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert dock.session.state.results.result is not None
    assert "Stopped" not in dock.result.text()
    assert not notified


def test_a_stopped_run_resumes_with_the_completed_folds(
    dock: TrainDock, qtbot: Any, tmp_path: Path, notified: list[Any]
) -> None:
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 40})
    assert not dock.resume_button.enabled
    dock.train_button.native.click()
    folder = dock.runs.running.folder
    qtbot.waitUntil(lambda: len(list((folder / "tasks").glob("fold*"))) > 0)
    dock.stop_button.native.click()
    assert "Resume continues" in dock.line.text.text()
    dock.runs.stopped = None  # as if napari was closed in the meantime
    qtbot.waitUntil(lambda: not dock.runs.ending)
    dock.with_data.value = False
    dock.open_recipe(folder / "recipe.toml")
    before = {path: path.stat().st_mtime_ns for path in (folder / "tasks").glob("fold*")}
    assert len(before) < 4
    qtbot.waitUntil(lambda: dock.resume_button.enabled)
    dock.resume_button.native.click()
    assert not dock.resume_button.enabled
    wait(dock, qtbot)
    assert dock.folder == folder
    assert not dock.resume_button.enabled
    assert not notified
    assert {path: path.stat().st_mtime_ns for path in before} == before
    rows = dock.progress_view.curves.table().groupby("fold").size().to_dict()
    assert rows == dict.fromkeys(["run 1", "run 2", "run 3", "run 4", "all samples"], 41), (
        "completed folds are drawn as well"
    )
    assert len(dock.progress_view.curves.mean()) == 41
    assert replayed(folder, tmp_path / "again") == [
        (folder / name).read_text() for name in ("predictions.tsv", "history.tsv")
    ]


def test_resume_shows_a_run_that_was_stopped_while_its_results_were_written(
    dock: TrainDock, qtbot: Any, notified: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on = threading.Event(), threading.Event()
    module = import_module("napari_fmri_decoder.pipeline.running")
    write_results = module.write_results

    def slowly(*args: Any, **named: Any) -> None:
        write_results(*args, **named)
        written.set()
        go_on.wait(HANG_S)

    monkeypatch.setattr(module, "write_results", slowly)
    dock.decoder.update({"name": "linear"})
    dock.train_button.native.click()
    qtbot.waitUntil(written.is_set)
    dock.stop_button.native.click()
    go_on.set()
    qtbot.waitUntil(lambda: dock.resume_button.enabled)
    dock.resume_button.native.click()
    qtbot.waitUntil(lambda: dock.job is None)
    assert not notified
    assert "Accuracy" in dock.result.text()
    assert dock.links.report.enabled


@pytest.mark.parametrize("place", ["serial", "subprocess"])
def test_a_diverged_run_is_reported_once_and_cannot_be_resumed(
    dock: TrainDock, qtbot: Any, notified: list[Any], place: str
) -> None:
    dock.location.place.value = place
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 100, "optimizer": "sgd", "learning_rate": 1e30})
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: dock.job is None)
    (message,) = notified
    assert "The loss must stay finite" in message.message
    assert dock.train_button.enabled
    assert not dock.resume_button.enabled
    dock.training.update({"epochs": 2, "learning_rate": 1e-3})
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: dock.job is None)
    assert "Accuracy" in dock.result.text()
    assert len(notified) == 1


def test_a_separate_process_trains_and_stops_like_a_thread(
    dock: TrainDock, qtbot: Any, notified: list[Any]
) -> None:
    dock.location.place.value = "subprocess"
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 100_000})
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 3)
    (child,) = (p for p in psutil.Process().children() if "pipeline.subprocess_run" in " ".join(p.cmdline()))
    dock.stop_button.native.click()
    assert "Resume continues" in dock.line.text.text()
    qtbot.waitUntil(lambda: dock.resume_button.enabled)
    assert not child.is_running()
    assert list((dock.runs.stopped.folder / "tasks").glob("checkpoint*"))
    assert not notified


def test_stop_also_ends_reading_a_slow_series(
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
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: dock.line.bar.value() > 0)
    job = dock.job
    assert job is not None
    assert dock.line.text.text() == "Reading and preparing…"
    qtbot.waitUntil(lambda: len(reads) == 3)
    dock.stop_button.native.click()
    may_read.release(1000)
    qtbot.waitUntil(lambda: not job.running)
    assert len(reads) <= 4, "of 64 volumes, the current one is the last"
    assert not list((tmp_path / "runs").iterdir())


def test_a_leaking_split_is_blocked_until_the_user_overrides_it(
    dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path
) -> None:
    dock.split.update({"scheme": "random"})
    dock.train_button.native.click()
    wait(dock, qtbot)
    (message,) = notified
    assert "[run-in-both-parts]" in str(message.message)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
    assert dock.tabs.currentIndex() == 1
    codes = list(dock.audit.overrides)
    assert codes == ["run-in-both-parts", "neighbours-across-split"]
    for box in dock.audit.overrides.values():
        box.value = True
    dock.train_button.native.click()
    wait(dock, qtbot)
    assert dock.folder is not None
    scores = json.loads((dock.folder / "scores.json").read_text())
    errors = [finding for finding in scores["audit"] if finding["severity"] == "error"]
    assert {finding["code"] for finding in errors} == set(codes)
    assert all(finding["allowed"] for finding in errors)


def test_check_shows_samples_and_estimate_and_leaves_no_files(
    dock: TrainDock, qtbot: Any, tmp_path: Path
) -> None:
    dock.split.update({"scheme": "random"})
    dock.check_button.native.click()
    wait(dock, qtbot)
    assert "64 samples of 2 classes, 1792 voxels, 1 fold." in dock.audit.summary.text()
    assert "run-in-both-parts" in dock.audit.overrides
    assert "blocked" in dock.line.text.text()
    assert not (tmp_path / "runs").exists()
    assert "3,586 parameters" in dock.estimate.summary.text()  # linear: (1792 + 1) * 2
    dock.split.update({"scheme": "leave-one-run-out"})
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 2})
    dock.check_button.native.click()
    wait(dock, qtbot)
    assert "4 folds" in dock.audit.summary.text()
    design = dock.audit.design.table()
    assert not dock.audit.design.isHidden()
    for i in range(4):
        assert set(design["run"][design[f"fold {i}"] == "held out"]) == {str(i + 1)}
        assert (design[f"fold {i}"] == "trained on").sum() == 48
    assert "Ready" in dock.line.text.text()
    assert "for 5 fits" in dock.estimate.summary.text()
    assert "conv1" in dock.estimate.table.text()
    assert "iB during training" in dock.estimate.summary.text()


def test_a_run_that_cannot_start_is_one_message_and_leaves_no_folder(
    dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path
) -> None:
    dock.split.update({"scheme": "explicit", "test": ["9"]})
    dock.train_button.native.click()
    wait(dock, qtbot)
    (message,) = notified
    assert "'9'" in str(message.message)
    assert "1, 2, 3, 4" in str(message.message)
    assert dock.train_button.enabled
    assert not list((tmp_path / "runs").iterdir())


def test_an_invalid_value_is_one_message_before_the_run_starts(dock: TrainDock, notified: list[Any]) -> None:
    dock.decoder.update(QUICK)
    dock.decoder.update({"filters": ["many"]})
    dock.train_button.native.click()
    (message,) = notified
    assert "Filters" in str(message.message)
    assert dock.message.text == str(message.message)
    assert dock.job is None


def test_forms_show_the_defaults_of_empty_options(dock: TrainDock) -> None:
    dock.decoder.name_.value = "mlp"
    numbers = {name: dock.training.widget(name).number for name in ("epochs", "learning_rate")}
    assert {name: number.value for name, number in numbers.items()} == {"epochs": 1000, "learning_rate": 0.1}
    assert numbers["epochs"].visible
    dock.decoder.name_.value = "linear"
    assert not dock.training.epochs.visible, "scikit-learn has no epochs"
    assert dock.training.epochs.value is None
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


def test_settings_are_sections_of_a_recipe(dock: TrainDock, tmp_path: Path) -> None:
    assert not dock.training.epochs.visible, "linear has no epochs"
    dock.decoder.name_.value = "mlp"
    dock.decoder.hidden.value = 7
    dock.training.epochs.value = 3
    dock.training.learning_rate.value = 1e-10
    dock.training.select.value = {"dropout": (0.1, 0.2)}
    dock.split.scheme.value = "group-k-fold"
    dock.split.n_splits.value = 2
    dock.preparation.detrend.value = False
    dock.permutation.permutations.value = 4
    settings = dock.settings()
    assert set(settings) == {"decoder", "training", "split", "prepare", "null", "baseline"}
    assert settings["decoder"]["name"] == "mlp"
    assert settings["training"]["learning_rate"] == 1e-10
    assert settings["training"]["select"] == {"dropout": [0.1, 0.2]}
    assert settings["null"] == {"permutations": 4, "compared": True}
    assert json.loads(json.dumps(settings)) == settings, "plain values"
    recipe = Recipe(data={"images": "bold.nii.gz"}, labels=TABLE, **settings)
    choices = dock.setup.choices(())
    for section in ("decoder", "training", "split", "prepare", "null", "baseline"):
        assert getattr(recipe, section) == getattr(choices, section), section
    assert parse_recipe(recipe.to_toml()) == recipe
    dock.decoder.update(name="linear")
    dock.decoder.update(settings["decoder"])
    dock.training.update(settings["training"])
    assert dock.settings() == settings

    dock.training.patience.value = 5  # without a validation set
    with pytest.raises(InputError, match="patience = 5 needs a validation set"):
        dock.settings()


def test_every_setting_is_reached_by_a_public_name(dock: TrainDock) -> None:
    assert dock.decoder.name_.value == dock.decoder.choice == "linear"
    assert dock.decoder.asdict()["name"] == "linear"
    for form, config in (
        (dock.training, TrainingConfig(threads=1)),
        (dock.split, SplitConfig()),
        (dock.preparation, PrepareConfig()),
        (dock.permutation, NullConfig()),
    ):
        assert form.asdict() == config.model_dump()
    with pytest.raises(ValueError, match="Epochs must be a whole number from 1"):
        dock.training.epochs.value = -1
    with pytest.raises(InputError, match="epoch"):
        dock.training.update(epoch=1)
    assert dock.training.epochs.value is None, "the dock stays as it was"


def test_a_script_trains_and_gets_the_result(dock: TrainDock, notified: list[Any], tmp_path: Path) -> None:
    prepared = dock.check()
    assert prepared is not None
    assert len(prepared.splits) == 4
    result = dock.run()
    assert result is not None
    assert result is dock.session.state.results.result
    assert result.folder == dock.folder
    assert result.folder.parent == tmp_path / "runs"
    assert dock.job is None
    assert "Accuracy" in dock.result.text()
    assert (result.folder / "predictions.tsv").read_text() == replayed(result.folder, tmp_path / "again")[0]
    assert not notified


def test_a_script_gets_the_sentence_that_the_dock_shows(viewer: Any, tmp_path: Path) -> None:
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    for start in (dock.run, dock.check):
        with pytest.raises(InputError) as caught:
            start()
        assert str(caught.value) == NO_SERIES == dock.line.text.text()
    with pytest.raises(InputError, match=r"^No run was stopped\.$"):
        dock.resume()
    with pytest.raises(InputError, match=r"^Nothing is running\.$"):
        dock.stop()
    volume, _ = series()
    dock.session.update(series=dock.session.add(volume))
    with pytest.raises(InputError, match=NO_LABELS):
        dock.run()
    with pytest.raises(InputError, match="not there"):
        dock.open_recipe(tmp_path / "not there.toml")
    assert not list(tmp_path.iterdir())


def test_a_script_gets_the_error_of_a_run(dock: TrainDock, notified: list[Any]) -> None:
    dock.split.scheme.value = "random"
    with pytest.raises(AuditError, match="run-in-both-parts"):
        dock.run()
    assert "blocked by the audit" in dock.line.text.text()
    assert len(notified) == 1
    dock.audit.overrides["run-in-both-parts"].value = True
    dock.audit.allow(list(dock.audit.overrides))
    assert dock.run() is not None
    assert len(notified) == 1


def test_a_script_stops_and_resumes(dock: TrainDock, qtbot: Any, notified: list[Any], tmp_path: Path) -> None:
    dock.decoder.update(QUICK)
    dock.training.epochs.value = 40
    assert dock.run(wait=False) is None
    with pytest.raises(InputError, match=r"^A job is running\."):
        dock.run()
    with pytest.raises(InputError, match=r"^A job is running\."):
        dock.open_recipe(tmp_path / "recipe.toml")
    qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 3)
    dock.stop()
    assert not dock.runs.ending, "it waits for the current step"
    result = dock.resume()
    assert result is not None
    assert len(dock.progress_view.curves.mean()) == 41

    QTimer.singleShot(0, lambda: qtbot.waitUntil(lambda: "epoch" in dock.line.text.text()) or dock.stop())
    dock.training.epochs.value = 100_000
    with pytest.raises(InputError, match="was stopped"):
        dock.run()
    assert not notified


def test_compared_decoders_of_a_recipe_can_be_unchecked(dock: TrainDock, tmp_path: Path, qtbot: Any) -> None:
    path = write_small(tmp_path)
    path.write_text(path.read_text() + '\n[[compare]]\ndecoder = {name = "mlp", hidden = 3}\n')
    dock.with_data.value = False
    dock.open_recipe(str(path))
    assert dock.compare.compare_1.text == "mlp, hidden = 3"
    qtbot.waitUntil(lambda: dock.compare.compare_1.visible)  # Qt shows a new child in the next turn
    assert [config.decoder.name for config in dock.setup.choices(()).compare] == ["mlp"]
    dock.compare.compare_1.value = False
    assert dock.setup.choices(()).compare == ()


def test_closing_the_window_during_training_stops_the_run(
    dock: TrainDock, qtbot: Any, steps: list[int]
) -> None:
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 100_000})
    dock.train_button.native.click()
    qtbot.waitUntil(lambda: len(dock.progress_view.curves.table()) > 2)
    job = dock.job
    assert job is not None
    dock.viewer.close()
    qtbot.waitUntil(lambda: job.stopping)
    then = len(steps)
    qtbot.waitUntil(lambda: not job.running)
    assert len(steps) - then <= 1, "the current batch is the last"


def test_time_left_is_estimated_from_the_speed_and_restarts_for_other_work() -> None:
    left = TimeLeft()
    assert [left.after(f, now) for f, now in ((0.0, 100), (0.1, 101), (0.25, 105), (0.5, 110))] == [
        "",
        "",  # too early to estimate
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
    dock.decoder.update(QUICK)
    dock.training.update({"epochs": 100_000})
    rng = np.random.default_rng(0)
    pressed: Counter[str] = Counter()
    begun: list[Path] = []

    def press(button: PushButton) -> None:
        """Wait until a button is enabled, as a user must, and press it."""
        qtbot.waitUntil(lambda: button.enabled)
        button.native.click()
        pressed[button.name] += 1
        assert not button.enabled, "the click had an effect"

    def start(button: PushButton, description: str) -> Path:
        press(button)
        assert dock.job is not None
        assert dock.job.description == description
        assert dock.runs.running is not None
        return dock.runs.running.folder

    def stop() -> None:
        job = dock.job
        assert job is not None
        press(dock.stop_button)
        assert job.stopping
        assert dock.job is None

    def trains() -> bool:
        assert dock.job is not None, dock.line.text.text()
        return len(dock.progress_view.curves.table()) > 1

    def pause() -> None:
        qtbot.wait(int(rng.integers(0, 200)))

    for i in range(50):
        begun.append(start(dock.train_button, "Training cnn2d"))
        qtbot.waitUntil(trains)
        stop()
        assert start(dock.resume_button, "Resuming cnn2d") == begun[-1]
        if i % 2:
            qtbot.waitUntil(trains)
        else:
            pause()
        stop()
        start(dock.train_button, "Training cnn2d")
        pause()
        stop()
    assert pressed == {"train_button": 100, "stop_button": 150, "resume_button": 50}
    assert len(set(begun)) == 50
    assert all(has_begun(folder) for folder in begun)
    qtbot.waitUntil(lambda: not dock.runs.ending)
    assert not notified, [str(n.message) for n in notified]
    dock.training.update({"epochs": 30})
    folder = start(dock.train_button, "Training cnn2d")
    wait(dock, qtbot)
    assert not notified, [str(n.message) for n in notified]
    assert dock.folder == folder
    assert dock.session.state.results.result.folder == folder
    assert replayed(folder, tmp_path / "again") == [
        (folder / name).read_text() for name in ("predictions.tsv", "history.tsv")
    ]


def test_a_widget_is_not_replaced_by_a_value(viewer: Any) -> None:
    dock = TrainDock(viewer)
    for name, value in (("decoder", "cnn2d"), ("use_slab", False), ("runs_folder", "x")):
        with pytest.raises(AttributeError, match=f"'{name}' is a widget"):
            setattr(dock, name, value)
    assert dock.decoder.value == "mlp"
