"""What makes steps fast changes no number that matters, and says where it cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import FitDone, Note
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import module_of
from napari_fmri_decoder.training.torch.precision import (
    computing_in,
    make_optimizer,
    memory_format,
    prepare,
    why_not,
)

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

CPU = torch.device("cpu")
SHAPES = {"mlp": (40,), "cnn2d": (3, 12, 14), "cnn3d": (1, 8, 9, 10)}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_weights_and_the_state_of_the_optimizer_have_the_same_order(name: str) -> None:
    decoder = get_decoder({"name": name})
    network = decoder.build(SHAPES[name], 2)
    order = prepare(network, CPU)
    settings = TrainingConfig(optimizer="adam").resolved(decoder)
    optimizer = make_optimizer(network, settings)
    inputs = torch.randn(6, *SHAPES[name]).contiguous(memory_format=order)
    nn.functional.cross_entropy(network(inputs), torch.tensor([0, 1] * 3)).backward()
    optimizer.step()
    states = optimizer.state
    assert len(states) == len(list(network.parameters()))
    for weights, kept in states.items():
        assert kept["exp_avg"].stride() == kept["exp_avg_sq"].stride() == weights.stride()


def test_convolutions_have_the_channel_last_in_memory_and_nothing_else_has() -> None:
    flat, deep = nn.Sequential(nn.Conv2d(3, 4, 3)), nn.Sequential(nn.Conv3d(1, 4, 3))
    assert memory_format(flat) == torch.channels_last
    assert memory_format(deep) == torch.channels_last_3d
    assert memory_format(nn.Linear(3, 4)) == torch.contiguous_format
    prepare(flat, CPU)
    assert flat[0].weight.stride() == (27, 1, 9, 3)


def test_who_looks_inside_a_model_gets_what_came_before_the_relu(toy: Samples) -> None:
    decoder = get_decoder({"name": "cnn2d", "filters": [4], "dense": [8]})
    config = TrainingConfig(epochs=2, threads=1, device="cpu")
    *_, done = fit(decoder, toy.X, toy.y, 3, toy.space, config.resolved(decoder), seed=0)
    assert isinstance(done, FitDone)
    assert not any(layer.inplace for layer in module_of(done.model) if isinstance(layer, nn.ReLU))


@pytest.mark.skipif(bool(why_not("bfloat16", CPU)), reason="this processor has no bfloat16")
def test_bfloat16_learns_as_float32_does_and_keeps_weights_of_float32(toy: Samples) -> None:
    decoder = get_decoder({"name": "cnn2d", "filters": [4, 8], "dense": [16], "dropout": 0.0})
    losses = {}
    for precision in ("float32", "bfloat16"):
        config = TrainingConfig(epochs=8, threads=1, device="cpu", precision=precision)
        *_, epoch, done = fit(decoder, toy.X[12:], toy.y[12:], 3, toy.space, config.resolved(decoder), seed=0)
        assert isinstance(done, FitDone)
        assert {str(value.dtype) for value in done.model.state.values()} == {"float32", "int64"}
        losses[precision] = epoch.train.loss
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.1)


def test_without_bfloat16_a_fit_reports_it_and_gives_the_numbers_of_float32(
    toy: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    decoder = get_decoder({"name": "mlp", "hidden": 5})

    def fitted(precision: str) -> list[object]:
        config = TrainingConfig.model_validate(
            {"epochs": 3, "threads": 1, "device": "cpu", "precision": precision}
        )
        return list(fit(decoder, toy.X, toy.y, 3, toy.space, config.resolved(decoder), seed=0))

    note, *events = fitted("bfloat16")
    assert isinstance(note, Note)
    assert "float32: cpu does not support bfloat16 in hardware" in note.message
    assert events[:-1] == fitted("float32")[:-1]
    with computing_in("float32", CPU):
        assert not torch.is_autocast_enabled("cpu")
