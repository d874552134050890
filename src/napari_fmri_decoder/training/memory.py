"""Memory: how much a fit asked for, how much is free, and the batch that would fit."""

from __future__ import annotations

import math
import re
from copy import deepcopy

import psutil
import torch
from torch import nn

_UNITS = {"bytes": 0, "byte": 0, "kib": 1, "kb": 1, "mib": 2, "mb": 2, "gib": 3, "gb": 3, "tib": 4, "pib": 5}
_ASKED = re.compile(r"(?:tried to allocate|unable to allocate)\s+([\d.]+)\s*([a-z]+)", re.IGNORECASE)

STATES = 3.0
"""Copies of each layer's answer in a step: itself, its slope, and room for what a layer computes by."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is full: torch's on any device, NumPy's, Python's."""
    said = str(error).lower()
    known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return known or ("memory" in said and "alloc" in said) or "out of memory" in said


def asked_bytes(text: str) -> int | None:
    """How many bytes an error says were asked for; None if it does not say.

    Examples
    --------
    >>> asked_bytes("CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 8 GiB")
    1610612736
    >>> asked_bytes("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes. Error 12")
    4096
    """
    found = _ASKED.search(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return int(float(found[1]) * 1024 ** _UNITS[found[2].lower()])


def free_bytes(device: torch.device) -> int:
    """How many bytes a fit can still have on a device, what torch holds there unused included."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def give_back(device: torch.device) -> None:
    """Give memory that torch holds unused on a graphics processor back to the system."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def bytes_per_sample(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """About how many bytes one sample of a batch takes in a step of training; nothing is computed.

    Parameters
    ----------
    network : nn.Module
        Layers one after the other, on any device; a copy without numbers is asked for the shapes.
    input_shape : tuple of int
        Of one sample.
    """
    values = torch.empty((1, *input_shape), device="meta")
    total = values.numel()
    network = _without_numbers(network)
    with torch.no_grad():
        for layer in network.children():
            values = layer(values)
            total += values.numel()
    return int(4 * STATES * total)


def _without_numbers(network: nn.Module) -> nn.Module:
    """Copy a network to the meta device, in eval mode, without copying its weights."""
    tensors = [*network.parameters(), *network.buffers()]
    memo = {id(t): torch.empty_like(t, device="meta").requires_grad_(t.requires_grad) for t in tensors}
    for t in network.parameters():
        memo[id(t)] = nn.Parameter(memo[id(t)], requires_grad=t.requires_grad)
    return deepcopy(network, memo).eval()


def batch_that_fits(free: int, per_sample: int, batch_size: int) -> int:
    """The largest power of two below a batch size that fits into free bytes; 0 if not even two do.

    Examples
    --------
    >>> batch_that_fits(1000, 10, 256), batch_that_fits(10**6, 10, 256), batch_that_fits(15, 10, 256)
    (64, 128, 0)
    """
    most = min(free // max(per_sample, 1), batch_size - 1)
    return 2 ** int(math.log2(most)) if most >= 2 else 0


def in_words(n: int) -> str:
    """Say a number of bytes.

    Examples
    --------
    >>> in_words(512), in_words(1536 * 1024**2)
    ('512 bytes', '1.5 GiB')
    """
    for power, unit in ((5, "PiB"), (4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if n >= 1024**power:
            return f"{n / 1024**power:.3g} {unit}"
    return f"{n} bytes"
