"""Temperature scaling: the smallest loss, found inside the training set, and part of the saved model."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize
from sklearn.metrics import log_loss

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.bundle.bundle import Bundle, load_bundle, save_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.temperature import fit_temperature
from napari_fmri_decoder.volumes.frames import Grid


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_has_the_smallest_log_loss(true):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(4000, 4))
    y = np.array([rng.choice(4, p=p) for p in _softmax(logits)])
    p = _softmax(logits * true)  # as of a model that is too confident, or not confident enough
    found = fit_temperature(p, y)
    theirs = minimize(lambda t: log_loss(y, _softmax(np.log(p) / t[0])), [1.0], method="Nelder-Mead").x[0]
    assert found == pytest.approx(theirs, rel=1e-3)
    assert found == pytest.approx(true, rel=0.06)


def _samples(signal=0.25, runs=6):
    import pandas as pd

    rng = np.random.default_rng(1)
    y = np.tile(np.repeat([0, 1], 12), runs)
    X = rng.normal(size=(len(y), 60)) + signal * np.outer(2 * y - 1, np.ones(60) * (np.arange(60) < 12))
    run = np.repeat(np.arange(1, runs + 1), 24).astype(str)
    table = pd.DataFrame({
        "volume": np.arange(len(y)), "label": np.array(["a", "b"])[y], "subject": "", "session": "",
        "run": run, "block": np.arange(len(y)) // 12,
    })  # fmt: skip
    space = Space(Grid((60, 1, 1), np.eye(4)), np.ones((60, 1, 1), bool))
    return Samples(X.astype(np.float32), table, ("a", "b"), space)


def _folds(samples, name, **options):
    splits = make_splits(SplitConfig(), samples.table)
    decoder = get_decoder({"name": name})
    config = TrainingConfig(epochs=300, device="cpu", threads=1, **options).resolved(decoder)
    events = cross_validate(decoder, samples, splits, config)
    return sorted((e.result for e in events if isinstance(e, FoldDone)), key=lambda result: result.fold)


@pytest.mark.parametrize("name", ["lda", "mlp"])
def test_predictions_stay_and_the_loss_falls(name):
    samples = _samples()
    before, after = _folds(samples, name), _folds(samples, name, calibrate="temperature")
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.probabilities.argmax(axis=1), other.probabilities.argmax(axis=1))
        logits = [
            np.diff(np.log(p.astype(np.float64)), axis=1)[:, 0]
            for p in (one.probabilities, other.probabilities)
        ]
        ratios = logits[0] / logits[1]
        np.testing.assert_allclose(ratios, ratios[0], rtol=2e-2)
    assert np.mean([fold.test.loss for fold in after]) < np.mean([fold.test.loss for fold in before])


def test_the_test_set_has_no_influence_and_the_saved_model_has_the_temperature(tmp_path):
    samples = _samples(runs=4)
    first = _folds(samples, "lda", calibrate="temperature")[0]
    swapped = samples.table["label"].to_numpy().copy()
    rows = first.split.test
    swapped[rows] = np.where(swapped[rows] == "a", "b", "a")
    again = _folds(samples.relabeled(swapped), "lda", calibrate="temperature")[0]
    np.testing.assert_array_equal(again.probabilities, first.probabilities)
    path = save_bundle(Bundle(first.model, samples.space, samples.classes), tmp_path / "model.safetensors")
    loaded = load_bundle(path)
    saved = predict_proba(loaded.model, samples.X[rows], samples.space)
    np.testing.assert_allclose(saved, first.probabilities, atol=1e-6)


def test_it_is_not_combined_with_networks_that_vote():
    with pytest.raises(ValidationError, match="calibrate applies to a single network"):
        TrainingConfig(calibrate="temperature", average=True, seeds=2)
