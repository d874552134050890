"""Class balance: the weights of scikit-learn, and drawings of the training part alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.balance import balanced_rows, class_weights
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FitStarted, FoldDone
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.fit_inputs import Part
from napari_fmri_decoder.training.network import train_network
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.torch.environment import Environment

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

Y = np.repeat([0, 1, 2], [12, 5, 3])


@pytest.fixture
def uneven(toy: Samples) -> Samples:
    rows = np.sort(np.concatenate([np.flatnonzero(toy.y == c)[:n] for c, n in ((0, 20), (1, 9), (2, 5))]))
    return replace(toy, X=toy.X[rows], table=toy.table.iloc[rows].reset_index(drop=True))


def fitted(samples: Samples, balance: str, **options: object):
    settings = TrainingConfig(balance=balance, epochs=20, batch_size=0, threads=1, device="cpu")
    decoder = get_decoder(options)
    fitted = settings.resolved(decoder)
    *_, done = fit(decoder, samples.X, samples.y, 3, samples.space, fitted, seed=3, groups=samples.groups)
    assert isinstance(done, FitDone)
    return done.model


def test_weights_are_those_of_scikit_learn() -> None:
    np.testing.assert_allclose(
        class_weights(Y, 3), compute_class_weight("balanced", classes=np.arange(3), y=Y)
    )
    assert class_weights(np.array([0, 0, 2]), 4).tolist() == [0.75, 0, 1.5, 0]


def test_drawings_make_classes_alike() -> None:
    fewer, more = balanced_rows(Y, "undersample", 0), balanced_rows(Y, "oversample", 0)
    assert np.bincount(Y[fewer]).tolist() == [3, 3, 3]
    assert len(set(fewer.tolist())) == 9  # none twice
    assert np.bincount(Y[more]).tolist() == [12, 12, 12]
    assert set(more.tolist()) == set(range(20))  # none lost
    np.testing.assert_array_equal(balanced_rows(Y, "undersample", 0), fewer)
    assert balanced_rows(Y, "undersample", 1).tolist() != fewer.tolist()
    assert balanced_rows(Y, "weights", 0).tolist() == list(range(20))


def test_linear_with_weights_equals_scikit_learn(uneven: Samples) -> None:
    model = fitted(uneven, "weights", name="linear", C=0.1)
    X = StandardScaler().fit_transform(uneven.X.astype(float))
    theirs = LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced").fit(X, uneven.y)
    ours = predict_proba(model, uneven.X, uneven.space)
    np.testing.assert_allclose(ours, theirs.predict_proba(X), atol=2e-4)
    plain = LogisticRegression(C=0.1, max_iter=1000).fit(X, uneven.y)
    assert np.abs(ours - plain.predict_proba(X)).max() > 0.005


def test_a_network_with_weights_learns_as_from_classes_made_equal_by_repeating(toy: Samples) -> None:
    rows = [np.flatnonzero(toy.y == c)[:n] for c, n in ((0, 20), (1, 10), (2, 5))]
    once = np.concatenate(rows)
    often = np.concatenate([np.tile(part, n) for part, n in zip(rows, (1, 2, 4), strict=True)])
    X, decoder = StandardScaler().fit_transform(toy.X).astype(np.float32), MLP(hidden=5, dropout=0)
    settings = TrainingConfig(epochs=5, threads=1, device="cpu").resolved(decoder)

    def state_of(rows, weights=None):
        environment = Environment(0, 1, torch.device("cpu"))
        training = train_network(decoder, Part(X[rows], toy.y[rows]), None, 3, settings, environment, weights)
        while True:
            try:
                next(training)
            except StopIteration as stop:
                return stop.value

    weighted = state_of(once, class_weights(toy.y[once], 3))
    repeated, plain = state_of(often), state_of(once)
    for name, value in repeated.items():
        np.testing.assert_allclose(weighted[name], value, atol=1e-6)
    assert np.abs(weighted["out.bias"] - plain["out.bias"]).max() > 0.01


@pytest.mark.parametrize(("balance", "n"), [("undersample", 15), ("oversample", 60)])
def test_the_training_part_alone_is_drawn_from(balance: str, n: int, uneven: Samples) -> None:
    settings = TrainingConfig(balance=balance, epochs=2, batch_size=5, threads=1, device="cpu")
    everything = np.arange(len(uneven.X))
    split = Split("all", everything, everything[:7])
    decoder = get_decoder({"name": "mlp", "hidden": 4})
    *events, done = cross_validate(decoder, uneven, [split], settings.resolved(decoder))
    assert isinstance(done, FoldDone)
    assert done.result.probabilities.shape == (7, 3)
    assert done.result.train_probabilities.shape == (len(uneven.X), 3)
    (started,) = (e for e in events if isinstance(e, FitStarted))
    assert started.batches == n // 5
