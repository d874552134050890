"""Calibration compared with scikit-learn."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from napari_fmri_decoder.evaluation.calibration import calibration
from napari_fmri_decoder.evaluation.compared import compare
from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.evaluation.scores import score_folds


@pytest.mark.parametrize("n_classes", [2, 3, 8])
def test_bins_error_and_log_loss_are_those_of_scikit_learn(n_classes):
    rng = np.random.default_rng(n_classes)
    y = rng.integers(n_classes, size=500)
    logits = 2 * rng.normal(size=(500, n_classes)) + 2 * np.eye(n_classes)[y]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = calibration(y, p)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == y
    accuracies, confidences = calibration_curve(correct, confidence, n_bins=10)
    assert [part.accuracy for part in found.bins] == pytest.approx(accuracies)
    assert [part.confidence for part in found.bins] == pytest.approx(confidences)
    counts = np.histogram(confidence, np.linspace(0, 1, 11))[0]
    assert [part.n for part in found.bins] == counts[counts > 0].tolist()
    assert found.ece == pytest.approx(
        np.average(np.abs(accuracies - confidences), weights=counts[counts > 0])
    )
    assert found.log_loss == pytest.approx(log_loss(y, p))


def test_predictions_that_are_certain_and_right_are_calibrated():
    found = calibration(np.array([0, 1, 1]), np.eye(2)[[0, 1, 1]])
    assert (found.ece, found.bins[0].n, found.bins[0].high) == (0, 3, 1)


def test_scores_count_all_test_sets_together_and_are_read_from_their_file(tmp_path):
    samples = make_samples(extra=2)
    results = random_results(samples, leave_one_run_out(samples), right=1.0)
    scores = score_folds(results, samples)
    truth = np.concatenate([samples.y[r.split.test] for r in results])
    p = np.concatenate([r.probabilities for r in results])
    assert scores.calibration == calibration(truth, p)
    assert scores.calibration.log_loss == pytest.approx(log_loss(truth, p), rel=1e-6)
    scores = replace(
        scores,
        compared=(compare(results[0].model.decoder, scores),),
        baseline_calibration={"lda": scores.calibration},
    )
    content = scores.to_dict()
    assert (
        content["compared"][0]["calibration"]
        == content["baseline_calibration"]["lda"]
        == content["calibration"]
    )
    (tmp_path / "scores.json").write_text(json.dumps(content))
    assert read_scores(tmp_path).to_dict() == content
    for key in ("calibration", "baseline_calibration"):  # as an earlier version wrote it
        del content[key]
    (tmp_path / "scores.json").write_text(json.dumps(content))
    assert read_scores(tmp_path).calibration is None
