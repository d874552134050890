"""Our logistic regression has the minimum of scikit-learn's, whatever the shape of the samples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from napari_fmri_decoder.decoders.logistic import Logistic, span


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


def test_it_stops_where_scikit_learn_stops() -> None:
    X, y = samples(60, 400, 6)
    for C in (1e-2, 1.0):
        theirs = LogisticRegression(C=C, max_iter=1000).fit(X, y)
        ours = Logistic(C=C).fit(X, y)
        assert ours.n_iter_ == theirs.n_iter_[0]
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


def test_other_samples_are_predicted_from_their_coordinates() -> None:
    X, y = samples(40, 300, 4)
    found = span(X, 4, 3)
    assert found is not None
    others, _ = samples(20, 300, 4, seed=1)
    for C in (1e-3, 1e-2, 1e-1):
        ours = Logistic(C=C, tol=1e-8).fit(found.coordinates, y, found)
        np.testing.assert_array_equal(ours.predict(found.of(others)), reference(C).fit(X, y).predict(others))


@pytest.mark.parametrize("copies", [1, 3])
def test_samples_that_are_there_twice_or_all_the_same_voxel_cost_no_digit(copies: int) -> None:
    X, y = samples(20, 200, 2)
    X, y = np.repeat(X, copies, axis=0), np.repeat(y, copies)
    X[:, 5] = 7.0  # constant
    theirs = reference(0.05).fit(X, y)
    ours = Logistic(C=0.05, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_many_samples_of_few_voxels_are_left_as_they_are() -> None:
    assert span(np.ones((300, 20))) is None
    assert span(np.random.default_rng(0).normal(size=(2000, 2100))) is None, "the Gram matrix costs more"
