"""Full memory: what was asked, what is free, which batch would fit; and nothing is held afterwards."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import TrainingError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.torch.environment import Environment
from napari_fmri_decoder.training.torch.memory import (
    batch_that_fits,
    bytes_per_sample,
    free_bytes,
    is_out_of_memory,
    requested_bytes,
)

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

CNN = get_decoder({"name": "cnn2d", "filters": [3], "dense": [6]})
CPU = torch.device("cpu")
CUDA_SAYS = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 23.99 GiB of which "
    "1.20 GiB is free."
)


def test_what_torch_numpy_and_the_processor_say_of_full_memory_is_understood() -> None:
    """Three real errors, of tensors that no machine holds, and CUDA's words."""
    n = 10**15
    found = []
    for allocate in (lambda: torch.empty(n), lambda: np.empty(n), lambda: torch.empty(n, dtype=torch.uint8)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            allocate()
        assert is_out_of_memory(caught.value)
        found.append(requested_bytes(str(caught.value)))
    assert found[0] == 4 * n
    assert found[1] == pytest.approx(8 * n, rel=0.01)
    assert found[2] == n
    assert is_out_of_memory(torch.OutOfMemoryError(CUDA_SAYS))
    assert requested_bytes(CUDA_SAYS) == 20 * 2**30
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_message_gives_requested_and_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes take and free memory meanwhile, so the system's answer is held fixed."""
    found = psutil.virtual_memory()._replace(available=3 * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: found)
    assert free_bytes(CPU) == 3 * 2**30
    with (
        pytest.raises(
            TrainingError, match=r"memory of cpu.*: 3\.55 PiB more were requested, and 3 GiB are free"
        ),
        Environment(0, 1, CPU).step(),
    ):
        torch.empty(10**15)


def test_a_batch_that_would_fit_is_named(toy: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step on more than 8 samples runs out of memory, with room for 9 by our own count."""
    forward = nn.Conv2d.forward

    def full(self: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > 8:
            raise torch.OutOfMemoryError(CUDA_SAYS)
        return forward(self, x)

    network = CNN.build(toy.space.input_shape("planes"), 3)
    room = 9 * bytes_per_sample(network, toy.space.input_shape("planes"))
    monkeypatch.setattr("napari_fmri_decoder.training.torch.environment.free_bytes", lambda _: room)
    monkeypatch.setattr(nn.Conv2d, "forward", full)

    def train(batch_size: int) -> None:
        config = TrainingConfig(epochs=1, batch_size=batch_size, threads=1, device="cpu")
        list(fit(CNN, toy.X, toy.y, 3, toy.space, config.resolved(CNN), seed=0))

    with pytest.raises(TrainingError, match=r"20 GiB more.*Set batch_size = 8, .* \(it was 60\)"):
        train(0)
    train(8)
    room = 100
    with pytest.raises(TrainingError, match="Even a batch of two does not fit"):
        train(32)


def test_the_bytes_of_a_sample_are_those_that_a_step_holds() -> None:
    """Against what autograd saves for the way back, summed by torch's own hooks."""
    shape = (3, 40, 56)
    network = get_decoder({"name": "cnn2d"}).build(shape, 2)
    weights = {p.data_ptr() for p in network.parameters()}
    before = [p.clone() for p in network.parameters()]
    saved: dict[int, int] = {}

    def keep(x: torch.Tensor) -> torch.Tensor:
        if x.data_ptr() not in weights:
            saved[x.data_ptr()] = x.untyped_storage().nbytes()
        return x

    n = 16
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        F.cross_entropy(network(torch.randn(n, *shape)), torch.arange(n) % 2)
    counted = n * bytes_per_sample(network, shape)
    assert sum(saved.values()) < counted < 4 * sum(saved.values())
    assert all(p.device == CPU for p in network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("batch", [1, 2, 3, 64, 65, 1000])
def test_the_batch_is_the_largest_power_of_two_that_fits(batch: int) -> None:
    for free in range(0, 2000, 7):
        fits = batch_that_fits(free, 10, batch)
        powers = [p for p in (2, 4, 8, 16, 32, 64, 128, 256, 512) if p < batch and 10 * p <= free]
        assert fits == max(powers, default=0)


@pytest.mark.parametrize("how", ["done", "closed", "failed"])
def test_no_network_outlives_its_fit(how: str, toy: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the error is kept, as napari's notifications keep it: on a card that is its memory."""
    alive: list[Any] = []
    build = type(CNN).build

    def watched(self: Any, *args: Any) -> nn.Sequential:
        network = build(self, *args)
        alive.append(weakref.ref(network))
        return network

    monkeypatch.setattr(type(CNN), "build", watched)
    config = TrainingConfig(epochs=3, threads=1, device="cpu", batch_size=16)
    if how == "failed":
        config = config.model_copy(update={"learning_rate": 1e30, "optimizer": "sgd"})
    events = fit(CNN, toy.X, toy.y, 3, toy.space, config.resolved(CNN), seed=0)
    kept: list[Any] = []
    if how == "closed":
        kept = [next(events) for _ in range(6)]
        events.close()
    elif how == "done":
        kept = list(events)
    else:
        with pytest.raises(TrainingError) as caught:
            list(events)
        kept = [caught]
    gc.collect()
    assert kept
    assert [ref() for ref in alive] == [None]
