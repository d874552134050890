"""Copied projects and changed files: which files are read, and which notes are reported."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from two_runs import write_run, write_table
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.pipeline.predicting import predict
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.training.bundle.bundle import load_bundle, save_bundle
from napari_fmri_decoder.volumes.read import read, read_series

RECIPE = """
[data]
images = ["data/zeta.nii.gz", "data/alpha.nii.gz"]
[labels]
source = "table"
table = "data/volumes.tsv"
[decoder]
name = "linear"
"""
CHANGED = "zeta.nii.gz differs from the file that was used"


def write_study(folder: Path) -> Path:
    write_run(folder / "data" / "zeta.nii.gz", 1)
    write_run(folder / "data" / "alpha.nii.gz", 2)
    write_table(folder / "data" / "volumes.tsv", (1, 2))
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A study with one run in it; to be copied, not to be changed."""
    study = write_study(tmp_path_factory.mktemp("pc one") / "study")
    finish(run(load_recipe(study / "recipe.toml"), study, study / "runs" / "first"))
    return study


def prepared_of(folder: Path):
    return prepare_run(load_recipe(folder / "recipe.toml"), folder)


def test_a_copied_project_reads_its_own_data(made, tmp_path):
    here, old = tmp_path / "here", tmp_path / "old"
    shutil.copytree(made, here)
    shutil.copytree(made, old)
    write_run(old / "data" / "zeta.nii.gz", 3)
    prepared = prepared_of(here / "runs" / "first")
    assert all(Path(part.path).is_relative_to(here) for part in prepared.series.parts)
    assert not [note for note in prepared.notes if "differ" in note]
    np.testing.assert_array_equal(prepared.samples.X, prepared_of(made / "runs" / "first").samples.X)


def test_changed_data_are_reported(made, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(made, here)
    write_run(here / "data" / "zeta.nii.gz", 3)
    notes = prepared_of(here / "runs" / "first").notes
    assert [note for note in notes if CHANGED in note]
    assert not [note for note in notes if "alpha" in note]
    shown = CliRunner().invoke(app, ["train", str(here / "runs/first/recipe.toml"), "--dry-run"])
    assert CHANGED in shown.output
    assert not prepared_of(here).notes or CHANGED not in prepared_of(here).notes[0], "the study is no run"


def test_the_window_reports_changed_data(made, tmp_path):
    pytest.importorskip("napari")
    from napari_fmri_decoder._napari.results.session_from_recipe import read_recipe_data

    here = tmp_path / "here"
    shutil.copytree(made, here)
    write_run(here / "data" / "zeta.nii.gz", 3)
    recipe = rebased(load_recipe(here / "runs" / "first" / "recipe.toml"), here / "runs" / "first", None)
    found = read_recipe_data(recipe, lambda volume: volume, here / "runs" / "first")
    assert CHANGED in found.notes[0]
    assert not read_recipe_data(recipe, lambda volume: volume).notes


def test_a_moved_run_folder_finds_its_data_at_their_original_paths(made, tmp_path):
    alone = tmp_path / "deep" / "er" / "alone"
    shutil.copytree(made / "runs" / "first", alone)
    prepared = prepared_of(alone)
    assert Path(prepared.series.parts[0].path) == made / "data" / "zeta.nii.gz"
    assert [note for note in prepared.notes if "is missing at its path in the recipe" in note]


def test_other_files_at_the_same_relative_path_are_reported(made, tmp_path):
    other = write_study(tmp_path / "other")
    write_run(other / "data" / "zeta.nii.gz", 3)
    shutil.copytree(made / "runs" / "first", other / "runs" / "first")
    assert [note for note in prepared_of(other / "runs" / "first").notes if CHANGED in note]


def test_an_old_run_with_absolute_paths_opens_and_is_compared(made, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(made, here)
    folder = here / "runs" / "first"
    (folder / "inputs.json").unlink()
    text = rebased(load_recipe(folder / "recipe.toml"), folder, None).to_toml()
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    bundle = load_bundle(folder / "model.safetensors")
    hashes = {path.replace(str(made), str(here)): value for path, value in bundle.hashes.items()}
    save_bundle(replace(bundle, hashes=hashes), folder / "model.safetensors")
    assert not [note for note in prepared_of(folder).notes if "differ" in note]
    write_run(here / "data" / "zeta.nii.gz", 3)
    assert [note for note in prepared_of(folder).notes if CHANGED in note]


@pytest.mark.parametrize("content", ["", "[]", '{"sha256": 3}', '{"paths": {"a": 1}}', "{" * 9000, "\0"])
def test_an_invalid_record_is_ignored(made, tmp_path, content):
    here = tmp_path / "here"
    shutil.copytree(made, here)
    (here / "runs" / "first" / "inputs.json").write_text(content, encoding="utf-8")
    assert not [note for note in prepared_of(here / "runs" / "first").notes if "differ" in note]


def test_predicting_a_changed_training_scan_is_reported(made, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(made, here)
    model = here / "runs" / "first" / "model.safetensors"
    scan = here / "data" / "zeta.nii.gz"
    _, notes = predict(load_bundle(model), read(scan), home=model.parent)
    assert not [note for note in notes if "differ" in note]
    write_run(scan, 3)
    for home in (model.parent, model.parent / "folds"):
        _, notes = predict(load_bundle(model), read(scan), home=home)
        assert [note for note in notes if CHANGED.removesuffix(" when") in note]
    _, notes = predict(load_bundle(model), read_series([here / "data" / "alpha.nii.gz"]), home=model.parent)
    assert not [note for note in notes if "differ" in note]


def test_resuming_a_completed_run_at_a_new_path_changes_nothing(made, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(made, here)
    folder = here / "runs" / "first"
    before = json.loads((folder / "scores.json").read_text())["accuracy"]
    result = finish(run(load_recipe(here / "recipe.toml"), here, folder, resume=True))
    assert result.scores.accuracy == before
