"""Runs from BIDS file names."""

from __future__ import annotations

import pytest

from napari_fmri_decoder.samples.bids.names import run_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sub-1_task-objectviewing_run-03_bold.nii.gz", ("1", "", "3")),
        ("/data/sub-01/ses-b/func/sub-01_ses-b_task-x_run-10_bold.nii", ("01", "b", "10")),
        ("sub-01_task-rest_bold.nii.gz", ("01", "", "1")),
        ("sub-01_run-0_bold.nii.gz", ("01", "", "0")),
        ("my.scan.nii.gz", ("", "", "my.scan")),
        ("7.nii", ("", "", "7")),
    ],
)
def test_subject_session_and_run_of_a_file(name, expected):
    assert run_of(name) == expected
