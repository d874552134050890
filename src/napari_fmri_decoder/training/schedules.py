"""How the learning rate changes with the epochs; a schedule is a function of the epoch and keeps no state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Schedule = Literal["constant", "cosine", "step"]

STEPS = (0.5, 0.75)
"""Parts of the epochs after which "step" makes the rate ten times smaller."""


def rate_factor(schedule: Schedule, epoch: int, epochs: int) -> float:
    """What the learning rate is multiplied by in an epoch.

    Parameters
    ----------
    schedule : {"constant", "cosine", "step"}
    epoch : int
        From 1.
    epochs : int
        How many there are; "cosine" comes to zero after the last.

    Returns
    -------
    float
        In (0, 1].

    Examples
    --------
    >>> [round(rate_factor("cosine", epoch, 4), 3) for epoch in (1, 2, 3, 4)]
    [1.0, 0.854, 0.5, 0.146]
    >>> [round(rate_factor("step", epoch, 8), 3) for epoch in (1, 4, 5, 7)]
    [1.0, 1.0, 0.1, 0.01]
    """
    done = (epoch - 1) / epochs
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if schedule == "step":
        return float(0.1 ** sum(done >= part for part in STEPS))
    return 1.0


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next steps of an optimiser have this length."""
    for group in optimizer.param_groups:
        group["lr"] = rate
