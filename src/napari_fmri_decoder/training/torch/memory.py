"""Memory: bytes requested by a fit, free bytes, and the batch size that would fit."""

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
"""Copies of each layer's output in a step: itself, its gradient, and temporary values."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch (on any device), NumPy or Python reports a full memory."""
    message = str(error).lower()
    known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return known or ("memory" in message and "alloc" in message) or "out of memory" in message


def requested_bytes(text: str) -> int | None:
    """Number of requested bytes in an error message; None if there is none.

    Examples
    --------
    >>> requested_bytes("CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 8 GiB")
    1610612736
    >>> requested_bytes("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.")
    4096
    """
    found = _ASKED.search(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return int(float(found[1]) * 1024 ** _UNITS[found[2].lower()])


def free_bytes(device: torch.device) -> int:
    """Free bytes on a device, including memory that torch has reserved but not used."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def release_cached(device: torch.device) -> None:
    """Return memory that torch has reserved but not used on a GPU to the system."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def bytes_per_sample(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Approximate bytes of one sample of a batch in a step of training; nothing is computed.

    Parameters
    ----------
    network : nn.Module
        Sequential layers, on any device; a copy without values gives the shapes.
    input_shape : tuple of int
        Shape of one sample.
    """
    values = torch.empty((1, *input_shape), device="meta")
    total = values.numel()
    network = _without_values(network)
    with torch.no_grad():
        for layer in network.children():
            values = layer(values)
            total += values.numel()
    return int(4 * STATES * total)


def _without_values(network: nn.Module) -> nn.Module:
    """Copy a network to the meta device, in eval mode, without copying its weights."""
    tensors = [*network.parameters(), *network.buffers()]
    memo = {id(t): torch.empty_like(t, device="meta").requires_grad_(t.requires_grad) for t in tensors}
    for t in network.parameters():
        memo[id(t)] = nn.Parameter(memo[id(t)], requires_grad=t.requires_grad)
    return deepcopy(network, memo).eval()


def batch_that_fits(free: int, per_sample: int, batch_size: int) -> int:
    """Largest power of two below a batch size that fits into the free bytes; 0 if two samples do not fit.

    Examples
    --------
    >>> batch_that_fits(1000, 10, 256), batch_that_fits(10**6, 10, 256), batch_that_fits(15, 10, 256)
    (64, 128, 0)
    """
    most = min(free // max(per_sample, 1), batch_size - 1)
    return 2 ** int(math.log2(most)) if most >= 2 else 0
