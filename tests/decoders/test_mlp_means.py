"""An mlp that starts from the class means is discriminant analysis before it is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.network import probabilities
from napari_fmri_decoder.training.whitening import fit_whitening


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 3], (30, 20, 12, 18))
    X = rng.normal(size=(4, 50))[y] + rng.normal(size=(80, 50)) @ (
        np.eye(50) + 0.3 * rng.normal(size=(50, 50))
    )
    return X.astype(np.float32), y


@pytest.mark.parametrize("hidden", [8, 27])
def test_whitened_it_has_the_probabilities_of_scikit_learn(hidden: int, samples) -> None:
    X, y = samples
    train = np.arange(80) % 4 > 0
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(X[train].astype(float), y[train])
    whitening = fit_whitening(X[train], y[train])
    decoder = get_decoder({"name": "mlp", "hidden": hidden, "start": "means"})
    network = decoder.build((50,), 4)
    decoder.start_from(network, whitening.apply(X[train]), y[train])
    found = probabilities(network, torch.tensor(whitening.apply(X[~train])))
    np.testing.assert_allclose(found, theirs.predict_proba(X[~train].astype(float)), atol=1e-4)


def test_a_class_without_samples_is_never_chosen(samples) -> None:
    X, y = samples
    decoder = get_decoder({"name": "mlp", "hidden": 10, "start": "means"})
    network = decoder.build((50,), 5)
    decoder.start_from(network, X, y)
    found = probabilities(network, torch.tensor(X))
    assert not found[:, 4].any()
    means = np.stack([X[y == k].mean(axis=0) for k in range(4)]).astype(float)
    logits = -0.5 * np.square(X[:, None] - means).sum(axis=2) + np.log(np.bincount(y) / len(y))
    np.testing.assert_allclose(found[:, :4], softmax(logits, axis=1), atol=1e-4)


def test_too_few_hidden_units_are_refused(samples) -> None:
    X, y = samples
    decoder = get_decoder({"name": "mlp", "hidden": 7, "start": "means"})
    with pytest.raises(InputError, match="two hidden units per class, 8 for 4 classes, got hidden = 7"):
        decoder.start_from(decoder.build((50,), 4), X, y)
