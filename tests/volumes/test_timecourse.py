"""Time courses: scaling as in nilearn, and reading any voxel of any series."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nilearn.signal import clean

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes import timecourse
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.timecourse import is_quick, read_stepwise, read_voxel, rescale, voxel_at

SIGNAL = np.random.default_rng(0).normal(500, 20, 40)
RUNS = np.repeat([1, 2], 20)


@pytest.mark.parametrize(("scale", "theirs"), [("psc", "psc"), ("z", "zscore_sample")])
@pytest.mark.parametrize("runs", [None, RUNS])
@pytest.mark.parametrize("sign", [1, -1])
def test_scales_equal_those_of_nilearn(scale: Any, theirs: Any, runs: Any, sign: int):
    expected = clean(sign * SIGNAL[:, None], runs=runs, detrend=False, standardize=theirs)[:, 0]
    np.testing.assert_allclose(rescale(sign * SIGNAL, scale, groups=runs).values, expected, atol=1e-9)


def test_percent_signal_change_uses_the_baseline_of_each_run():
    values = [10.0, 20.0, 100.0, 150.0]
    found = rescale(values, "psc", baseline=[True, False, True, False], groups=["1", "1", "2", "2"])
    np.testing.assert_allclose(found.values, [0, 100, 0, 50])
    assert found.note == ""


def test_values_that_are_not_finite_are_excluded_from_the_mean():
    found = rescale([90.0, np.nan, 110.0, np.inf], "psc")
    np.testing.assert_allclose(found.values, [-10, np.nan, 10, np.nan])
    assert "2 volumes are not finite" in found.note
    np.testing.assert_array_equal(rescale([1.0, np.inf], "raw").values, [1, np.nan])


@pytest.mark.parametrize(
    ("values", "scale", "expected", "note"),
    [
        ([-1.0, 1.0], "psc", [np.nan, np.nan], "the mean is 0"),
        ([0.0, 0.0], "psc", [np.nan, np.nan], "the mean is 0"),
        ([7.0, 7.0], "psc", [0.0, 0.0], ""),
        ([7.0, 7.0], "z", [0.0, 0.0], "constant"),
        ([7.0], "z", [0.0], "constant"),
        ([np.nan, np.nan], "z", [np.nan, np.nan], "not finite"),
        ([], "z", [], ""),
    ],
)
def test_a_note_explains_why_a_voxel_cannot_be_scaled(values: Any, scale: Any, expected: Any, note: str):
    found = rescale(values, scale)
    np.testing.assert_array_equal(found.values, expected)
    assert note in found.note
    assert bool(note) == bool(found.note)


def test_a_run_without_baseline_has_no_percent_signal_change():
    found = rescale([1.0, 2.0, 3.0, 4.0], "psc", baseline=[True, False, False, False], groups=[1, 1, 2, 2])
    np.testing.assert_array_equal(found.values, [0, 100, np.nan, np.nan])
    assert "no baseline volume" in found.note


def test_wrong_lengths_and_unknown_scales_are_errors():
    with pytest.raises(InputError, match="one value per volume"):
        rescale([1.0, 2.0], "psc", baseline=[True])
    with pytest.raises(InputError, match="must be one of raw, psc, z"):
        rescale([1.0], "db")  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_voxel_has_the_same_values_read_at_once_and_stepwise(ending: str, tmp_path: Path):
    data = np.random.default_rng(1).integers(0, 1000, (4, 5, 6, 7)).astype(np.int16)
    affine = np.array([[0, -2.0, 0, 3], [2, 0, 0, -5], [0, 0, 3, 1], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(data, affine), tmp_path / f"bold{ending}")
    series = read(tmp_path / f"bold{ending}")
    assert is_quick(series) == (ending == ".nii")
    np.testing.assert_array_equal(read_voxel(series, (1, 2, 3)), data[1, 2, 3])
    one = np.zeros(7)
    assert list(read_stepwise(series, one, (1, 2, 3), start=2)) == [3, 4, 5, 6, 7]
    np.testing.assert_array_equal(one, [0, 0, *data[1, 2, 3, 2:]])
    whole = np.empty((7, 4, 5, 6), np.int16)
    assert list(read_stepwise(series, whole)) == list(range(1, 8))
    np.testing.assert_array_equal(np.moveaxis(whole, 0, -1), data)
    for voxel in ((0, 0, 0), (3, 4, 5), (1, 2, 3)):
        mm = nib.affines.apply_affine(affine, voxel)
        assert voxel_at(series, mm) == voxel
        assert voxel_at(series, mm + np.array([0.9, -0.9, 1.4])) == voxel
    assert voxel_at(series, nib.affines.apply_affine(affine, (-1, 0, 0))) is None
    assert voxel_at(series, nib.affines.apply_affine(affine, (0, 5, 0))) is None


def test_examples_in_docstrings():
    assert doctest.testmod(timecourse).failed == 0
