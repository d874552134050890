"""Events of training: small frozen objects for notebooks, the command line and the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.scaling import Scaler
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.whitening import Whitening


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean cross-entropy (nats) and accuracy of one model on one set of samples."""

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A trained decoder: all that predictions need, except the position of the features in space.

    Attributes
    ----------
    decoder : Decoder
    input_shape : tuple of int
        Of one sample in the decoder's layout.
    n_classes : int
    state : dict of str to ndarray
        Weights and statistics by name.
    scaler : Scaler
        Fitted on the training set alone, after screening; applied to (n, features) before arranging.
    screened : (features,) bool array, or None
        The features that screening selected; None for all.
    whitening : Whitening or None
        Applied to scaled samples before arranging; None if there is none, or if it is part of the weights
        of a linear layer.
    others : tuple of FittedModel
        Further networks that vote: the prediction is the mean of the probabilities of all. What shows the
        inside of a model, such as its activations, shows the first.
    """

    decoder: Decoder
    input_shape: tuple[int, ...]
    n_classes: int
    state: dict[str, NDArray[Any]]
    scaler: Scaler
    screened: NDArray[np.bool_] | None = None
    whitening: Whitening | None = None
    others: tuple[FittedModel, ...] = ()


@dataclass(frozen=True, slots=True)
class FitStarted:
    """A fit starts; the quality of the untrained network is that of epoch 0 (None for an estimator)."""

    epochs: int
    batches: int
    n_parameters: int
    train: Quality | None
    test: Quality | None
    validation: Quality | None = None


@dataclass(frozen=True, slots=True)
class BatchDone:
    """One step of the optimizer is done: a place where training can stop. Both numbers start at 1."""

    epoch: int
    batch: int
    loss: float


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One epoch is done. `test` is the test set: evaluated, never used for selection.

    `validation` is the validation set, if there is one: never trained on, but used to select the epoch.
    `watched` is the curve shown next to `train`: that of the validation set, or else of the test set.
    """

    epoch: int
    train: Quality
    test: Quality | None
    validation: Quality | None = None

    @property
    def watched(self) -> Quality | None:
        """Quality on the validation set if there is one, else on the test set."""
        return self.validation or self.test


@dataclass(frozen=True, slots=True, eq=False)
class FitDone:
    """A fit is done, with a model."""

    model: FittedModel
    seconds: float


@dataclass(frozen=True, slots=True)
class FoldStarted:
    """A fold starts. `fold` starts at 0; the refit on all samples is fold `n_folds`."""

    fold: int
    n_folds: int
    name: str

    @property
    def text(self) -> str:
        """The fold, by its number in the files of a run, and the progress.

        Examples
        --------
        >>> FoldStarted(0, 12, "run 1").text
        'fold 0 (1 of 12), run 1'
        """
        number = f"fold {self.fold}"
        held_out = "" if self.name in ("", number) else f", {self.name}"
        return f"{number} ({self.fold + 1} of {self.n_folds}){held_out}"


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """The result of one fold.

    Attributes
    ----------
    fold : int
    split : Split
    probabilities : (n_test, classes) float32 array
    train_probabilities : (n_train, classes) float32 array
    train, test : Quality
        Of the trained model; `train` on the whole training set, including the validation set.
    untrained_train, untrained_test : Quality or None
        Of the network before its first step; None for models without such a state.
    history : tuple of EpochDone
        Up to the epoch at which the fit stopped.
    model : FittedModel
    untrained_validation : Quality or None
        Of the validation set, if there was one.
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
    """A fold is done."""

    result: FoldResult


@dataclass(frozen=True, slots=True)
class Note:
    """Information for the user; not an error."""

    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A place to stop: `done` of `total` steps of `what` are done."""

    what: str
    done: int
    total: int


FitEvent = FitStarted | BatchDone | EpochDone | FitDone | Note | Progress
TrainingEvent = FitEvent | FoldStarted | FoldDone
