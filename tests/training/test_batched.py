"""Many fits at once give what each gives alone: same first weights, same dropout masks, same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.errors import TrainingError
from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.scaling import Scaler, fit_scaler
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.batched import can_batch, fit_batch, fits_at_once
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.volumes.frames import Grid

MLP_OF_6 = {"name": "mlp", "hidden": 6}
QUICK = TrainingConfig(epochs=60, threads=1, device="cpu")
FEW = {"epochs": 20}


@pytest.fixture
def patterns(toy):
    """The toy problem on its first voxels."""

    def cut(features: int = 20) -> Samples:
        space = Space(Grid((features, 1, 1), np.eye(4)), np.ones((features, 1, 1), dtype=bool))
        return Samples(toy.X[:, :features], toy.table, toy.classes, space)

    return cut


@pytest.fixture
def in_double(monkeypatch):
    """Let `mlp` and its inputs be float64.

    ReLU has a kink at zero. Two ways of adding the same float32 numbers differ by 1e-7, so sooner or later
    a hidden unit's answer is above zero for one way and below for the other, and from then on two right
    fits part; whether one does, and when, depends on the processor. In double precision the sums differ by
    1e-16: no answer comes that close to zero, so both ways must agree to the end.
    """
    build = MLP.build
    monkeypatch.setattr(MLP, "build", lambda self, shape, n_classes: build(self, shape, n_classes).double())
    monkeypatch.setattr(Scaler, "apply", lambda self, X: (X - self.mean.astype(float)) / self.std)


def _together(decoder, samples, split, fold, numbers, config):
    labels = np.stack([permuted(samples, config.seed, i).y for i in numbers])
    seeds = [derive_seed(config.seed, fold, i) for i in numbers]
    steps = fit_batch(decoder, samples, split, labels, seeds, config.resolved(decoder))
    epochs = []
    while True:
        try:
            epochs.append(next(steps))
        except StopIteration as end:
            assert epochs == list(range(1, config.resolved(decoder).epochs + 1))
            return end.value


def _one_by_one(decoder, samples, splits, number, config):
    events = cross_validate(
        decoder, permuted(samples, config.seed, number), splits, config.resolved(decoder), permutation=number
    )
    return np.array([event.result.probabilities for event in events if isinstance(event, FoldDone)])


def _both_ways(options, patterns, training, features):
    """Probabilities (fold, fit, sample, class) of batches, and of the same fits one by one."""
    samples, decoder = patterns(features=features), get_decoder(options)
    splits = make_splits(SplitConfig(), samples.table)
    config = QUICK.model_copy(update=training)
    assert can_batch(decoder, samples, splits, config.resolved(decoder))
    together = [_together(decoder, samples, split, f, [1, 2, 3], config) for f, split in enumerate(splits)]
    alone = [_one_by_one(decoder, samples, splits, number, config) for number in (1, 2, 3)]
    return np.array(together), np.stack(alone, axis=1)


WAYS = [
    ({}, {}, 40),  # dropout 0.25 and weight decay, the network's own defaults
    ({"dropout": 0.0}, {"weight_decay": 0.0}, 40),
    ({}, {"momentum": 0.9, "learning_rate": 0.01}, 40),
    ({}, {"weight_decay": 0.05}, 5),  # fewer voxels than samples: the other way to multiply
    ({"dropout": 0.6}, {"momentum": 0.5, "weight_decay": 0.01, "batch_size": 1000}, 5),
]


@pytest.mark.parametrize(("options", "training", "features"), WAYS)
def test_a_batch_gives_what_each_fit_gives_alone(options, training, features, patterns, in_double):
    together, alone = _both_ways(MLP_OF_6 | options, patterns, training, features)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)  # both are told in float32
    # They are fits in their own right: other labels and seeds give other answers.
    assert np.abs(together[0][0] - together[0][1]).max() > 0.01


@pytest.mark.parametrize(("options", "training", "features"), WAYS)
def test_in_single_precision_all_agree_but_those_that_meet_a_kink(options, training, features, patterns):
    together, alone = _both_ways(MLP_OF_6 | options, patterns, training | FEW, features)
    apart = np.abs(together - alone).max(axis=(2, 3))  # of each fit
    assert np.median(apart) < 1e-5
    assert apart.max() < 0.01  # an answer on the other side of the kink changes one step of one unit


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_hundred_epochs_agree_with_autograd_in_double_precision(seed, patterns, in_double):
    samples, numbers = patterns(features=60), [4, 5, 6]
    (split, *_) = make_splits(SplitConfig(), samples.table)
    config = TrainingConfig(epochs=300, threads=1, seed=seed)
    ours = _together(get_decoder(MLP_OF_6 | {"dropout": 0.0}), samples, split, 0, numbers, config)
    X = torch.tensor(fit_scaler(samples.X[split.train]).apply(samples.X))
    for number, found in zip(numbers, ours, strict=True):
        y = torch.tensor(permuted(samples, seed, number).y)
        torch.manual_seed(derive_seed(seed, 0, number))
        network = nn.Sequential(nn.Linear(60, 6), nn.ReLU(), nn.Linear(6, 3)).double()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=1e-4)
        for _ in range(300):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(X[split.train]), y[split.train]).backward()
            optimizer.step()
        theirs = torch.softmax(network(X[split.test]), dim=1).detach().numpy()
        np.testing.assert_allclose(found, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("decoder", "training"),
    [
        ({"name": "linear"}, {}),
        (MLP_OF_6, {"optimizer": "adam"}),
        (MLP_OF_6, {"batch_size": 8}),
        (MLP_OF_6, {"screening": 10.0}),
        (MLP_OF_6, {"balance": "weights"}),
        (MLP_OF_6, {"validation": "runs"}),
        (MLP_OF_6, {"schedule": "cosine"}),
        (MLP_OF_6, {"whiten": True}),
        (MLP_OF_6 | {"start": "means"}, {}),
    ],
)
def test_what_cannot_be_batched_is_not(decoder, training, patterns):
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    assert not can_batch(
        get_decoder(decoder),
        samples,
        splits,
        QUICK.model_copy(update=training).resolved(get_decoder(decoder)),
    )


@pytest.mark.parametrize(("missing", "batched"), [("", False), ("no bfloat16 here", True)])
def test_permutations_are_batched_only_in_the_precision_of_the_folds(missing, batched, patterns, monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.training.batched.why_not", lambda *_: missing)
    samples = patterns()
    config = QUICK.model_copy(update={"precision": "bfloat16"})
    assert (
        can_batch(
            get_decoder(MLP_OF_6),
            samples,
            make_splits(SplitConfig(), samples.table),
            config.resolved(get_decoder(MLP_OF_6)),
        )
        is batched
    )


def test_a_batch_is_bounded_by_the_size_of_the_network(patterns):
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    small, wide = (fits_at_once(get_decoder(MLP_OF_6 | {"hidden": n}), samples, splits) for n in (6, 60_000))
    assert small > 100
    assert wide == 1


def test_the_error_names_a_learning_rate_that_is_too_high(patterns):
    samples = patterns()
    (split, *_) = make_splits(SplitConfig(), samples.table)
    config = QUICK.model_copy(update={"learning_rate": 1e6})
    with pytest.raises(TrainingError, match="lower learning_rate"):
        _together(get_decoder(MLP_OF_6), samples, split, 0, [1], config)
