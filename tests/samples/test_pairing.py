"""Matching of files to images: by name, otherwise by order, never against the names."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.pairing import pair


def paired(images: list[str], files: list[str]) -> list[str]:
    found = pair([Path(i) for i in images], [Path(f) for f in files], "events file", "labels.events")
    return [str(path) for path in found]


@pytest.mark.parametrize(
    ("images", "files"),
    [
        (["pre.nii.gz", "post.nii.gz"], ["pre_events.tsv", "post_events.tsv"]),
        (["b.nii", "a.nii"], ["second.tsv", "first.tsv"]),
        (["run-1.nii.gz", "run-2.nii.gz"], ["c1.tsv", "c2.tsv"]),
        (["scan.nii", "scan2.nii"], ["x.tsv", "y.tsv"]),
        (["sub-1_run-1_bold.nii", "sub-1_run-2_bold.nii"], ["task-a_events.tsv", "task-a_events.tsv"]),
        (["sub-1_bold.nii", "sub-2_bold.nii"], ["design.tsv", "design.tsv"]),
        (["s1/bold.nii", "s2/bold.nii"], ["s1/events.tsv", "s2/events.tsv"]),
        (["sub-01_run-1_bold.nii"], ["sub-1_run-01_events.tsv"]),
        (["session_3.nii", "session_5.nii"], ["ev_1.tsv", "ev_2.tsv"]),
    ],
)
def test_lists_in_the_same_order_are_unchanged(images, files):
    assert paired(images, files) == files


@pytest.mark.parametrize(
    ("images", "files"),
    [
        (["pre.nii.gz", "post.nii.gz"], ["post_events.tsv", "pre_events.tsv"]),
        (["Pre_bold.nii", "Post_bold.nii"], ["events_post.tsv", "events_pre.tsv"]),
        (
            ["sub-1_run-1_bold.nii", "sub-1_run-2_bold.nii"],
            ["sub-1_run-02_events.tsv", "sub-1_run-01_events.tsv"],
        ),
        (["sub-a_bold.nii", "sub-b_bold.nii"], ["sub-b_desc-confounds.tsv", "sub-a_desc-confounds.tsv"]),
        (["run_1.nii", "run_2.nii"], ["rp_run2.txt", "rp_run1.txt"]),
        (
            ["sub-1_run-1_bold.nii", "sub-1_run-2_bold.nii"],
            ["sub-1_run-2_events.tsv", "sub-1_events.tsv"],
        ),
        (["G\u00e4nge.nii", "H\u00e4user.nii"], ["Ha\u0308user_events.tsv", "Ga\u0308nge_events.tsv"]),
        (["bold.nii", "bold_2.nii"], ["events_2.tsv", "events.tsv"]),
    ],
)
def test_names_that_match_one_to_one_take_precedence_over_order(images, files):
    assert paired(images, files) == files[::-1]


def test_many_runs_are_matched_in_any_order():
    images = [f"sub-{s}_run-{r}_bold.nii" for s in ("01", "02", "10") for r in range(1, 12)]
    files = [f"sub-{s}_task-x_run-{r:02d}_events.tsv" for r in range(11, 0, -1) for s in ("10", "01", "02")]
    for image, file in zip(images, paired(images, files), strict=True):
        subject, run = image.split("_")[:2]
        assert file == f"{subject}_task-x_run-{int(run[4:]):02d}_events.tsv"


@pytest.mark.parametrize(
    ("images", "files", "named"),
    [
        (["run-1.nii", "run-2.nii"], ["run-1.tsv", "run-3.tsv"], "run-3 is not run-2"),
        (["sub-01_run-2_bold.nii"], ["sub-01_run-3_events.tsv"], "run-3 is not run-2"),
        (["sub-01_bold.nii", "sub-02_bold.nii"], ["sub-01_events.tsv", "sub-01_events.tsv"], "sub-01"),
        (["sub-1_task-a_bold.nii"], ["sub-1_task-b_events.tsv"], "task-b is not task-a"),
        (["pre.nii", "post.nii"], ["post_events.tsv", "other.tsv"], "post.nii"),
        (["run1.nii", "run2.nii"], ["c2.tsv", "c1.tsv"], "run2.nii"),
        (["pre.nii", "post.nii"], ["posttest.tsv", "pretest.tsv"], "post.nii"),
    ],
)
def test_an_order_that_contradicts_the_names_is_an_error_on_one_line(images, files, named):
    with pytest.raises(InputError, match="events file") as caught:
        paired(images, files)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_error_for_a_wrong_number_of_files_has_both_numbers():
    with pytest.raises(InputError, match="found 1 for 2 images"):
        paired(["a.nii", "b.nii"], ["a.tsv"])
