"""A recipe for a dataset runs on the files in it, and reports problems before reading."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fmriprep_tree import write_tree
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.pipeline.dataset import found_in_dataset
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.samples.bids.dataset import bids_runs


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_tree(folder)
    return folder


def recipe(data=None, **more):
    return make_recipe(
        {
            "data": {"bids": "derivatives/fmriprep", "subjects": "01", **(data or {})},
            "labels": {"source": "events"},
            "decoder": {"name": "linear"},
            **more,
        }
    )


def test_a_run_from_a_dataset_and_again_from_its_own_recipe(root, tmp_path):
    asked = recipe(prepare={"confounds": ["motion"]}, training={"screening": 20, "balance": "weights"})
    result = finish(run(asked, root, tmp_path / "run"))
    resolved = load_recipe(tmp_path / "run" / "recipe.toml")
    assert len(resolved.data.images) == 4
    assert resolved.data.bids is None
    assert resolved.data.anatomy.endswith("_desc-preproc_T1w.nii.gz")
    assert result.prepared.samples.space.n_features == 4 * 5 * 3
    assert any("6 confounds were regressed out" in note for note in result.prepared.notes)
    assert result.model.screened.sum() == 20
    assert len(result.folds) == 4
    assert result.scores.score > 0.75  # planted: four standard deviations in two voxels
    again = prepare_run(resolved, tmp_path / "run")
    np.testing.assert_array_equal(again.samples.X, result.prepared.samples.X)


def test_note_on_subjects_in_their_own_spaces(root):
    _, notes = found_in_dataset(recipe({"bids": ".", "subjects": [], "sessions": ["a"]}), root)
    assert not any("own space" in note for note in notes)  # fMRIPrep's are there, in MNI space
    for folder, subjects, reported in (("raw", [], True), ("raw", ["01"], False)):
        (root / folder).mkdir(exist_ok=True)
        for name in ("sub-01", "sub-02"):
            if not (root / folder / name).exists():
                (root / folder / name).symlink_to(root / name)
        _, notes = found_in_dataset(recipe({"bids": folder, "subjects": subjects, "sessions": ["a"]}), root)
        assert any("each subject's own space (native)" in note for note in notes) == reported


def test_both_subjects_share_the_voxels_of_all_masks(root):
    found, notes = found_in_dataset(recipe({"subjects": [], "sessions": ["a"]}), root)
    assert len(found.data.images) == 4
    assert notes[0] == "Found 4 runs of 2 subject(s) in derivatives/fmriprep."
    prepared = prepare_run(recipe({"subjects": [], "sessions": ["a"]}), root)
    assert prepared.samples.space.n_features == 59  # sub-02 lacks one of sub-01's 60
    assert prepared.samples.table["subject"].unique().tolist() == ["01", "02"]
    assert found.data.anatomy is None


def test_error_names_runs_without_events_or_confounds(root):
    with pytest.raises(
        InputError, match="must have events, but 1 of 4 runs have none: sub-02_ses-b_task-faces_run-02"
    ):
        found_in_dataset(recipe({"subjects": "02"}), root)
    with pytest.raises(InputError, match="must have confounds, but 1 of 2 runs have none: sub-02_ses-a"):
        found_in_dataset(recipe({"subjects": "02", "sessions": "a"}, prepare={"confounds": ["motion"]}), root)


def test_a_recipe_has_either_images_or_a_dataset():
    with pytest.raises(InputError, match="give either images or bids"):
        recipe({"images": "x.nii"})
    with pytest.raises(InputError, match="subjects can only be used with a dataset"):
        make_recipe(
            {
                "data": {"images": "x.nii", "subjects": ["1"]},
                "labels": {"source": "events"},
                "decoder": {"name": "linear"},
            }
        )


def test_conflicting_tr_is_reported_and_can_be_set(root):
    sidecar = root / "task-faces_bold.json"
    before = sidecar.read_text()
    sidecar.write_text(json.dumps({"RepetitionTime": 2.5}))
    try:
        with pytest.raises(InputError, match=r"header of .* has 2 s and task-faces_bold.json has 2.5 s"):
            prepare_run(recipe(), root)
        prepared = prepare_run(recipe({"tr": 2.5}), root)
        assert prepared.series.step == 2.5
        # Events of 8 s hold three or four volumes of 2.5 s, where they held four of 2 s.
        counts = np.bincount(prepared.samples.table["block"])
        assert set(counts.tolist()) <= {2, 3, 4}
        assert counts.min() < 4
    finally:
        sidecar.write_text(before)


def test_links_whose_content_was_not_downloaded_are_marked_and_named(tmp_path):
    write_tree(tmp_path)
    out = tmp_path / "derivatives" / "fmriprep"
    (bold,) = out.glob("sub-01/ses-a/func/*run-01*_bold.nii.gz")
    (confounds,) = out.glob("sub-01/ses-a/func/*run-02*_timeseries.tsv")
    for path in (bold, confounds):
        path.unlink()
        path.symlink_to("../../.git/annex/objects/none")
    (out / "sub-01" / "ses-a" / "func" / f"._{bold.name}").touch()
    runs = bids_runs(out, subjects=["01"], sessions=["a"])
    assert [run.absent for run in runs] == [("bold",), ("confounds",)]
    assert runs[0].to_dict()["absent"] == ["bold"]
    shown = CliRunner().invoke(app, ["bids", str(out), "--subject", "01", "--session", "a"]).output
    assert "bold (content not downloaded)" in shown
    with pytest.raises(InputError, match="1 of 4 runs are links without content"):
        found_in_dataset(recipe(), tmp_path)
    asked = recipe({"sessions": "a", "runs": "2"}, prepare={"confounds": ["motion"]})
    with pytest.raises(InputError, match="link without its content"):
        prepare_run(asked, tmp_path)
