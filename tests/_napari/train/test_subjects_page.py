"""All subjects of a BIDS folder from the Train dock: the runs and the group of the command, in a table."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fmriprep_tree import write_tree
from qtpy.QtCore import Qt
from typer.testing import CliRunner

from napari_fmri_decoder._napari.labels.dock import LabelsDock
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.train.reasons import BUSY, READY, STOP_SUBJECTS, SUBJECTS_RUN
from napari_fmri_decoder._napari.viewer.bids_selection import NOT_BIDS, NOT_FOR_ALL, run_filters
from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.group import group_sentences
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS, marked, run_headline
from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.samples.bids.dataset import bids_runs
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.samples.masks import parse_mask
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

N, TR = 24, 2.0
GROUP = ["subject", "score", "linear", "p", "permutations", "null_mean", "n_samples", "n_folds"]


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the figures of the reports, which take longer than these runs."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three phantoms as a raw dataset: two runs each, and no events of the second."""
    root, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "phantoms", "BIDSVersion": "1.8.0"}))
    events = pd.DataFrame({"onset": np.arange(0, 48, 8), "duration": 8.0})
    events["trial_type"] = ["open", "closed"] * 3
    labels = np.repeat(events["trial_type"], 4).to_numpy()
    affine = np.diag([3.0, 3, 3, 1])
    for sub in ("01", "02", "03"):
        for run in ("1", "2"):
            stem = root / f"sub-{sub}" / "func" / f"sub-{sub}_task-eyes_run-{run}"
            data = rng.normal(100, 2, (6, 7, 5, N))
            data[2, 2:4, 2] += (2 if sub == "01" else 8) * (labels == "open")
            write(Volume(data.astype(np.float32), affine, "bold", TR), Path(f"{stem}_bold.nii.gz"))
            if sub != "02":
                events.to_csv(f"{stem}_events.tsv", sep="\t", index=False)
    return root


def open_subject(viewer: Any, folder: Path, subject: str = "01") -> LabelsDock:
    labels = LabelsDock(viewer)
    viewer.window.add_dock_widget(labels, name="Labels")
    labels.bids.folder.value = folder
    labels.bids.subject.value = subject
    labels.bids.open()
    return labels


@pytest.fixture
def labels(viewer: Any, study: Path) -> LabelsDock:
    """The Labels dock, with the runs of the first subject open."""
    return open_subject(viewer, study)


@pytest.fixture
def train(viewer: Any, tmp_path: Path) -> TrainDock:
    """The Train dock, set up for runs of less than a second."""
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train")
    dock.decoder.update({"name": "linear", "C": 0.1})
    dock.training.update({"threads": 1})
    dock.permutation.update({"permutations": 3})
    dock.baseline.update({"models": ["linear"]})
    dock.runs_folder.value = tmp_path / "runs"
    return dock


def contents(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "group.tsv", sep="\t")[GROUP]


def test_table_and_group_are_those_of_the_command(
    labels: LabelsDock, train: TrainDock, tmp_path: Path, qtbot: Any, viewer: Any
) -> None:
    subjects = train.subjects
    assert subjects.run_button.enabled, subjects.about.text()
    group = subjects.run()
    folder = subjects.folder
    assert group is not None
    assert folder is not None
    assert folder.parent == tmp_path / "runs"
    assert [row[:2] for row in subjects.table.texts()] == [
        ["sub-01", "done"],
        ["sub-02", "skipped"],
        ["sub-03", "done"],
    ]
    assert subjects.table.texts()[1][2:4] == ["", ""]
    why = subjects.table.texts()[1][4]
    assert why.startswith("Every run must have events, but 2 of 2 runs have none")
    assert "fmri-decoder" not in why, "no commands in the window"

    recipe = load_recipe(folder / "recipe.toml")
    for name, values in train.settings().items():
        assert getattr(recipe, name).model_dump(mode="json", exclude_none=True) == values, name

    again = tmp_path / "again"
    told = CliRunner().invoke(
        app, ["subjects", str(folder / "recipe.toml"), "--out", str(again), "--cluster", "serial"]
    )
    assert told.exit_code == 0, told.output
    pd.testing.assert_frame_equal(contents(folder), contents(again))
    ours, theirs = (json.loads((one / "group.json").read_text()) for one in (folder, again))
    for row in (*ours["subjects"], *theirs["subjects"]):
        row.pop("folder")
    assert ours == theirs
    for sentence in group_sentences(group):
        assert sentence in told.output, "the command prints the sentences of the group"
        assert escape(sentence) in subjects.result.text(), "and so does the section"
    for i, name in ((0, "sub-01"), (2, "sub-03")):
        scores = read_scores(again / name)
        assert scores.permutation is not None
        assert subjects.table.texts()[i][2:4] == [f"{scores.score:.3f}", f"{scores.permutation.p:.3f}"]
        item = subjects.table.item(i, 2)
        assert item is not None
        assert run_headline(scores).html in item.toolTip()

    subjects.table.doubleClicked.emit(subjects.table.model().index(2, 0))
    qtbot.waitUntil(lambda: train.session.state.results.result is not None)
    assert train.session.state.results.result.folder == folder / "sub-03"
    assert subjects.run_button.enabled, "the opened subject belongs to the same selection"
    assert subjects.table.rowCount() == 3
    assert subjects.open("sub-02") is None


