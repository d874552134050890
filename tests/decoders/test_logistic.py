"""Our logistic regression has the minimum of scikit-learn's, whatever the shape of the samples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from napari_fmri_decoder.decoders.logistic import Logistic, coordinates


def samples(
    n: int, features: int, classes: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return 0.3 * rng.normal(size=(classes, features))[y] + rng.normal(size=(n, features)), y


def reference(C: float, balanced: bool = False) -> LogisticRegression:
    weight = "balanced" if balanced else None
    return LogisticRegression(C=C, class_weight=weight, tol=1e-9, max_iter=100_000)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize(("n", "features"), [(40, 300), (40, 41), (60, 8), (12, 12)])
@pytest.mark.parametrize("C", [1e-3, 0.1, 1.0])
def test_it_comes_to_the_probabilities_of_scikit_learn(n: int, features: int, classes: int, C: float) -> None:
    X, y = samples(n, features, classes)
    theirs = reference(C).fit(X, y)
    ours = Logistic(C=C, tol=1e-8).fit(X, y)
    ours_logits, their_logits = ours.decision_function(X), theirs.decision_function(X)
    if classes > 2:  # a number that is added to the logits of all classes says nothing
        ours_logits = ours_logits - ours_logits.mean(axis=1, keepdims=True)
        their_logits = their_logits - their_logits.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(ours_logits, their_logits, atol=2e-4)
    assert ours.coef_.shape == theirs.coef_.shape


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_that_count_alike_are_scikit_learns_balanced_ones(classes: int) -> None:
    X, y = samples(60, 200, classes)
    keep = (y > 0) | (np.arange(60) % 4 == 0)
    theirs = reference(0.1, balanced=True).fit(X[keep], y[keep])
    ours = Logistic(C=0.1, balanced=True, tol=1e-8).fit(X[keep], y[keep])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize(("n", "features"), [(60, 400), (200, 30)])
def test_it_converges_in_few_steps_however_strong_the_penalty(n: int, features: int) -> None:
    X, y = samples(n, features, 6)
    for C in (1e-4, 1e-2, 1.0, 100.0):
        assert Logistic(C=C).fit(X * 10, y).n_iter_ <= 150


def test_a_fit_that_starts_elsewhere_ends_in_the_same_minimum() -> None:
    X, y = samples(60, 200, 4)
    along = coordinates(X)
    start = Logistic(C=0.01).fit_along(along.values, along.squares, y)
    inside = np.arange(60) % 5 > 0
    fits = [
        Logistic(C=0.1).fit_along(along.values[inside], along.squares, y[inside], first)
        for first in (None, start)
    ]
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, atol=1e-4)
    theirs = reference(0.1).fit(X[inside], y[inside])
    found = fits[1].predict(along.values[~inside])
    np.testing.assert_array_equal(found, theirs.predict(X[~inside]))


def test_a_start_with_other_classes_is_not_used() -> None:
    X, y = samples(60, 200, 4)
    along = coordinates(X)
    start = Logistic(C=0.1).fit_along(along.values, along.squares, y)
    keep = y < 3
    ours = Logistic(C=0.1).fit_along(along.values[keep], along.squares, y[keep], start)
    np.testing.assert_array_equal(ours.classes_, [0, 1, 2])
    np.testing.assert_array_equal(ours.predict(along.values), reference(0.1).fit(X[keep], y[keep]).predict(X))


@pytest.mark.parametrize("copies", [1, 3])
def test_samples_that_are_there_twice_or_all_the_same_voxel_cost_no_digit(copies: int) -> None:
    X, y = samples(20, 200, 2)
    X, y = np.repeat(X, copies, axis=0), np.repeat(y, copies)
    X[:, 5] = 7.0  # constant
    theirs = reference(0.05).fit(X, y)
    ours = Logistic(C=0.05, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("shape", [(30, 100), (100, 30), (20, 20)])
def test_coordinates_keep_inner_products_and_their_axes_are_orthogonal(shape: tuple[int, int]) -> None:
    X = np.random.default_rng(0).normal(size=shape)
    X[3] = X[4]
    found = coordinates(X)
    np.testing.assert_allclose(found.values @ found.values.T, X @ X.T, atol=1e-9 * shape[1])
    np.testing.assert_allclose(found.values.T @ found.values, np.diag(found.squares), atol=1e-9 * shape[1])
    weights = np.random.default_rng(1).normal(size=(2, found.values.shape[1]))
    np.testing.assert_allclose(X @ found.voxels(weights).T, found.values @ weights.T, atol=1e-9 * shape[1])
