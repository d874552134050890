"""The baselines against scikit-learn itself."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from napari_fmri_decoder.decoders.linear import CANDIDATES, Dummy, Linear

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import EstimatorDecoder, Solution

Problem = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]


def problem(n_classes: int, seed: int = 0) -> Problem:
    """Noisy patterns in six runs of which each has its own offset."""
    rng = np.random.default_rng(seed)
    y = np.tile(np.arange(n_classes), 8 * 6)
    runs = np.repeat(np.arange(6), 8 * n_classes)
    patterns = rng.normal(size=(n_classes, 20)) * 0.6
    X = patterns[y] + rng.normal(size=(6, 20))[runs] * 0.5 + rng.normal(size=(len(y), 20))
    return StandardScaler().fit_transform(X), y, runs.astype(str)


def run(
    decoder: EstimatorDecoder, problem: Problem, n_classes: int, seed: int = 0
) -> tuple[Solution, list[float]]:
    X, y, runs = problem
    solving: Generator[float, None, Solution] = decoder.solve(X, y, n_classes, runs, seed)
    losses = []
    while True:
        try:
            losses.append(next(solving))
        except StopIteration as stop:
            return stop.value, losses


def probabilities(
    decoder: EstimatorDecoder, solution: Solution, X: NDArray[np.float64], n_classes: int
) -> NDArray[np.float32]:
    network = decoder.build((X.shape[1],), n_classes)
    network.load_state_dict({name: torch.tensor(value) for name, value in solution.state.items()})
    with torch.no_grad():
        return network(torch.tensor(X, dtype=torch.float32)).softmax(dim=1).numpy()


@pytest.mark.parametrize("n_classes", [2, 4])
def test_logistic_has_the_probabilities_of_scikit_learn(n_classes: int) -> None:
    data = problem(n_classes)
    X, y, _ = data
    reference = LogisticRegression(C=0.1, max_iter=10_000, tol=1e-9).fit(X, y)
    decoder = Linear()
    solution, losses = run(decoder, data, n_classes)
    np.testing.assert_allclose(
        probabilities(decoder, solution, X, n_classes), reference.predict_proba(X), atol=1e-5
    )
    assert losses == [pytest.approx(log_loss(y, reference.predict_proba(X)))]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_svm_orders_classes_as_scikit_learn_does(n_classes: int) -> None:
    data = problem(n_classes)
    X, y, _ = data
    reference = LinearSVC(C=0.01, random_state=0).fit(X, y)
    decoder = Linear(loss="svm", C=0.01)
    solution, _ = run(decoder, data, n_classes)
    found = probabilities(decoder, solution, X, n_classes)
    np.testing.assert_array_equal(found.argmax(axis=1), reference.predict(X))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("loss", ["logistic", "svm"])
def test_nested_selects_the_c_of_a_grouped_grid_search(loss: str) -> None:
    data = problem(3, seed=4)
    X, y, runs = data
    logistic = loss == "logistic"
    model = LogisticRegression(max_iter=1000) if logistic else LinearSVC(max_iter=10_000, random_state=0)
    search = GridSearchCV(model, {"C": CANDIDATES[loss]}, cv=GroupKFold(5)).fit(X, y, groups=runs)
    # GroupKFold puts six runs into folds of unequal sizes, so compare by counts, as the decoder does.
    sizes = np.array([len(test) for _, test in GroupKFold(5).split(X, y, runs)])
    folds = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(5)])
    best = CANDIDATES[loss][int(np.argmax(np.round(sizes @ folds)))]

    decoder = Linear(loss=loss, C="nested")
    solution, losses = run(decoder, data, 3)
    assert f"C = {best:g}, selected" in solution.notes[0]
    assert len(losses) == decoder.steps(runs) == 5 * len(CANDIDATES[loss]) + 1
    fixed, _ = run(Linear(loss=loss, C=best), data, 3)
    np.testing.assert_array_equal(solution.state["out.weight"], fixed.state["out.weight"])


def test_held_out_runs_do_not_help_to_predict_themselves() -> None:
    rng = np.random.default_rng(0)
    y, runs = np.tile([0, 1, 2, 3], 45), np.repeat(list("123456"), 30)
    X = StandardScaler().fit_transform(rng.normal(size=(180, 400)) + 0.25 * rng.normal(size=(4, 400))[y])
    _, losses = run(Linear(C="nested"), (X, y, runs), 4)
    ours = 1 - np.reshape(losses[:-1], (len(CANDIDATES["logistic"]), 5))
    for C, accuracy in zip(CANDIDATES["logistic"], ours, strict=True):
        for (train, test), found in zip(GroupKFold(5).split(X, y, runs), accuracy, strict=True):
            theirs = LogisticRegression(C=C, max_iter=10_000, tol=1e-8).fit(X[train], y[train])
            assert abs(theirs.score(X[test], y[test]) - found) <= 1.01 / len(test)


@pytest.mark.parametrize("loss", ["logistic", "svm"])
def test_nested_selects_from_the_given_values(loss: str) -> None:
    X, y, runs = problem(2, seed=6)
    given = (0.02, 0.0004, 0.3)
    model = LogisticRegression(max_iter=1000) if loss == "logistic" else LinearSVC(random_state=0)
    keep = np.isin(runs, ["0", "1", "2", "3", "4"])  # five runs: each is left out in turn
    search = GridSearchCV(model, {"C": sorted(given)}, cv=LeaveOneGroupOut())
    search.fit(X[keep], y[keep], groups=runs[keep])
    decoder = Linear(loss=loss, C="nested", candidates=given)
    solution, losses = run(decoder, (X[keep], y[keep], runs[keep]), 2)
    assert f"C = {search.best_params_['C']:g}, selected from 3 values by 5 folds" in solution.notes[0]
    assert len(losses) == decoder.steps(runs[keep]) == 16


def test_nested_reports_that_a_single_run_cannot_select() -> None:
    X, y, runs = problem(2)
    solution, losses = run(Linear(C="nested"), (X, y, np.zeros_like(runs)), 2)
    assert "single run" in solution.notes[0]
    assert len(losses) == Linear(C="nested").steps(np.zeros_like(runs)) == 1


@pytest.mark.parametrize("decoder", [Linear(), Linear(loss="svm"), Dummy()])
def test_a_class_without_training_samples_is_never_predicted(decoder: EstimatorDecoder) -> None:
    X, y, runs = problem(3)
    keep = y != 1
    solution, _ = run(decoder, (X[keep], y[keep], runs[keep]), 5)
    found = probabilities(decoder, solution, X, 5)
    assert (found[:, [1, 3, 4]] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_dummy_predicts_the_frequencies_of_its_training_part() -> None:
    X, y, runs = problem(3)
    keep = (y != 2) | (np.arange(len(y)) % 2 == 0)
    reference = DummyClassifier(strategy="prior").fit(X[keep], y[keep])
    solution, _ = run(Dummy(), (X[keep], y[keep], runs[keep]), 3)
    np.testing.assert_allclose(probabilities(Dummy(), solution, X, 3), reference.predict_proba(X), atol=1e-6)


def test_a_fit_that_does_not_converge_gives_a_note_and_no_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        Linear, "_estimator", lambda self, C, seed, balanced: LogisticRegression(C=C, max_iter=1)
    )
    solution, _ = run(Linear(C=100.0), problem(3), 3)
    assert "did not converge within 1 iterations" in solution.notes[0]
