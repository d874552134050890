"""Scores compared with scikit-learn and plain sums."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.headline import run_headline
from napari_fmri_decoder.evaluation.saved_scores import scores_from
from napari_fmri_decoder.evaluation.scores import Permutation, score_folds
from napari_fmri_decoder.samples.audit import Finding
from napari_fmri_decoder.samples.splits import Split

KEYS = {
    "accuracy",
    "balanced_accuracy",
    "loss",
    "accuracy_per_fold",
    "train_accuracy",
    "chance",
    "n_samples",
    "n_classes",
    "classes",
    "baseline",
    "permutation",
    "audit",
    "seconds",
}
"""Required keys of scores.json."""


def test_scores_are_those_of_scikit_learn() -> None:
    samples = make_samples(extra=2)
    splits = leave_one_run_out(samples)
    results = random_results(samples, splits, right=1.0)
    scores = score_folds(results, samples)
    labels = samples.table["label"].to_numpy()
    classes = np.array(samples.classes)
    truth = np.concatenate([labels[r.split.test] for r in results])
    predicted = np.concatenate([classes[r.probabilities.argmax(1)] for r in results])
    per_fold = [accuracy_score(labels[r.split.test], classes[r.probabilities.argmax(1)]) for r in results]
    losses = [log_loss(labels[r.split.test], r.probabilities, labels=classes) for r in results]
    trains = [
        accuracy_score(labels[r.split.train], classes[r.train_probabilities.argmax(1)]) for r in results
    ]
    assert scores.accuracy == pytest.approx(np.mean(per_fold))
    assert [fold.accuracy for fold in scores.folds] == pytest.approx(per_fold)
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert scores.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert scores.train_accuracy == pytest.approx(np.mean(trains))
    np.testing.assert_array_equal(scores.confusion, confusion_matrix(truth, predicted, labels=classes))
    precision, recall, _, support = precision_recall_fscore_support(truth, predicted, labels=classes)
    assert [row.precision for row in scores.per_class] == pytest.approx(precision)
    assert [row.recall for row in scores.per_class] == pytest.approx(recall)
    assert [row.n for row in scores.per_class] == support.tolist()
    assert scores.train_confusion.sum() == sum(len(split.train) for split in splits)
    per_fold_balanced = [
        balanced_accuracy_score(labels[r.split.test], classes[r.probabilities.argmax(1)]) for r in results
    ]
    assert [fold.balanced_accuracy for fold in scores.folds] == pytest.approx(per_fold_balanced)


def test_the_headline_is_the_balanced_accuracy_if_classes_differ_in_size() -> None:
    even, uneven = make_samples(), make_samples(extra=1)
    of_even = score_folds(random_results(even, leave_one_run_out(even)), even)
    of_uneven = score_folds(random_results(uneven, leave_one_run_out(uneven), right=0.5), uneven)
    assert (of_even.headline, of_even.score) == ("accuracy", of_even.accuracy)
    assert (of_uneven.headline, of_uneven.score) == ("balanced_accuracy", of_uneven.balanced_accuracy)


def test_folds_count_equally_whatever_the_size_of_their_test_sets() -> None:
    samples = make_samples()
    n = len(samples.X)
    splits = [Split("few", np.arange(4, n), np.arange(4)), Split("many", np.arange(4), np.arange(4, n))]
    results = random_results(samples, splits)
    perfect = np.eye(3, dtype=np.float32)[samples.y]
    wrong = np.roll(perfect, 1, axis=1)
    results = [
        replace(results[0], probabilities=perfect[:4]),
        replace(results[1], probabilities=wrong[4:]),
    ]
    assert score_folds(results, samples).accuracy == 0.5


@pytest.mark.parametrize("extra", [0, 3])
def test_each_direction_of_cross_decoding_has_its_score(extra: int) -> None:
    samples = make_samples(extra=extra)
    splits = [
        replace(split, direction="a to b" if i % 3 else "b to a")
        for i, split in enumerate(leave_one_run_out(samples))
    ]
    results = random_results(samples, splits, right=1.0)
    scores = score_folds(results, samples)
    labels, classes = samples.table["label"].to_numpy(), np.array(samples.classes)
    for direction in ("a to b", "b to a"):
        own = [r for r in results if r.split.direction == direction]
        pairs = [(labels[r.split.test], classes[r.probabilities.argmax(1)]) for r in own]
        expected = np.mean([accuracy_score(*pair) for pair in pairs])
        if extra:
            expected = balanced_accuracy_score(*map(np.concatenate, zip(*pairs, strict=True)))
        assert scores.directions[direction] == pytest.approx(expected)
    assert f"a to b {scores.directions['a to b']:.3f}" in run_headline(scores).sentence
    assert scores_from(json.loads(json.dumps(scores.to_dict()))).directions == scores.directions


def test_scores_json_has_its_documented_keys() -> None:
    samples = make_samples()
    scores = score_folds(random_results(samples, leave_one_run_out(samples)), samples)
    scores = replace(
        scores,
        baseline={"dummy": 1 / 3, "linear": 0.5},
        permutation=Permutation(100, 0.0099, 0.34),
        audit=(Finding("same-run", "error", "A run is in both parts."),),
        seconds=12.5,
    )
    content = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert set(content) >= KEYS
    assert content["chance"] == pytest.approx(1 / 3)
    assert content["n_samples"] == 36
    assert content["n_classes"] == 3
    assert content["classes"] == ["cat", "dog", "owl"]
    assert len(content["accuracy_per_fold"]) == 4
    assert content["permutation"] == {"n": 100, "p": 0.0099, "mean": 0.34}
    assert content["untrained"]["test"] == {
        "loss": pytest.approx(np.log(3)),
        "accuracy": pytest.approx(1 / 3),
    }
    (finding,) = content["audit"]
    assert (finding["code"], finding["severity"]) == ("same-run", "error")
    assert finding["message"] == "A run is in both parts."
    assert (
        score_folds(random_results(samples, leave_one_run_out(samples)), samples).to_dict()["permutation"]
        is None
    )


def test_nan_becomes_null_instead_of_invalid_json() -> None:
    samples = make_samples()
    results = [
        replace(result, test=replace(result.test, loss=float("nan")), untrained_test=None)
        for result in random_results(samples, leave_one_run_out(samples))
    ]
    content = score_folds(results, samples).to_dict()
    assert content["loss"] is None
    assert content["untrained"] is None
    json.dumps(content, allow_nan=False)


def test_a_class_never_predicted_has_no_precision() -> None:
    samples = make_samples()
    only_cats = np.zeros((9, 3), dtype=np.float32)
    only_cats[:, 0] = 1
    results = [
        replace(result, probabilities=only_cats)
        for result in random_results(samples, leave_one_run_out(samples))
    ]
    rows = score_folds(results, samples).per_class
    assert [row.precision for row in rows] == [pytest.approx(1 / 3), None, None]
    assert [row.recall for row in rows] == [1, 0, 0]


def test_scores_need_a_finished_fold() -> None:
    with pytest.raises(InputError, match="At least one fold"):
        score_folds([], make_samples())
