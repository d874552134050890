"""The Keras preset: first weights and constants as Keras documents them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.volumes.frames import Grid

SHAPES = {"mlp": (300,), "cnn2d": (3, 40, 56), "cnn3d": (1, 12, 14, 10)}


@pytest.mark.parametrize("name", SHAPES)
def test_weights_are_drawn_after_glorot_and_biases_begin_at_0(name: str) -> None:
    torch.manual_seed(0)
    network = get_decoder({"name": name, "preset": "keras"}).build(SHAPES[name], 5)
    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.Conv3d))]
    assert len(layers) > 1
    for layer in layers:
        field = math.prod(layer.weight.shape[2:])  # of the kernel: keras.initializers.GlorotUniform
        limit = math.sqrt(6 / (field * (layer.weight.shape[0] + layer.weight.shape[1])))
        weights = layer.weight.detach()
        assert weights.abs().max() <= limit
        assert weights.abs().max() > 0.95 * limit
        assert weights.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.1)
        assert not layer.bias.detach().any()


@pytest.mark.parametrize("name", ["cnn2d", "cnn3d"])
def test_batches_are_normalized_with_the_constants_of_keras(name: str) -> None:
    shape = SHAPES[name]
    of_keras, of_torch = (
        [
            m
            for m in get_decoder({"name": name, "preset": preset}).build(shape, 2).modules()
            if hasattr(m, "eps")
        ]
        for preset in ("keras", "torch")
    )
    assert of_keras
    assert {(m.eps, m.momentum) for m in of_keras} == {(1e-3, 0.01)}
    assert {(m.eps, m.momentum) for m in of_torch} == {(1e-5, 0.1)}
    with torch.device("meta"):  # as a model is rebuilt for predicting: without drawing
        again = get_decoder({"name": name, "preset": "keras"}).build(shape, 2)
    assert [m.eps for m in again.modules() if hasattr(m, "eps")] == [1e-3] * len(of_keras)


def test_moving_statistics_follow_keras_formula() -> None:
    norm = get_decoder({"name": "cnn2d", "preset": "keras"}).build((3, 40, 56), 2).norm1
    batch = torch.randn(16, 32, 8, 9) * 3 + 2
    norm.train()(batch)
    mean = 0.99 * 0 + 0.01 * batch.mean(dim=(0, 2, 3))  # moving * momentum + batch * (1 - momentum)
    np.testing.assert_allclose(norm.running_mean.numpy(), mean.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("preset", "epsilon"), [("torch", 1e-8), ("keras", 1e-7)])
def test_adam_takes_the_epsilon_of_the_preset(preset: str, epsilon: float, monkeypatch: pytest.MonkeyPatch):
    made = []
    true = torch.optim.Adam

    def adam(*args: Any, **options: Any) -> torch.optim.Adam:
        made.append(options)
        return true(*args, **options)

    monkeypatch.setattr(torch.optim, "Adam", adam)
    decoder = get_decoder({"name": "mlp", "hidden": 2, "preset": preset})
    X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    space = Space(Grid((5, 1, 1), np.eye(4)), np.ones((5, 1, 1), bool), 2)
    config = TrainingConfig(epochs=1, optimizer="adam", threads=1, device="cpu")
    list(fit(decoder, X, np.arange(8) % 2, 2, space, config.resolved(decoder), seed=0))
    assert [options["eps"] for options in made] == [epsilon]
