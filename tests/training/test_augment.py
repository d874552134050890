"""Augmentation changes the samples that are trained on as SciPy would, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch.nn import functional as F

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training import augment as augmenting
from napari_fmri_decoder.training.augment import Augment, moved, rotations
from napari_fmri_decoder.training.augment_config import AugmentConfig
from napari_fmri_decoder.training.balance import class_weights
from napari_fmri_decoder.training.batched import can_batch
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult
from napari_fmri_decoder.training.predict import network_inputs
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.torch.environment import Environment
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

MLP = {"name": "mlp", "hidden": 6}
CNN2D = {"name": "cnn2d", "filters": [4], "dense": [8]}
CNN3D = {"name": "cnn3d", "filters": [2], "dense": [4]}
ALL = {"shift_mm": 4, "rotation_deg": 10, "noise": 0.3, "mixup": 0.4, "label_smoothing": 0.1}


def fold(samples: Samples, splits, options: dict, **training: object) -> FoldResult:
    settings = {
        "epochs": 3,
        "learning_rate": 0.01,
        "threads": 1,
        "device": "cpu",
        "batch_size": 16,
    } | training
    decoder = get_decoder(options)
    config = TrainingConfig.model_validate(settings).resolved(decoder)
    events = cross_validate(decoder, samples, splits[:1], config)
    return next(event.result for event in events if isinstance(event, FoldDone))


@pytest.mark.parametrize("shape", [(9, 7), (8, 7, 6)], ids=["plane", "volume"])
def test_shifts_and_rotations_are_those_of_scipy(shape: tuple[int, ...]) -> None:
    rng, d = np.random.default_rng(0), len(shape)
    volumes = rng.normal(size=(3, 2, *shape)).astype(np.float32)
    sizes = np.array([3.0, 3.5, 4.0])[:d]
    shifts = rng.uniform(-5, 5, size=(3, d))
    angles = rng.uniform(-0.4, 0.4, size=(3, 3 if d == 3 else 1))
    if d == 3:
        matrices = Rotation.from_euler("xyz", angles).as_matrix()
    else:
        matrices = Rotation.from_euler("z", angles).as_matrix()[:, :2, :2]
    found = moved(
        torch.tensor(volumes),
        rotations(torch.tensor(angles, dtype=torch.float32)),
        torch.tensor(shifts, dtype=torch.float32),
        torch.tensor(sizes, dtype=torch.float32),
    )
    center = (np.array(shape) - 1) / 2
    for i in range(3):
        linear = matrices[i] * sizes / sizes[:, None]  # from voxel to voxel
        offset = center - linear @ center + shifts[i] / sizes
        for channel in range(2):
            expected = ndimage.affine_transform(
                volumes[i, channel], linear, offset, order=1, mode="grid-constant"
            )
            np.testing.assert_allclose(found[i, channel], expected, atol=2e-5)


def test_a_shift_by_whole_voxels_moves_the_values(toy: Samples) -> None:
    inputs = torch.tensor(toy.space.arrange(toy.X, "planes"))
    shift = torch.tensor([[6.0, -3.0]]).repeat(len(inputs), 1)  # voxels of 3 mm
    found = moved(inputs, rotations(torch.zeros(len(inputs), 1)), shift, torch.tensor([3.0, 3.0])).numpy()
    np.testing.assert_allclose(found[:, :, :-2, 1:], inputs[:, :, 2:, :-1], atol=1e-3)


def test_a_table_of_voxels_is_moved_as_the_volume_that_it_comes_from(toy: Samples) -> None:
    config = AugmentConfig(shift_mm=5, rotation_deg=20)
    found = {}
    for how in ("vector", "volume"):
        inputs = torch.tensor(toy.space.arrange(toy.X - 100, how))
        torch.manual_seed(0)
        found[how], _ = Augment(config, inputs, 3, toy.space, how)(inputs, torch.tensor(toy.y))
    np.testing.assert_array_equal(found["vector"], found["volume"][:, 0][:, torch.tensor(toy.space.mask)])
    assert not found["volume"][:, 0][:, torch.tensor(~toy.space.mask)].any(), "0 outside the mask"
    assert not np.allclose(found["vector"], toy.X - 100)


def test_noise_has_the_stated_part_of_each_voxels_standard_deviation(toy: Samples) -> None:
    X = np.random.default_rng(0).normal(size=(2000, toy.space.n_features)).astype(np.float32)
    X *= np.linspace(0, 3, toy.space.n_features, dtype=np.float32)
    inputs = torch.tensor(X)
    augment = Augment(AugmentConfig(noise=0.5), inputs, 3, toy.space, "vector")
    difference = augment(inputs, torch.zeros(len(X), dtype=torch.int64))[0].numpy() - X
    assert not difference[:, 0].any(), "a constant voxel stays constant"
    np.testing.assert_allclose(difference[:, 1:].std(axis=0) / X[:, 1:].std(axis=0), 0.5, atol=0.05)


def test_mixup_mixes_samples_and_labels_by_the_same_share(toy: Samples) -> None:
    inputs, y = torch.tensor(toy.X), torch.tensor(toy.y)
    augment = Augment(AugmentConfig(mixup=1.0), inputs, 3, toy.space, "vector")
    shares = []
    for seed in range(200):
        torch.manual_seed(seed)
        _mixed, targets = augment(inputs, y)
        sure = F.one_hot(y, 3).float()
        changed = (targets != sure).any(dim=1)
        share = targets[changed][torch.arange(int(changed.sum())), y[changed]]
        np.testing.assert_allclose(share, float(share[0]), atol=1e-6)
        np.testing.assert_allclose(targets.sum(dim=1), 1, atol=1e-6)
        shares.append(float(share[0]))
    assert np.mean(shares) == pytest.approx(0.5, abs=0.07)  # Beta(1, 1) is uniform
    assert np.std(shares) == pytest.approx(12**-0.5, abs=0.05)


@pytest.mark.parametrize("weights", [False, True])
def test_one_step_with_label_smoothing_is_that_of_torch(weights: bool, toy: Samples, thirds) -> None:
    rows = np.concatenate([thirds[0].train[:30], thirds[0].train[30::3]]) if weights else thirds[0].train
    split = Split("uneven", rows, thirds[0].test)
    options = {"name": "mlp", "hidden": 6, "dropout": 0.0}
    settings = {"batch_size": 0, "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0, "epochs": 1}
    balance = "weights" if weights else "none"
    smooth = {"augment": {"label_smoothing": 0.2}, "balance": balance}
    result = fold(toy, [split], options, **settings, **smooth)
    with Environment(derive_seed(0, 0), 1, torch.device("cpu")).step():
        network = get_decoder(options).build((toy.space.n_features,), 3)
    inputs, y = network_inputs(result.model, toy.X[rows], toy.space), torch.tensor(toy.y[rows])
    per_class = torch.tensor(class_weights(toy.y[rows], 3) if weights else np.ones(3), dtype=torch.float32)
    loss = F.cross_entropy(network(inputs), y, per_class, reduction="sum", label_smoothing=0.2) / len(y)
    loss.backward()
    for name, value in network.named_parameters():
        expected = (value - 0.1 * value.grad).detach()
        np.testing.assert_allclose(result.model.state[name], expected, atol=1e-6)


@pytest.mark.parametrize("options", [MLP, CNN2D])
def test_without_augmentation_nothing_is_drawn(options: dict, toy: Samples, thirds, monkeypatch) -> None:
    plain = fold(toy, thirds, options)
    monkeypatch.setattr(augmenting.Augment, "__init__", None)  # never made
    again = fold(toy, thirds, options, augment={"noise": 0, "shift_mm": 0})
    for name, value in plain.model.state.items():
        np.testing.assert_array_equal(again.model.state[name], value)


@pytest.mark.parametrize("options", [MLP, CNN2D, CNN3D], ids=["mlp", "cnn2d", "cnn3d"])
def test_the_same_seed_gives_the_same_weights_and_the_test_set_stays_as_it_is(
    options: dict, toy: Samples, thirds, monkeypatch
) -> None:
    seen: list[int] = []
    call = Augment.__call__

    def recorded(self, inputs, targets):
        seen.append(len(inputs))
        return call(self, inputs, targets)

    monkeypatch.setattr(Augment, "__call__", recorded)
    first, second = (fold(toy, thirds, options, augment=ALL) for _ in range(2))
    for name, value in first.model.state.items():
        np.testing.assert_array_equal(second.model.state[name], value)
    plain = fold(toy, thirds, options)
    assert any((plain.model.state[n] != v).any() for n, v in first.model.state.items())
    assert (first.untrained_test, first.untrained_train) == (plain.untrained_test, plain.untrained_train)
    assert sum(seen) == 2 * 3 * len(thirds[0].train), "only batches of training samples are changed"


def test_a_permutation_test_of_an_augmented_mlp_is_not_batched(toy: Samples, thirds) -> None:
    decoder = get_decoder(MLP)
    settings = {"batch_size": 0, "optimizer": "sgd", "device": "cpu"}
    plain = TrainingConfig.model_validate(settings).resolved(decoder)
    assert can_batch(decoder, toy, thirds, plain)
    changed = TrainingConfig.model_validate(settings | {"augment": {"noise": 1}}).resolved(decoder)
    assert not can_batch(decoder, toy, thirds, changed)


def test_what_cannot_be_moved_is_refused(toy: Samples) -> None:
    with pytest.raises(ValidationError, match=r"screening removes voxels; set screening = 0"):
        TrainingConfig.model_validate({"screening": 10, "augment": {"shift_mm": 2}})
    row = Space(Grid((9, 1, 1), np.eye(4)), np.ones((9, 1, 1), dtype=bool))
    with pytest.raises(InputError, match="at least two voxels along two axes, got 9 x 1 x 1"):
        Augment(AugmentConfig(shift_mm=1), torch.zeros(4, 9), 2, row, "vector")
