"""Fast computation in torch: memory format, fused optimizers and lower precision."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from napari_fmri_decoder.training.config import Precision, ResolvedTraining

_FUSED = ("cpu", "cuda")
"""Devices with fused optimizers, which update all weights in one pass."""


def memory_format(network: nn.Module) -> torch.memory_format:
    """Memory format that suits the layers: convolutions are fastest with channels last.

    Weights, inputs and the state of the optimizer must all have it: a fused step goes through memory in
    order, and would combine the wrong values.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return torch.channels_last
        if isinstance(layer, nn.Conv3d):
            return torch.channels_last_3d
    return torch.contiguous_format


def prepare(network: nn.Module, device: torch.device) -> torch.memory_format:
    """Move a new network to a device in its fastest memory format; return the format for its inputs.

    A ReLU after a layer with weights overwrites the output of that layer, which no gradient needs. This is
    only for training: explanations of a network need both outputs.
    """
    order = memory_format(network)
    network.to(device)
    network.to(memory_format=order)  # type: ignore[call-overload]  # as torch documents it
    for before, layer in pairwise(network.children()):
        if isinstance(layer, nn.ReLU) and isinstance(before, (nn.Linear, nn.Conv2d, nn.Conv3d)):
            layer.inplace = True
    return order


def make_optimizer(
    network: nn.Module, settings: ResolvedTraining, epsilon: float = 1e-8
) -> torch.optim.Optimizer:
    """Create the optimizer; weight decay is the L2 penalty on all parameters; `epsilon` is Adam's."""
    rate, decay = settings.learning_rate, settings.weight_decay
    weights = list(network.parameters())
    fused = all(w.device.type in _FUSED for w in weights)
    if settings.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay, eps=epsilon, fused=fused)
    return torch.optim.SGD(weights, lr=rate, weight_decay=decay, momentum=settings.momentum, fused=fused)


def why_not(precision: Precision, device: torch.device) -> str:
    """Why a device does not support a precision, in one sentence; "" if it does.

    bfloat16 counts as supported only in hardware: emulation is slower than float32.
    """
    if precision == "float32" or _has_bfloat16(device):
        return ""
    return f"Trained in float32: {device} does not support bfloat16 in hardware."


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):  # older releases of torch have none
        found = torch.cpu.get_capabilities()
        return any(found.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return False


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Compute matrix products and convolutions in this block in a precision; the rest stays float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
