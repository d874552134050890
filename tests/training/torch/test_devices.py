"""Which devices there are, and how much memory each has free."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from napari_fmri_decoder.training.torch.devices import devices_found, has_gpu

GIB = 2**30


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Two CUDA devices as torch would tell of them; free bytes of each, as the driver says."""
    free = {0: 10 * GIB, 1: 2 * GIB}

    def mem_get_info(device: Any) -> tuple[int, int]:
        return free[torch.device(device).index], 24 * GIB

    for name, says in {
        "is_available": lambda: True,
        "device_count": lambda: 2,
        "get_device_name": lambda device: f"Card {torch.device(device).index}",
        "mem_get_info": mem_get_info,
        "memory_reserved": lambda device: 3 * GIB if torch.device(device).index == 0 else 0,
        "memory_allocated": lambda device: 1 * GIB if torch.device(device).index == 0 else 0,
    }.items():
        monkeypatch.setattr(torch.cuda, name, says)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return free


def test_the_cpu_is_always_listed_with_its_free_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5 * GIB))
    (cpu,) = devices_found()
    assert cpu.name == "cpu"
    assert cpu.model.startswith(str(os.cpu_count()))
    assert cpu.free == 5 * GIB
    assert not has_gpu()


def test_each_gpu_is_listed_with_free_and_reserved_memory(
    two_cards: dict[int, int],
) -> None:
    assert has_gpu()
    _, first, second = devices_found()
    assert (first.name, first.model) == ("cuda:0", "Card 0")
    assert first.free == 12 * GIB  # 10 by the driver, and 2 of 3 reserved that no tensor takes
    assert first.label() == "cuda:0, 12 GiB free (Card 0)"
    assert second.label() == "cuda:1, 2 GiB free (Card 1)"


def test_a_gpu_that_does_not_report_its_memory_is_listed_too(two_cards: dict[int, int]) -> None:
    def refuse(device: Any) -> tuple[int, int]:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")

    torch.cuda.mem_get_info = refuse  # type: ignore[assignment]  # the fixture's monkeypatch puts it back
    assert [device.label() for device in devices_found()[1:]] == [
        "cuda:0, memory unknown (Card 0)",
        "cuda:1, memory unknown (Card 1)",
    ]


def test_an_apple_gpu_is_listed_with_its_allowed_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 16 * GIB)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4 * GIB)
    assert devices_found()[1].label() == "mps, 12 GiB free (Apple GPU)"
