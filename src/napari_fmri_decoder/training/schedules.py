"""Learning rate schedules; each is a function of the epoch, without state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from napari_fmri_decoder.training.config import Schedule

STEPS = (0.5, 0.75)
"""Fractions of the epochs after which "step" divides the rate by ten."""


def rate_factor(schedule: Schedule, epoch: int, epochs: int) -> float:
    """Factor of the learning rate in an epoch.

    Parameters
    ----------
    schedule : {"constant", "cosine", "step"}
    epoch : int
        From 1.
    epochs : int
        Total number; "cosine" reaches zero after the last.

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
    """Set the learning rate of an optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = rate
