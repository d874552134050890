"""Which devices there are, and how much memory each has free."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from napari_fmri_decoder.training.devices import devices_found, has_graphics

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


def test_the_processor_is_always_there_with_what_the_system_says_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5 * GIB))
    (cpu,) = devices_found()
    assert cpu.name == "cpu"
    assert cpu.model.startswith(str(os.cpu_count()))
    assert cpu.free == 5 * GIB
    assert not has_graphics()


def test_each_card_is_told_with_what_torch_holds_unused(two_cards: dict[int, int]) -> None:
    assert has_graphics()
    _, first, second = devices_found()
    assert (first.name, first.model) == ("cuda:0", "Card 0")
    assert first.free == 12 * GIB  # 10 by the driver, and 2 of 3 reserved that no tensor takes
    assert first.words() == "cuda:0, 12 GiB free (Card 0)"
    assert second.words() == "cuda:1, 2 GiB free (Card 1)"


def test_a_card_that_cannot_be_asked_is_told_all_the_same(two_cards: dict[int, int]) -> None:
    def refuse(device: Any) -> tuple[int, int]:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")

    torch.cuda.mem_get_info = refuse  # type: ignore[assignment]  # the fixture's monkeypatch puts it back
    assert [device.words() for device in devices_found()[1:]] == [
        "cuda:0, memory not known (Card 0)",
        "cuda:1, memory not known (Card 1)",
    ]


def test_apples_processor_is_told_with_what_the_system_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 16 * GIB)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4 * GIB)
    assert devices_found()[1].words() == "mps, 12 GiB free (Apple graphics processor)"
