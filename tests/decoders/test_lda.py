"""`lda` against scikit-learn's LinearDiscriminantAnalysis."""

from __future__ import annotations

import tracemalloc
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss

from napari_fmri_decoder.decoders.lda import LDA, discriminants, ledoit_wolf_weight
from napari_fmri_decoder.decoders.one_layer import ABSENT
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.training.one_layer import layer_probabilities

Shrinkage = float | Literal["auto"]


def problem(n: int, features: int, n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Classes of different sizes, voxels of different scale; one of them constant."""
    rng = np.random.default_rng(n)
    y = rng.integers(0, n_classes, n)
    y[: 2 * n_classes] = np.tile(np.arange(n_classes), 2)
    X = rng.normal(size=(n, features)) + 0.4 * rng.normal(size=(n_classes, features))[y]
    X *= rng.uniform(0.1, 10, features)
    X[:, features // 2] = 3.0
    return X, y


@pytest.mark.parametrize(
    ("n", "features", "n_classes"), [(60, 20, 3), (60, 60, 3), (40, 200, 4), (88, 1000, 8), (24, 300, 2)]
)
@pytest.mark.parametrize("shrinkage", ["auto", 1e-3, 0.3, 1.0])
@pytest.mark.parametrize("equal", [False, True])
def test_logits_are_those_of_scikit_learn(
    n: int, features: int, n_classes: int, shrinkage: Shrinkage, equal: bool
) -> None:
    X, y = problem(n, features, n_classes)
    priors = np.full(n_classes, 1 / n_classes) if equal else None
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage, priors=priors).fit(X, y)
    coef, intercept = discriminants(X, y, shrinkage, equal_priors=equal)
    new = np.random.default_rng(1).normal(size=(30, features))
    logits = new @ coef.T + intercept
    expected = reference.decision_function(new)
    found = logits[:, 1] - logits[:, 0] if n_classes == 2 else logits
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize(("n", "features"), [(90, 12), (10, 50), (5, 1), (7, 7)])
def test_the_weight_of_the_diagonal_is_that_of_ledoit_and_wolf(n: int, features: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, features)) * np.linspace(0.5, 2, features)
    X -= X.mean(axis=0)
    assert ledoit_wolf_weight(X) == pytest.approx(ledoit_wolf_shrinkage(X, assume_centered=True), rel=1e-10)


def test_without_shrinkage_few_samples_get_the_pseudo_inverse() -> None:
    X, y = problem(30, 100, 3)
    coef, _ = discriminants(X, y, 0.0)
    means = np.stack([X[y == k].mean(axis=0) for k in range(3)])
    centered = X - means[y]
    inverse = np.linalg.pinv(centered.T @ centered / len(y), rcond=1e-10, hermitian=True)
    np.testing.assert_allclose(coef, means @ inverse, rtol=1e-6, atol=1e-8 * np.abs(coef).max())


@pytest.mark.parametrize("balanced", [False, True])
def test_the_stored_layer_has_the_probabilities_of_scikit_learn(balanced: bool) -> None:
    X, y = problem(48, 150, 3)
    solution = None
    solving = LDA().solve(X, y, 3, np.zeros(len(y), str), 0, balanced=balanced)
    losses = []
    while solution is None:
        try:
            losses.append(next(solving))
        except StopIteration as stop:
            solution = stop.value
    priors = np.full(3, 1 / 3) if balanced else None
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=priors).fit(X, y)
    expected = reference.predict_proba(X)
    found = layer_probabilities(solution.state, X.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert losses == [pytest.approx(log_loss(y, expected))]


def test_balanced_samples_and_equal_priors_are_the_same() -> None:
    X, y = problem(48, 150, 3)
    groups = np.zeros(len(y), str)
    one = run_to_end(LDA().solve(X, y, 3, groups, 0, balanced=True))
    other = run_to_end(LDA(priors="equal").solve(X, y, 3, groups, 0))
    for name, value in one.state.items():
        np.testing.assert_array_equal(value, other.state[name])


def test_classes_that_are_not_in_the_training_set_get_no_probability() -> None:
    X, y = problem(40, 100, 2)
    solution = run_to_end(LDA().solve(X, np.where(y == 0, 0, 2), 4, np.zeros(len(y), str), 0))
    assert (solution.state["out.bias"][[1, 3]] == ABSENT).all()
    probabilities = layer_probabilities(solution.state, X.astype(np.float32))
    assert probabilities is not None
    assert (probabilities[:, [1, 3]] == 0).all()


@pytest.mark.parametrize("n", [1, 5])
def test_one_class_and_one_sample_per_class_give_finite_weights(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 20))
    for y in (np.zeros(n, dtype=np.int64), np.arange(n)):
        coef, intercept = discriminants(X, y)
        assert np.isfinite(coef).all()
        assert np.isfinite(intercept).all()


def test_no_matrix_of_voxels_by_voxels_is_made() -> None:
    X, y = problem(40, 20_000, 4)
    tracemalloc.start()
    try:
        discriminants(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * X.nbytes, "the covariance would have 500 times as much"
