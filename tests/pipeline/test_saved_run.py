"""A finished run comes back from its folder: with its images as it was after training, or without them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.saved_scores import read_scores, scores_from
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.pipeline import RunResult, finish, run
from napari_fmri_decoder.pipeline.moved_files import common_folder, missing_paths, moved_to
from napari_fmri_decoder.pipeline.reopening import reopen_steps
from napari_fmri_decoder.pipeline.run_files import check_run_folder, is_run_folder
from napari_fmri_decoder.pipeline.saved_run import read_saved_run
from napari_fmri_decoder.recipe import load_recipe, make_recipe, rebased

CNN = {"name": "cnn2d", "filters": [3, 4], "dense": [6]}
OLD = Path(__file__).parents[1] / "data" / "run-0.1" / "run"


def trained(folder: Path, **sections: Any) -> RunResult:
    """Train the small recipe, with other sections, into `folder/run`."""
    folder.mkdir(exist_ok=True)
    content = load_recipe(write_small(folder)).model_dump(mode="json", exclude_none=True)
    content |= {"training": {"epochs": 2, "threads": 1}, "report": {"figures": "none"}, **sections}
    return finish(run(make_recipe(content), folder, folder / "run"))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A network with a validation set, and a permutation test."""
    training = {"epochs": 2, "threads": 1, "validation": "runs", "validation_size": 0.3}
    folder = tmp_path_factory.mktemp("saved")
    return trained(folder, decoder=CNN, training=training, null={"permutations": 2})


def assert_same_scores(ours: Any, theirs: Any) -> None:
    assert ours.to_dict() == theirs.to_dict()


@pytest.mark.parametrize("tasks", [True, False], ids=["from tasks", "from tables"])
def test_a_reopened_run_is_as_after_training(result: RunResult, tmp_path: Path, tasks: bool) -> None:
    folder = Path(shutil.copytree(result.folder.parent, tmp_path / "copy")) / "run"
    if not tasks:
        shutil.rmtree(folder / "tasks")
    saved = read_saved_run(folder)
    again = run_to_end(reopen_steps(saved))
    assert_same_scores(again.scores, result.scores)
    np.testing.assert_array_equal(again.prepared.samples.X, result.prepared.samples.X)
    assert again.prepared.findings == result.prepared.findings
    assert again.prepared.notes == result.prepared.notes
    assert again.prepared.recipe == result.prepared.recipe
    assert again.model.decoder == result.model.decoder
    for name, value in result.model.state.items():
        np.testing.assert_array_equal(again.model.state[name], value)
    assert len(again.folds) == len(result.folds)
    close = {"rtol": 0, "atol": 0} if tasks else {"rtol": 1e-5, "atol": 1e-6}
    for ours, theirs in zip(again.folds, result.folds, strict=True):
        assert ours.split.name == theirs.split.name
        np.testing.assert_array_equal(ours.split.test, theirs.split.test)
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, **close)
        np.testing.assert_allclose(ours.train_probabilities, theirs.train_probabilities, rtol=1e-4, atol=1e-5)
        for name, value in theirs.model.state.items():
            np.testing.assert_array_equal(ours.model.state[name], value)
        assert [e.epoch for e in ours.history] == [e.epoch for e in theirs.history]
        for mine, other in zip(ours.history, theirs.history, strict=True):
            assert mine.train.loss == pytest.approx(other.train.loss, rel=1e-5)
            assert mine.watched is not None
            assert other.watched is not None
            assert mine.watched.loss == pytest.approx(other.watched.loss, rel=1e-5)
            assert (mine.validation is None) == (other.validation is None)
        assert ours.untrained_train is not None
        assert theirs.untrained_train is not None
        assert ours.untrained_train.loss == pytest.approx(theirs.untrained_train.loss, rel=1e-5)
    pd.testing.assert_frame_equal(again.history, result.history, rtol=1e-5)
    assert (again.permutations is None) == (not tasks)
    if again.permutations is not None and result.permutations is not None:
        np.testing.assert_array_equal(again.permutations.scores, result.permutations.scores)


