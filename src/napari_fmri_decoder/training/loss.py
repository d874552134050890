"""The loss that networks are trained by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    import torch


def loss_of(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, label_smoothing: float
) -> torch.Tensor:
    """Mean cross-entropy over samples.

    Parameters
    ----------
    logits : (n, classes) Tensor
    targets : (n,) or (n, classes) Tensor
        Classes, or the probability of each.
    weights : (classes,) Tensor or None
        Weight of a sample of each class; the sum is divided by the number of samples, as in scikit-learn, not
        by the weights in a batch.
    label_smoothing : float
        Part of the target probability that is divided equally among all classes.
    """
    if weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    total = F.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=label_smoothing)
    return total / len(targets)
