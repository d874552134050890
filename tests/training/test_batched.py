"""Many fits at once give what each gives alone: same first weights, same dropout masks, same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import TrainingError
from napari_fmri_decoder.evaluation.exchanges import permuted
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.samples.splits import SplitConfig, make_splits
from napari_fmri_decoder.training.batched import can_batch, fit_batch, fits_at_once
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.volumes.frames import Grid

MLP = {"name": "mlp", "hidden": 6}
QUICK = TrainingConfig(epochs=60, threads=1)


@pytest.fixture
def patterns(toy):
    """The toy problem on its first voxels."""

    def cut(features: int = 20) -> Samples:
        space = Space(Grid((features, 1, 1), np.eye(4)), np.ones((features, 1, 1), dtype=bool))
        return Samples(toy.X[:, :features], toy.table, toy.classes, space)

    return cut


def _together(decoder, samples, split, fold, numbers, config):
    labels = np.stack([permuted(samples, config.seed, i).y for i in numbers])
    seeds = [derive_seed(config.seed, fold, i) for i in numbers]
    steps = fit_batch(decoder, samples, split, labels, seeds, config)
    epochs = []
    while True:
        try:
            epochs.append(next(steps))
        except StopIteration as end:
            assert epochs == list(range(1, config.resolved(decoder).epochs + 1))
            return end.value


def _one_by_one(decoder, samples, splits, number, config):
    events = cross_validate(
        decoder, permuted(samples, config.seed, number), splits, config, permutation=number
    )
    return [event.result.probabilities for event in events if isinstance(event, FoldDone)]


@pytest.mark.parametrize(
    ("options", "training", "features"),
    [
        ({}, {}, 40),  # dropout 0.25 and weight decay, the network's own defaults
        ({"dropout": 0.0}, {"weight_decay": 0.0}, 40),
        ({}, {"momentum": 0.9, "learning_rate": 0.01}, 40),
        ({}, {"weight_decay": 0.05}, 5),  # fewer voxels than samples: the other way to multiply
        ({"dropout": 0.6}, {"momentum": 0.5, "weight_decay": 0.01, "batch_size": 1000}, 5),
    ],
)
def test_a_batch_gives_what_each_fit_gives_alone(options, training, features, patterns):
    samples = patterns(features=features)
    splits = make_splits(SplitConfig(), samples.table)
    decoder = get_decoder(MLP | options)
    config = QUICK.model_copy(update=training)
    assert can_batch(decoder, samples, splits, config)
    together = [_together(decoder, samples, split, f, [1, 2, 3], config) for f, split in enumerate(splits)]
    for i in range(3):
        for fold, alone in enumerate(_one_by_one(decoder, samples, splits, i + 1, config)):
            np.testing.assert_allclose(together[fold][i], alone, atol=1e-5)
    # They are fits in their own right: other labels and seeds give other answers.
    assert np.abs(together[0][0] - together[0][1]).max() > 0.01


def test_three_hundred_epochs_agree_with_autograd_in_double_precision(patterns):
    samples = patterns(features=60)
    (split, *_) = make_splits(SplitConfig(), samples.table)
    config = TrainingConfig(epochs=300, threads=1)
    ours = _together(get_decoder(MLP | {"dropout": 0.0}), samples, split, 0, [4], config)[0]
    torch.manual_seed(derive_seed(0, 0, 4))
    network = nn.Sequential(nn.Linear(60, 6), nn.ReLU(), nn.Linear(6, 3)).double()
    X = torch.tensor(fit_scaler(samples.X[split.train]).apply(samples.X)).double()
    y = torch.tensor(permuted(samples, 0, 4).y)
    torch.manual_seed(derive_seed(0, 0, 4))
    first = nn.Linear(60, 6), nn.Linear(6, 3)
    network[0].load_state_dict(first[0].double().state_dict())
    network[2].load_state_dict(first[1].double().state_dict())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=1e-4)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(X[split.train]), y[split.train]).backward()
        optimizer.step()
    theirs = torch.softmax(network(X[split.test]), dim=1).detach().numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    ("decoder", "training"),
    [
        ({"name": "linear"}, {}),
        (MLP, {"optimizer": "adam"}),
        (MLP, {"batch_size": 8}),
        (MLP, {"screening": 10.0}),
        (MLP, {"balance": "weights"}),
        (MLP, {"validation": "runs"}),
        (MLP, {"schedule": "cosine"}),
    ],
)
def test_what_cannot_be_batched_is_not(decoder, training, patterns):
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    assert not can_batch(get_decoder(decoder), samples, splits, QUICK.model_copy(update=training))


@pytest.mark.parametrize(("missing", "batched"), [("", False), ("no bfloat16 here", True)])
def test_permutations_are_batched_only_in_the_precision_of_the_folds(missing, batched, patterns, monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.training.batched.why_not", lambda *_: missing)
    samples = patterns()
    config = QUICK.model_copy(update={"precision": "bfloat16"})
    assert can_batch(get_decoder(MLP), samples, make_splits(SplitConfig(), samples.table), config) is batched


def test_a_batch_is_bounded_by_the_size_of_the_network(patterns):
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    small, wide = (fits_at_once(get_decoder(MLP | {"hidden": n}), samples, splits) for n in (6, 60_000))
    assert small > 100
    assert wide == 1


def test_steps_that_are_too_long_are_said(patterns):
    samples = patterns()
    (split, *_) = make_splits(SplitConfig(), samples.table)
    config = QUICK.model_copy(update={"learning_rate": 1e6})
    with pytest.raises(TrainingError, match="lower learning_rate"):
        _together(get_decoder(MLP), samples, split, 0, [1], config)
