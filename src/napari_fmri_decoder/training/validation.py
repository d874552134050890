"""The validation set, taken from the training set: it decides when to stop, and which epoch to keep.

It is never trained on, and the test set of the fold does not influence it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from napari_fmri_decoder.training.config import ResolvedTraining, TrainingConfig
    from napari_fmri_decoder.training.events import EpochDone, FoldResult, Quality

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows of a training set: those to train on, those of the validation set (may be empty), and notes."""

    learned: Rows
    validated: Rows
    notes: tuple[str, ...] = ()


def split_validation(
    y: NDArray[np.int64], groups: NDArray[np.str_] | None, config: TrainingConfig
) -> HeldOut:
    """Split a training set into rows to train on and rows to validate on.

    Parameters
    ----------
    y : (n,) int64 array
        Classes.
    groups : (n,) str array or None
        The run of each sample.
    config : TrainingConfig
        Of which `validation` and `validation_size` are read. "runs" takes the last runs, in the order of
        their first sample: as many as come closest to that fraction of the samples, and at least one.
        "last" takes the rows from floor(n (1 - validation_size)) on, as Keras's `validation_split`.

    Returns
    -------
    HeldOut

    Raises
    ------
    InputError
        If the remaining rows have fewer than two classes.
    """
    n = len(y)
    everything = np.arange(n, dtype=np.int64)
    nothing = everything[:0]
    if config.validation == "none":
        return HeldOut(everything, nothing)
    if config.validation == "last":
        cut = math.floor(n * (1.0 - config.validation_size))
        held = everything >= cut
    else:
        runs = list(dict.fromkeys(groups.tolist())) if groups is not None else []
        if groups is None or len(runs) < 2:
            note = (
                "The training set is a single run, so no run can be used for validation, and training runs "
                "for all epochs. Choose validation = last to use the end of the run."
            )
            return HeldOut(everything, nothing, (note,))
        sizes = np.array([(groups == run).sum() for run in runs[:0:-1]])
        n_runs = 1 + int(np.abs(sizes.cumsum() - config.validation_size * n).argmin())
        held = np.isin(groups, runs[-n_runs:])
    learned, validated = everything[~held], everything[held]
    remaining = np.unique(y[learned])
    lost = np.setdiff1d(y, remaining)
    if len(remaining) < 2:
        raise InputError(
            "Without the validation set, the training set must have at least two classes, found "
            f"{len(remaining)} in {len(learned)} samples. Use a smaller validation_size, or another "
            "validation."
        )
    notes: tuple[str, ...] = ()
    if len(lost):
        notes = (
            f"{len(lost)} of {len(remaining) + len(lost)} classes are only in the validation set, so they "
            "cannot be learned. Use a smaller validation_size, or another validation.",
        )
    return HeldOut(learned, validated, notes)


class BestEpoch:
    """Tracks the validation loss: keeps the weights of its minimum, and decides when to stop.

    Parameters
    ----------
    patience : int
        Epochs without a lower loss before the fit stops; 0 never stops it.

    Attributes
    ----------
    epoch : int
        The best epoch so far; 0 before the first.
    loss : float
    state : dict of str to Tensor
        A copy of the weights and statistics after that epoch.
    """

    def __init__(self, patience: int = 0) -> None:
        self.patience = patience
        self.epoch, self.loss = 0, math.inf
        self.state: dict[str, torch.Tensor] = {}

    def update(self, epoch: int, validation: Quality | None, network: nn.Module) -> None:
        """Compare the loss after an epoch, and copy the network if it is the lowest."""
        if validation is not None and validation.loss < self.loss:
            self.epoch, self.loss = epoch, validation.loss
            self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def is_over(self, epoch: int) -> bool:
        """Whether training stops early after an epoch."""
        return 0 < self.patience <= epoch - self.epoch


def best_epoch(history: Sequence[EpochDone]) -> int | None:
    """The epoch with the lowest validation loss, the first of equals; None without a validation set."""
    losses = {e.epoch: e.validation.loss for e in history if e.validation is not None}
    finite = {epoch: loss for epoch, loss in losses.items() if math.isfinite(loss)}
    return min(finite, key=lambda epoch: finite[epoch]) if finite else None


def epochs_of_refit(folds: Sequence[FoldResult], config: ResolvedTraining) -> int | None:
    """Number of epochs of the fit on all samples, which has no validation set: the median of the folds.

    Parameters
    ----------
    folds : sequence of FoldResult
    config : ResolvedTraining

    Returns
    -------
    int or None
        Median (rounded) over the folds of the epoch whose weights they keep; None if no validation set
        selected one.
    """
    selected = [
        best_epoch(fold.history) if config.keep_best else fold.history[-1].epoch
        for fold in folds
        if fold.history and fold.history[-1].validation is not None
    ]
    known = [epoch for epoch in selected if epoch is not None]
    if not known or not (config.keep_best or config.patience):
        return None
    return max(1, round(float(np.median(known))))