def test_stop_within_a_subject_and_resume_in_the_same_folder(
    labels: LabelsDock, train: TrainDock, qtbot: Any, tmp_path: Path
) -> None:
    train.decoder.update({"name": "mlp", "hidden": 4})
    train.training.update({"epochs": 3})
    subjects = train.subjects
    assert not subjects.stop_button.enabled
    with pytest.raises(InputError, match="Nothing is running"):
        subjects.stop()

    class Stopper:
        """Stops in the first batch after the first subject, from the thread of the window."""

        stopped = False

        def __call__(self) -> None:
            states = [row.state for row in subjects.runs.rows]
            if states[2:] == ["running"] and not self.stopped:
                self.stopped = True
                assert not train.train_button.enabled, "one job at a time"
                assert BUSY in train.train_button.tooltip
                assert STOP_SUBJECTS in train.stop_button.tooltip
                assert train.line.text.text() == SUBJECTS_RUN
                subjects.stop_button.native.click()

    stopper = Stopper()
    subjects.runs.changed.connect(stopper)
    subjects.run(wait=False)
    with pytest.raises(InputError, match="A job is running"):
        train.run()
    qtbot.waitUntil(lambda: subjects.runs.job is None)
    subjects.runs.changed.disconnect(stopper)
    folder = subjects.folder
    assert stopper.stopped
    assert folder is not None
    assert [row[1] for row in subjects.table.texts()] == ["done", "skipped", "stopped"]
    assert train.line.text.text() == READY
    assert not (folder / "group.json").exists()
    assert not (folder / "sub-03" / "scores.json").exists()
    written = (folder / "sub-01" / "scores.json").stat().st_mtime_ns
    assert subjects.resume_button.enabled

    train.decoder.update({"name": "linear"})
    group = subjects.resume()
    assert subjects.folder == folder
    assert group is not None
    assert [row.subject for row in group.subjects] == ["01", "03"]
    assert (folder / "sub-01" / "scores.json").stat().st_mtime_ns == written, "it was not run again"
    assert [row[1] for row in subjects.table.texts()] == ["done", "skipped", "done"]
    assert read_scores(folder / "sub-03").score == group.subjects[1].score
    assert not subjects.resume_button.enabled
    assert "mlp" in (folder / "recipe.toml").read_text(), "with its original settings"


def test_the_reason_is_shown_when_subjects_cannot_be_run(
    viewer: Any, train: TrainDock, study: Path, tmp_path: Path
) -> None:
    subjects = train.subjects
    assert not subjects.run_button.enabled
    assert "BIDS folder" in subjects.about.text()
    labels = open_subject(viewer, study)
    session = train.session
    assert subjects.run_button.enabled
    session.update(mask_config=parse_mask({"strategy": "threshold", "above": 0}))
    assert subjects.run_button.enabled

    painted = Volume(np.ones(session.series.shape[:3], np.uint8), session.series.affine, "mask")
    session.update(mask=painted, mask_config=None)
    assert not subjects.run_button.enabled
    assert "painted on the image of one subject" in subjects.about.text()
    with pytest.raises(InputError, match="painted on the image of one subject"):
        subjects.run()
    session.update(mask=None)
    labels.source.update(PaintedLabels().painted(0, 9, "a").painted(10, 19, "b"))
    labels.apply()
    assert "painted spans, which belong to this subject" in subjects.about.text()
    labels.source.update({"source": "events", "events": ()})
    labels.apply()
    assert subjects.run_button.enabled
    alone = tmp_path / "alone_bold.nii.gz"
    write(session.series.load(), alone)
    viewer.open(str(alone), plugin="napari-fmri-decoder")
    session.update(series=viewer.layers[-1], table=session.state.labeling.table)
    assert subjects.about.text() == NOT_BIDS


