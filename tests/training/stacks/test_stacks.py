"""Decoders at many centers at once predict what they predict at one center after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import EstimatorDecoder, get_decoder
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.stacks import can_stack, predict_stacked, predicting
from napari_fmri_decoder.training.stacks.stack import make_folds

Predicted = list[list[NDArray[np.int64]]]


def design(
    n_classes: int, per_class: int, n_folds: int, voxels: int = 60, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[Split]]:
    """Samples of blocks in random order, with folds of uneven classes."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(n_classes), per_class))
    X = 3 + rng.normal(size=(len(y), voxels)) + rng.normal(size=(n_classes, voxels))[y]
    runs = np.arange(len(y)) * n_folds // len(y)
    splits = [Split(f"run {r}", np.flatnonzero(runs != r), np.flatnonzero(runs == r)) for r in range(n_folds)]
    return X.astype(np.float32), y, splits


def centers(voxels: int, sizes: list[int], seed: int = 1) -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return [np.sort(rng.choice(voxels, size, replace=False)).astype(np.int32) for size in sizes]


def stacked(options: dict[str, Any], X: Any, y: Any, splits: Any, sets: Any) -> Predicted:
    """Predictions by center and fold."""
    found: Predicted = [[] for _ in sets]
    for numbers, predicted in predict_stacked(
        get_decoder(options), X, make_folds(X, y, y.max() + 1, splits), sets
    ):
        for i, center in enumerate(numbers):
            found[center] = [of_fold[i] for of_fold in predicted]
    return found


def one_by_one(options: dict[str, Any], X: Any, y: Any, splits: Any, sets: Any) -> Predicted:
    """The same by the decoder's own fit."""
    decoder, found = get_decoder(options), []
    assert isinstance(decoder, EstimatorDecoder)
    for features in sets:
        of_center = []
        for split in splits:
            scaler = fit_scaler(X[split.train][:, features])
            train, test = (
                scaler.apply(X[rows][:, features]).astype(float) for rows in (split.train, split.test)
            )
            runs = np.zeros(len(train), dtype=str)
            state = run_to_end(decoder.solve(train, y[split.train], y.max() + 1, runs, 0)).state
            of_center.append((test @ state["out.weight"].T.astype(float) + state["out.bias"]).argmax(axis=1))
        found.append(of_center)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"name": "lda"},
        {"name": "lda", "priors": "equal"},
        {"name": "lda", "shrinkage": 0.3},
        {"name": "lda", "shrinkage": 0.0},
        {"name": "linear", "C": 0.1},
        {"name": "linear", "C": 10.0},
        {"name": "prototype"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("n_classes", "per_class", "n_folds"), [(2, 12, 4), (4, 8, 4), (3, 45, 3)])
def test_predictions_are_those_of_one_fit_after_the_other(
    options: dict[str, Any], n_classes: int, per_class: int, n_folds: int
) -> None:
    X, y, splits = design(n_classes, per_class, n_folds)
    X[:, 5] = 7  # constant
    X[splits[0].train, 6] = 1  # constant in one training set
    sizes = [7, 33, 33, 60] if options["name"] == "prototype" else [1, 2, 7, 33, 33, 60]
    sets = [*centers(60, sizes), np.array([4, 5, 6, 9], dtype=np.int32)]
    expected = one_by_one(options, X, y, splits, sets)
    for found, wanted in zip(stacked(options, X, y, splits, sets), expected, strict=True):
        np.testing.assert_array_equal(np.concatenate(found), np.concatenate(wanted))


@pytest.mark.parametrize(
    ("options", "model"),
    [
        ({"name": "lda"}, LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        (
            {"name": "linear", "C": 1.0},
            make_pipeline(StandardScaler(), LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)),
        ),
    ],
    ids=["lda", "linear"],
)
def test_predictions_are_those_of_scikit_learn(options: dict[str, Any], model: Any) -> None:
    X, y, splits = design(5, 8, 4)
    sets = centers(60, [3, 20, 40, 40])
    for found, features in zip(stacked(options, X, y, splits, sets), sets, strict=True):
        for predicted, split in zip(found, splits, strict=True):
            model.fit(X[split.train][:, features].astype(float), y[split.train])
            expected = model.predict(X[split.test][:, features].astype(float))
            np.testing.assert_array_equal(predicted, expected)


def test_the_prototype_is_the_class_of_the_largest_correlation() -> None:
    X, y, splits = design(4, 8, 4)
    sets = centers(60, [12, 30])
    for found, features in zip(stacked({"name": "prototype"}, X, y, splits, sets), sets, strict=True):
        for predicted, split in zip(found, splits, strict=True):
            scaled = StandardScaler().fit(X[split.train][:, features])
            train, test = (scaled.transform(X[rows][:, features]) for rows in (split.train, split.test))
            means = np.stack([train[y[split.train] == k].mean(axis=0) for k in range(4)])
            correlations = np.corrcoef(test, means)[: len(test), len(test) :]
            np.testing.assert_array_equal(predicted, correlations.argmax(axis=1))


def test_a_class_that_is_missing_in_a_training_set_is_never_predicted() -> None:
    X, y, splits = design(3, 8, 4)
    without = [Split("no class 2", split.train[y[split.train] != 2], split.test) for split in splits]
    for options in ({"name": "lda"}, {"name": "linear"}, {"name": "prototype"}):
        for found in stacked(options, X, y, without, centers(60, [5, 20])):
            assert set(np.concatenate(found)) <= {0, 1}


def test_the_memory_of_a_stack_changes_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, splits = design(4, 8, 4)
    sets = centers(60, [4, 9, 9, 30, 31, 50])
    together = stacked({"name": "lda"}, X, y, splits, sets)
    monkeypatch.setattr(predicting, "BYTES_AT_ONCE", 1)
    for a, b in zip(together, stacked({"name": "lda"}, X, y, splits, sets), strict=True):
        np.testing.assert_array_equal(np.concatenate(a), np.concatenate(b))


@pytest.mark.parametrize(
    ("options", "possible"),
    [
        ({"name": "lda"}, True),
        ({"name": "linear"}, True),
        ({"name": "linear", "C": "nested"}, False),
        ({"name": "linear", "loss": "svm"}, False),
        ({"name": "mlp"}, False),
        ({"name": "dummy"}, False),
    ],
    ids=str,
)
def test_decoders_that_can_be_stacked(options: dict[str, Any], possible: bool) -> None:
    assert can_stack(get_decoder(options)) == possible
