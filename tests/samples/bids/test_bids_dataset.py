"""Runs of a dataset, the files of each run, and missing files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from fmriprep_tree import MNI, WITHOUT_CONFOUNDS, WITHOUT_EVENTS, write_tree

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.dataset import bids_runs, one_space
from napari_fmri_decoder.samples.bids.names import raw_of, repetition_time


@pytest.fixture(scope="module")
def derivatives(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("bids [1]"))


def test_runs_of_fmriprep_have_all_their_files(derivatives):
    runs = bids_runs(derivatives)
    assert [(r.subject, r.session, r.run) for r in runs] == [
        (sub, ses, run) for sub in ("01", "02") for ses in "ab" for run in "12"
    ]
    assert {(r.task, r.space, r.preprocessed) for r in runs} == {("faces", "MNI152NLin2009cAsym:res-2", True)}
    first, root = runs[0], derivatives.parents[1]
    assert (
        first.bold
        == derivatives / f"sub-01/ses-a/func/sub-01_ses-a_task-faces_run-01_{MNI}_desc-preproc_bold.nii.gz"
    )
    assert first.events == root / "sub-01/ses-a/func/sub-01_ses-a_task-faces_run-01_events.tsv"
    assert first.confounds.name == "sub-01_ses-a_task-faces_run-01_desc-confounds_timeseries.tsv"
    assert first.mask.name == f"sub-01_ses-a_task-faces_run-01_{MNI}_desc-brain_mask.nii.gz"
    assert first.anatomy == derivatives / "sub-01/anat" / f"sub-01_{MNI}_desc-preproc_T1w.nii.gz"
    assert raw_of(derivatives) == [root]


def test_missing_files_are_listed_per_run(derivatives):
    missing = {r.bold.name.partition(f"_{MNI}")[0]: r.missing for r in bids_runs(derivatives) if r.missing}
    assert missing == {WITHOUT_EVENTS: ("events",), WITHOUT_CONFOUNDS: ("confounds",)}
    plain = next(r for r in bids_runs(derivatives) if r.missing).to_dict()
    assert plain["missing"] == ["confounds"]
    assert plain["confounds"] is None
    assert plain["bold"].endswith("_bold.nii.gz")


def test_filters_accept_prefixes_and_leading_zeros(derivatives):
    selected = bids_runs(derivatives, subjects=["sub-02"], sessions=["a"], tasks=["faces"], runs=["01"])
    assert [(r.subject, r.session, r.run) for r in selected] == [("02", "a", "1")]
    assert len(bids_runs(derivatives, runs=["2"], space="MNI152NLin2009cAsym")) == 4
    with pytest.raises(InputError, match=r"no subject '3'\. It has: '01', '02'"):
        bids_runs(derivatives, subjects=["3"])
    with pytest.raises(InputError, match=r"\(MNI152NLin2009cAsym:res-2\); got 'T1w'"):
        bids_runs(derivatives, space="T1w")


def test_a_raw_dataset_lists_both_and_preprocessed_files_are_selected(derivatives):
    runs = bids_runs(derivatives.parents[1])
    assert len(runs) == 16
    assert {r.space for r in runs if not r.preprocessed} == {"native"}
    assert all(r.preprocessed for r in one_space(runs))
    assert len(one_space(bids_runs(derivatives.parents[1], space="native"))) == 8


def test_several_spaces_are_an_error_until_one_is_selected(derivatives, tmp_path):
    copy = shutil.copytree(derivatives, tmp_path / "out")
    func = copy / "sub-01" / "ses-a" / "func"
    old = next(func.glob("*run-01*preproc_bold.nii.gz"))
    shutil.copy(old, func / old.name.replace(MNI, "space-T1w"))
    shutil.copy(
        old, func / old.name.replace(f"{MNI}_desc-preproc", "desc-confounds")
    )  # not an image to decode
    runs = bids_runs(copy)
    assert len(runs) == 9
    with pytest.raises(InputError, match=r"they are in MNI152NLin2009cAsym:res-2, T1w\."):
        one_space(runs)
    (native,) = bids_runs(copy, space="T1w")
    assert native.anatomy.name == "sub-01_desc-preproc_T1w.nii.gz"
    assert native.missing == ("events", "mask")  # the copy has no raw dataset


def test_a_folder_that_is_not_a_dataset_is_an_error(tmp_path):
    with pytest.raises(InputError, match="found no such file"):
        bids_runs(tmp_path)
    with pytest.raises(InputError, match="must be a folder"):
        bids_runs(tmp_path / "nowhere")


def test_the_tr_is_inherited_from_the_dataset(derivatives):
    bold = bids_runs(derivatives)[0].bold
    seconds, sidecar = repetition_time(bold)
    assert np.isclose(seconds, 2.0)
    assert sidecar == derivatives.parents[1] / "task-faces_bold.json"