def test_overridden_findings_are_marked_and_the_selection_is_that_of_labels(
    viewer: Any, train: TrainDock, tmp_path: Path
) -> None:
    labels = open_subject(viewer, write_tree(tmp_path / "study"))
    for row in (2, 3):  # the second session
        item = labels.bids.table.item(row, 0)
        assert item is not None
        item.setCheckState(Qt.CheckState.Unchecked)
    labels.bids.open()
    train.split.update({"scheme": "random", "test_size": 0.25})
    with pytest.raises(InputError, match=r"All 2 subjects failed.*on the page Check"):
        train.subjects.run()
    why = train.subjects.table.texts()[0][4]
    assert "[run-in-both-parts]" in why
    assert why.endswith("Errors of the audit can be overridden on the page Check.")
    assert train.subjects.message.text.endswith(why), "in the section, too, without a key of the recipe"
    train.audit.allow(("run-in-both-parts", "neighbours-across-split"))
    group = train.subjects.run()
    assert group is not None
    assert [row.subject for row in group.subjects] == ["01", "02"]
    assert marked("The audit has errors that were overridden in: 01, 02.", "error") in (
        train.subjects.result.text()
    )
    for i in range(2):
        item = train.subjects.table.item(i, 2)
        assert item is not None
        assert item.background().color().name() == SEVERITY_MARKS["error"].background
        assert "run-in-both-parts" in item.toolTip()
    folder = train.subjects.folder
    assert folder is not None
    data = load_recipe(folder / "recipe.toml").data
    assert (data.sessions, data.runs, data.tasks) == (("a",), (), ("faces",))
    assert data.space == "MNI152NLin2009cAsym:res-2"
    assert data.mask is None, "each subject has its own brain masks"
    predictions = pd.read_csv(folder / "sub-02" / "predictions.tsv", sep="\t", dtype=str)
    assert set(predictions["session"]) == {"a"}


def test_selected_runs_become_sessions_and_runs(tmp_path: Path) -> None:
    write_tree(tmp_path)
    listed = [run for run in bids_runs(tmp_path, subjects=["02"]) if run.preprocessed]
    names = [(run.session, run.run) for run in listed]
    assert names == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert run_filters(listed, listed) == {}
    assert run_filters(listed, listed[:3]) == {}, "the last run has no events"
    assert run_filters(listed, listed[:2]) == {"sessions": ("a",)}
    assert run_filters(listed, [listed[0], listed[2]]) == {"runs": ("1",)}
    assert run_filters(listed, listed[1:2]) == {"sessions": ("a",), "runs": ("2",)}
    with pytest.raises(InputError, match=NOT_FOR_ALL[:40]):
        run_filters(listed, [listed[0], listed[3]])


def test_closing_the_dock_asks_while_subjects_run_and_stop_acts_within_a_fold(
    labels: LabelsDock, train: TrainDock, qtbot: Any
) -> None:
    train.decoder.update({"name": "mlp", "hidden": 4})
    train.training.update({"epochs": 100_000})
    subjects = train.subjects
    subjects.run(wait=False)
    qtbot.waitUntil(lambda: "sub-01: fold 0" in subjects.runs.progress.text)
    train.closing.ask()
    train.closing.stop.native.click()
    qtbot.waitUntil(lambda: subjects.runs.job is None)
    assert [row[1] for row in subjects.table.texts()] == ["stopped", "waiting", "waiting"]
    assert subjects.resume_button.enabled


@pytest.mark.slow
def test_workers_give_the_same_group(labels: LabelsDock, train: TrainDock) -> None:
    alone = train.subjects.run()
    states: list[list[str]] = []
    train.subjects.runs.changed.connect(
        lambda: states.append([row.state for row in train.subjects.runs.rows])
    )
    train.location.place.value = "local"
    train.location.processes.value = 2
    group = train.subjects.run()
    assert alone is not None
    assert group is not None
    assert ["queued"] * 3 in states
    assert [row.score for row in group.subjects] == [row.score for row in alone.subjects]
    assert [row[1] for row in train.subjects.table.texts()] == ["done", "skipped", "done"]
