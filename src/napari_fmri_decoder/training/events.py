"""What training tells while it runs: small frozen events, read alike by notebook, command and dock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.scaling import Scaler
    from napari_fmri_decoder.samples.splits import Split


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean cross-entropy (nats) and the fraction that is right, of one model on one part."""

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A trained decoder: all that predicting needs, less where it lies in space.

    Attributes
    ----------
    decoder : Decoder
    input_shape : tuple of int
        Of one sample in the decoder's layout.
    n_classes : int
    state : dict of str to ndarray
        Weights and statistics by name.
    scaler : Scaler
        Fitted on the training part alone, after screening; applied to (n, features) before arranging.
    chosen : (features,) bool array, or None
        The features that screening kept; None for all.
    """

    decoder: Decoder
    input_shape: tuple[int, ...]
    n_classes: int
    state: dict[str, NDArray[Any]]
    scaler: Scaler
    chosen: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class FitStarted:
    """A fit begins; the quality of the untrained network stands for epoch 0 (None for an estimator)."""

    epochs: int
    batches: int
    n_parameters: int
    train: Quality | None
    test: Quality | None
    validation: Quality | None = None


@dataclass(frozen=True, slots=True)
class BatchDone:
    """One step of the optimiser is done: a place where training can stop. Both count from 1."""

    epoch: int
    batch: int
    loss: float


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One epoch is done. `test` is the held-out part: watched, never used to choose.

    `validation` is what was held back of the training part, if anything was: never learned from, but the
    epoch is chosen by it. `watched` is what curves show beside `train`: it, or else the test part.
    """

    epoch: int
    train: Quality
    test: Quality | None
    validation: Quality | None = None

    @property
    def watched(self) -> Quality | None:
        """Of the validation part where there is one, else of the test part."""
        return self.validation or self.test


@dataclass(frozen=True, slots=True, eq=False)
class FitDone:
    """A fit has ended with a model."""

    model: FittedModel
    seconds: float


@dataclass(frozen=True, slots=True)
class FoldStarted:
    """A fold begins. `fold` counts from 0; the refit on all samples is fold `n_folds`."""

    fold: int
    n_folds: int
    name: str

    @property
    def text(self) -> str:
        """Which fold, by its number in the files of a run, and how far on.

        Examples
        --------
        >>> FoldStarted(0, 12, "run 1").text
        'fold 0 (1 of 12), run 1'
        """
        number = f"fold {self.fold}"
        left_out = "" if self.name in ("", number) else f", {self.name}"
        return f"{number} ({self.fold + 1} of {self.n_folds}){left_out}"


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """What one fold gave.

    Attributes
    ----------
    fold : int
    split : Split
    probabilities : (n_test, classes) float32 array
    train_probabilities : (n_train, classes) float32 array
    train, test : Quality
        Of the trained model; `train` on the whole training part, with what was held back of it.
    untrained_train, untrained_test : Quality or None
        Of the network before its first step; None for models that have no such state.
    history : tuple of EpochDone
        Up to the epoch at which the fit stopped.
    model : FittedModel
    untrained_validation : Quality or None
        Of the part that was held back in training, if one was.
    """

    fold: int
    split: Split
    probabilities: NDArray[np.float32]
    train_probabilities: NDArray[np.float32]
    train: Quality
    test: Quality
    untrained_train: Quality | None
    untrained_test: Quality | None
    model: FittedModel
    history: tuple[EpochDone, ...] = field(default=())
    untrained_validation: Quality | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FoldDone:
    """A fold has ended."""

    result: FoldResult


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user should know; not an error."""

    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A place to stop: `done` of `total` steps of `what` are behind."""

    what: str
    done: int
    total: int


FitEvent = FitStarted | BatchDone | EpochDone | FitDone | Note | Progress
TrainingEvent = FitEvent | FoldStarted | FoldDone
