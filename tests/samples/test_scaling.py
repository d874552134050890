"""Voxel scaling, compared with the StandardScaler of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.scaling import fit_scaler, identity


def test_scaling_equals_that_of_standard_scaler():
    rng = np.random.default_rng(0)
    # more features than are fitted at a time, with a large mean as from a scanner
    X = (10_000 + rng.normal(0, rng.uniform(1, 50, 9000), (30, 9000))).astype(np.float32)
    theirs = StandardScaler().fit(X.astype(np.float64))
    ours = fit_scaler(X)
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-6)
    np.testing.assert_allclose(ours.std, theirs.scale_, rtol=1e-5)
    other = X[:5] + 3
    np.testing.assert_allclose(ours.apply(other), theirs.transform(other), atol=1e-2)
    assert ours.apply(X).dtype == np.float32


def test_the_test_set_does_not_influence_the_fit():
    X = np.array([[0.0], [2.0]], np.float32)
    assert fit_scaler(X).apply(np.array([[5.0], [100.0]], np.float32)).ravel().tolist() == [4.0, 99.0]


@pytest.mark.parametrize("value", [0.0, 0.1, 12345.678])
def test_constant_voxels_become_zero_not_nan(value):
    X = np.full((7, 3), value, np.float32)
    np.testing.assert_array_equal(fit_scaler(X).apply(X), 0)


def test_a_deviation_below_float32_is_replaced_by_one():
    X = np.array([[0.0], [1e-46]], np.float64)
    assert np.isfinite(fit_scaler(X).apply(X)).all()


def test_another_number_of_features_is_an_error():
    with pytest.raises(InputError, match=r"the 3 features .* got 4"):
        identity(3).apply(np.zeros((2, 4), np.float32))


def test_identity_changes_nothing():
    X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    np.testing.assert_array_equal(identity(5).apply(X), X)
