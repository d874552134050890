"""Detrending and standardizing within runs, compared with nilearn and SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean
from scipy.signal import detrend as scipy_detrend
from scipy.stats import zscore

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.cleaning import clean_runs


def rows(runs: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"volume": range(len(runs)), "run": runs})
    return table.assign(subject="", session="", label="a")


def drifting(n: int, features: int = 7) -> np.ndarray:
    rng = np.random.default_rng(0)
    line = np.arange(n)[:, None] * rng.normal(0, 3, features)
    return (900 + line + rng.normal(0, 10, (n, features))).astype(np.float32)


def test_cleaning_equals_that_of_nilearn():
    table, X = rows(["1"] * 20 + ["2"] * 25), drifting(45)
    ours = clean_runs(X, table, detrend=True, standardize=True)
    theirs = clean(
        X.astype(float), runs=table["run"].to_numpy(), detrend=True, standardize="zscore_sample", filter=False
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert ours.dtype == np.float32


def test_runs_whose_names_are_not_sorted_keep_their_rows():
    # nilearn's `runs` returns the runs in the sorted order of their names
    table, X = rows(["10"] * 12 + ["2"] * 12), drifting(24)
    ours = clean_runs(X, table, detrend=True)
    for run in (slice(0, 12), slice(12, 24)):
        np.testing.assert_allclose(ours[run], scipy_detrend(X[run].astype(float), axis=0), atol=1e-3)


def test_centering_and_standardizing_without_detrending():
    table, X = rows(["1"] * 12 + ["2"] * 12), drifting(24)
    centred = clean_runs(X, table, center=True)
    np.testing.assert_allclose(centred[:12], X[:12] - X[:12].mean(axis=0, dtype=float), atol=1e-3)
    standardised = clean_runs(X, table, standardize=True)
    np.testing.assert_allclose(standardised[12:], zscore(X[12:].astype(float), ddof=1), atol=1e-5)


def test_interleaved_runs_can_be_standardized_but_not_detrended():
    table, X = rows(["1", "2"] * 10), drifting(20)
    ours = clean_runs(X, table, standardize=True)
    np.testing.assert_allclose(ours[::2], zscore(X[::2].astype(float), ddof=1), atol=1e-5)
    with pytest.raises(InputError, match="run '1' starts a second time at volume 2"):
        clean_runs(X, table, detrend=True)


def test_voxels_outside_the_brain_are_no_problem():
    X = np.zeros((20, 5), np.float32)
    np.testing.assert_array_equal(clean_runs(X, rows(["1"] * 20), detrend=True, standardize=True), 0)


@pytest.mark.parametrize("detrend", [True, False])
def test_a_constant_voxel_becomes_zero_and_not_amplified_rounding(detrend):
    X = drifting(40, 3)
    X[:, 1] = 1000 + np.arange(40) * 0.3 if detrend else 1234.5678  # constant except for the drift
    table = rows(["1"] * 40)
    ours = clean_runs(X, table, detrend=detrend, standardize=True)
    np.testing.assert_array_equal(ours[:, 1], 0)
    assert ours[:, 0].std() > 0.9


def test_error_names_the_run_that_is_too_short():
    table = rows(["1"] * 5 + ["2"])
    with pytest.raises(InputError, match=r"at least 2 volumes .* run '2' has 1"):
        clean_runs(drifting(6), table, standardize=True)


def test_without_options_the_values_are_unchanged():
    X = drifting(4)
    assert clean_runs(X, rows(["1"] * 4)) is X