def test_without_images_the_folder_still_has_scores_predictions_curves_and_layers(
    result: RunResult, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(result.folder, tmp_path / "elsewhere"))
    saved = read_saved_run(folder)
    assert_same_scores(saved.scores, result.scores)
    pd.testing.assert_frame_equal(saved.predictions, result.predictions, rtol=1e-5, check_dtype=False)
    pd.testing.assert_frame_equal(saved.history, result.history, rtol=1e-5)
    names = {path.name for path in saved.layers}
    assert names == {"mask.nii.gz", "cnn2d_conv1.nii.gz", "cnn2d_conv2.nii.gz"}
    assert all(Path(path).is_absolute() for path in saved.recipe.data.images)


def test_a_run_of_version_0_1_can_be_read(tmp_path: Path) -> None:
    saved = read_saved_run(Path(shutil.copytree(OLD, tmp_path / "old")))
    assert saved.scores.accuracy == json.loads((OLD / "scores.json").read_text())["accuracy"]
    assert len(saved.predictions) == 96
    assert saved.permutations is None or len(saved.permutations.scores) == 3


def test_other_labels_are_refused_and_named(result: RunResult, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(result.folder.parent, tmp_path / "copy")) / "run"
    table = folder.parent / "volumes.tsv"
    swapped = table.read_text().replace("open", "x").replace("closed", "open").replace("x", "closed")
    table.write_text(swapped)
    with pytest.raises(InputError, match="the labels of fold 0 differ"):
        run_to_end(reopen_steps(read_saved_run(folder)))


def test_scores_survive_their_file(result: RunResult) -> None:
    again = scores_from(json.loads(json.dumps(result.scores.to_dict())))
    assert_same_scores(again, result.scores)
    assert [asdict(f) for f in again.audit] == [asdict(f) for f in result.scores.audit]


@pytest.mark.parametrize(
    "damage",
    [
        lambda scores: scores.pop("classes"),
        lambda scores: scores.update(headline="luck"),
        lambda scores: scores.update(confusion=[[1]]),
        lambda scores: scores.update(folds=3),
        lambda scores: scores.update(audit=[{"code": "a", "severity": "fatal", "message": ""}]),
    ],
)
def test_damaged_scores_give_one_sentence(result: RunResult, tmp_path: Path, damage: Any) -> None:
    scores = json.loads((result.folder / "scores.json").read_text())
    damage(scores)
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    with pytest.raises(InputError, match=r"scores\.json must contain the scores of a run"):
        read_scores(tmp_path)


def test_damaged_tables_give_one_sentence(result: RunResult, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(result.folder, tmp_path / "run"))
    text = (folder / "predictions.tsv").read_text()
    (folder / "predictions.tsv").write_text(text.replace("p_open", "p_closed2"))
    with pytest.raises(InputError, match=r"predictions\.tsv .* no column p_open"):
        read_saved_run(folder)
    (folder / "predictions.tsv").write_text(text)
    titles = (folder / "history.tsv").read_text().splitlines()[0]
    (folder / "history.tsv").write_text(f"{titles}\nx\t1\t1\t1\t1\t1\n")
    with pytest.raises(InputError, match=r"history\.tsv"):
        read_saved_run(folder)


def test_a_folder_without_a_finished_run_is_refused(result: RunResult, tmp_path: Path) -> None:
    assert is_run_folder(result.folder)
    assert not is_run_folder(tmp_path)
    with pytest.raises(InputError, match=r"no recipe\.toml and no scores\.json"):
        check_run_folder(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        check_run_folder(tmp_path / "none")


@pytest.mark.parametrize("chosen", ["moved", "moved/study", "."])
def test_moved_images_are_found_below_the_chosen_folder(
    result: RunResult, tmp_path: Path, chosen: str
) -> None:
    study = tmp_path / "old" / "study"
    study.mkdir(parents=True)
    write_small(study)
    recipe = rebased(load_recipe(study / "recipe.toml"), study, None)
    assert missing_paths(recipe) == []
    (tmp_path / "moved").mkdir()
    shutil.move(study, tmp_path / "moved" / "study")
    missing = missing_paths(recipe)
    assert sorted(Path(path).name for path in missing) == ["small_bold.nii.gz", "volumes.tsv"]
    assert common_folder(missing) == study
    found = moved_to(recipe, tmp_path / chosen)
    if chosen == ".":  # too far above: only folders on the old path are tried
        assert missing_paths(found) == missing
        return
    assert missing_paths(found) == []
    assert Path(found.data.images[0]).is_relative_to(tmp_path / "moved" / "study")
    assert moved_to(found, tmp_path / "nowhere") == found, "files that are there keep their paths"
