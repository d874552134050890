"""Part of the training part that is held back: it says when to stop, and which epoch's weights to keep.

It is never learned from, and the part that is left out of the fold has no say in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.training.events import EpochDone, FoldResult, Quality

Validation = Literal["none", "runs", "last"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Rows of a training part: those to learn from, those held back (empty for none), and what to say."""

    learned: Rows
    validated: Rows
    notes: tuple[str, ...] = ()


def hold_back(y: NDArray[np.int64], groups: NDArray[np.str_] | None, config: TrainingConfig) -> Held:
    """Part a training part into rows to learn from and rows to validate on.

    Parameters
    ----------
    y : (n,) int64 array
        Classes.
    groups : (n,) str array or None
        The run of each sample.
    config : TrainingConfig
        Its `validation` and `validation_size`. "runs" holds back so many of the last runs, in the order
        in which they first appear, that their samples come closest to that fraction, and at least one;
        "last" the rows from floor(n (1 - validation_size)) on, as Keras's `validation_split`.

    Returns
    -------
    Held

    Raises
    ------
    InputError
        If fewer than two classes are left to learn from.
    """
    n = len(y)
    everything = np.arange(n, dtype=np.int64)
    nothing = everything[:0]
    if config.validation == "none":
        return Held(everything, nothing)
    if config.validation == "last":
        cut = math.floor(n * (1.0 - config.validation_size))
        held = everything >= cut
    else:
        runs = list(dict.fromkeys(groups.tolist())) if groups is not None else []
        if groups is None or len(runs) < 2:
            note = (
                "The training part is a single run, of which none can be held back: there is no validation "
                "part, and training goes through all epochs. Choose validation = last to hold back its end."
            )
            return Held(everything, nothing, (note,))
        sizes = np.array([(groups == run).sum() for run in runs[:0:-1]])
        n_runs = 1 + int(np.abs(sizes.cumsum() - config.validation_size * n).argmin())
        held = np.isin(groups, runs[-n_runs:])
    learned, validated = everything[~held], everything[held]
    left = np.unique(y[learned])
    lost = np.setdiff1d(y, left)
    if len(left) < 2:
        raise InputError(
            f"What is left to learn from beside the validation part must hold at least two classes, found "
            f"{len(left)} in {len(learned)} samples. Make validation_size smaller, or choose another "
            "validation."
        )
    notes: tuple[str, ...] = ()
    if len(lost):
        notes = (
            f"{len(lost)} of {len(left) + len(lost)} classes lie in the validation part alone, so that "
            "nothing of them is learned. Make validation_size smaller, or choose another validation.",
        )
    return Held(learned, validated, notes)


class BestEpoch:
    """Watches the validation loss: keeps the weights of its lowest, and says when to stop.

    Parameters
    ----------
    patience : int
        Epochs without a lower loss before the fit stops; 0 never stops it.

    Attributes
    ----------
    epoch : int
        The best so far; 0 before the first.
    loss : float
    state : dict of str to Tensor
        A copy of weights and statistics after it.
    """

    def __init__(self, patience: int = 0) -> None:
        self.patience = patience
        self.epoch, self.loss = 0, math.inf
        self.state: dict[str, torch.Tensor] = {}

    def see(self, epoch: int, validation: Quality | None, network: nn.Module) -> None:
        """Look at the network after an epoch."""
        if validation is not None and validation.loss < self.loss:
            self.epoch, self.loss = epoch, validation.loss
            self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def is_over(self, epoch: int) -> bool:
        """Whether the patience is used up after an epoch."""
        return 0 < self.patience <= epoch - self.epoch


def best_epoch(history: Sequence[EpochDone]) -> int | None:
    """The epoch with the lowest validation loss, the first of equals; None without a validation part."""
    losses = {e.epoch: e.validation.loss for e in history if e.validation is not None}
    finite = {epoch: loss for epoch, loss in losses.items() if math.isfinite(loss)}
    return min(finite, key=lambda epoch: finite[epoch]) if finite else None


def epochs_of_refit(folds: Sequence[FoldResult], config: TrainingConfig) -> int | None:
    """How long the fit on all samples goes, which has no validation part: as the folds in the median.

    Parameters
    ----------
    folds : sequence of FoldResult
    config : TrainingConfig

    Returns
    -------
    int or None
        Median (rounded) over the folds of the epoch whose weights they keep; None where the
        validation part chose none.
    """
    kept = [
        best_epoch(fold.history) if config.keep_best else fold.history[-1].epoch
        for fold in folds
        if fold.history and fold.history[-1].validation is not None
    ]
    known = [epoch for epoch in kept if epoch is not None]
    if not known or not (config.keep_best or config.patience):
        return None
    return max(1, round(float(np.median(known))))
