"""Correlation with mean patterns at many centers and on all folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.prototype import Prototype
    from napari_fmri_decoder.training.stacks.stack import Folds, Stack


def predict_prototype(decoder: Prototype, stack: Stack, folds: Folds) -> list[Tensor]:
    """Predict the test samples of each fold at each center; see `predict_lda`."""
    counts = folds.counts
    members = torch.nn.functional.one_hot(folds.y, folds.n_classes).double()
    predicted = []
    for f, test in enumerate(folds.test):
        share = members.T * folds.train[f] / counts[f].clamp(min=1)[:, None]
        scaled = (stack.X - stack.mean[:, f, None]) / stack.std[:, f, None]
        means = share @ scaled
        centered = (means - means.sum(-1, keepdim=True) / stack.sizes[:, None, None]) * stack.valid[:, None]
        lengths = centered.norm(dim=-1, keepdim=True)
        patterns = torch.where(lengths > 0, centered / lengths, 0.0)
        logits = scaled[:, test] @ patterns.mT
        predicted.append(logits.masked_fill(counts[f] == 0, -torch.inf).argmax(-1))
    return predicted
