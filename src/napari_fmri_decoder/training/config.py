"""Options of training: those that the user sets, and the values that the decoder provides for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import Options, explain
from napari_fmri_decoder.training.augment_config import NO_AUGMENT, AugmentConfig

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder

Optimizer = Literal["sgd", "adam"]
Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "cosine", "step"]
Validation = Literal["none", "runs", "last"]
Balance = Literal["none", "weights", "undersample", "oversample"]

_FALLBACK: dict[str, Any] = {
    "epochs": 100,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "batch_size": 32,
}
"""Values for what neither the user nor the decoder sets."""
_LEARNING_RATES = {"sgd": 0.01, "adam": 1e-3}
"""Learning rate where the user selects another optimizer than the decoder's, whose rate would not suit it."""


Epochs = Annotated[int, Field(ge=1, le=10_000_000)]
Rate = Annotated[float, Field(gt=0, le=1e38)]
Decay = Annotated[float, Field(ge=0, le=1000)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
BatchSize = Annotated[int, Field(ge=0, le=10_000_000)]


class TrainingConfig(Options):
    """Options of training; empty ones take the decoder's defaults.

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> TrainingConfig(epochs=300).resolved(get_decoder({"name": "mlp"})).learning_rate
    0.1
    """

    epochs: Epochs | None = Field(
        None,
        description="Number of passes through all training samples; empty for the network's default.",
        json_schema_extra={"basic": True},
    )
    optimizer: Optimizer | None = Field(
        None, description="Optimizer: sgd or adam; empty for the network's default."
    )
    learning_rate: Rate | None = Field(
        None, description="Learning rate of the optimizer; empty for the network's default."
    )
    weight_decay: Decay | None = Field(
        None, description="Strength of the L2 penalty on all weights; empty for the network's default."
    )
    momentum: Momentum | None = Field(
        None, description="Momentum of sgd; adam does not use it. Empty for the network's default."
    )
    batch_size: BatchSize | None = Field(
        None,
        description="Samples per step of the optimizer; 0 for all at once; empty for the network's default.",
    )
    schedule: Schedule = Field(
        "constant",
        description="The learning rate over the epochs: constant, cosine (falls to zero along half a cosine) "
        "or step (a tenth after half of the epochs, a hundredth after three quarters).",
    )
    validation: Validation = Field(
        "none",
        description="Validation set, taken from each training set to select the epoch: runs (its last whole "
        "runs), last (its last samples, as Keras's validation_split; their neighbors in time are trained "
        "on), or none.",
    )
    validation_size: float = Field(
        0.2, description="Approximate fraction of the training set used for validation.", gt=0, lt=1
    )
    patience: int = Field(
        0,
        description="Epochs without a lower validation loss before training stops early; 0 trains for all "
        "epochs. Needs a validation set.",
        ge=0,
        le=10_000_000,
    )
    keep_best: bool = Field(
        True,
        description="With a validation set, keep the weights of the epoch with the lowest validation loss "
        "instead of those of the last epoch.",
    )
    screening: float = Field(
        0.0,
        description="Keep only the voxels with the highest F (ANOVA of the classes), computed in each "
        "training set alone: 1 or more is a number of voxels, below 1 a fraction of them; 0 keeps all.",
        ge=0,
        le=1e9,
    )
    whiten: bool = Field(
        False,
        description="Remove the noise that voxels share: the covariance within classes of lda (Ledoit-Wolf), "
        "computed in each training set alone. Samples are multiplied by its inverse square root.",
    )
    balance: Balance = Field(
        "none",
        description="Classes of unequal size in the training set: weights (a rare class counts more), "
        "undersample (drop samples), oversample (repeat samples), or none.",
    )
    augment: AugmentConfig = Field(
        NO_AUGMENT,
        description="Random changes of the samples that a network is trained on, in each batch; see "
        "[training.augment].",
    )
    calibrate: Literal["none", "temperature"] = Field(
        "none",
        description="Calibration of the probabilities: temperature (the logits are divided by one number, "
        "found in each training set by holding out its last runs, about validation_size of it; predictions "
        "stay the same), or none.",
    )
    select: dict[str, Annotated[tuple[bool | int | float | str, ...], Field(min_length=1)]] = Field(
        {},
        description="Options of the network or of training to select inside each training set, by holding "
        "out whole runs of it, each with its candidates: hidden = [9, 99]; weight_decay = [0, 0.1]. Every "
        "combination is fitted, in the permutations too.",
    )
    seed: int = Field(0, description="Seed of all random numbers in all folds.", ge=0, le=2**32 - 1)
    seeds: int = Field(
        1,
        description="Number of seeds, counted up from seed, with which everything is fitted; the spread of "
        "their scores is reported with the score of the first.",
        ge=1,
        le=1000,
    )
    average: bool = Field(
        False,
        description="The networks of all seeds vote as one model: its probabilities are the mean of theirs, "
        "in scores, permutations and the saved model. Needs at least two seeds.",
    )
    threads: int = Field(
        2,
        description="Number of threads of torch; another number changes the last digits.",
        ge=1,
        le=1024,
    )
    precision: Precision = Field(
        "float32",
        description="Precision of matrix products in training: float32, or bfloat16, which is faster on "
        "devices that support it (three significant digits; weights and their updates stay float32).",
    )
    device: str = Field(
        "auto",
        description="auto, cpu, cuda, cuda:<number> or mps; the CPU if the device is unavailable.",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        json_schema_extra={"mode": "device"},
    )

    @field_validator("screening")
    @classmethod
    def _number_or_fraction(cls, screening: float) -> float:
        if screening >= 1 and not screening.is_integer():
            raise ValueError("a number of voxels must be an integer; a fraction must be below 1")
        return screening

    @model_validator(mode="after")
    def _patience_needs_validation(self) -> Self:
        if self.patience and self.validation == "none":
            raise ValueError(
                f"patience = {self.patience} needs a validation set; choose validation = runs or last, or "
                "set patience = 0"
            )
        return self

    @model_validator(mode="after")
    def _calibrate_one_network(self) -> Self:
        if self.average and self.calibrate != "none":
            raise ValueError("calibrate applies to a single network; set average = false or calibrate = none")
        return self

    @model_validator(mode="after")
    def _average_needs_seeds(self) -> Self:
        if self.average and self.seeds < 2:
            raise ValueError("average = true needs several networks; set seeds to 2 or more")
        return self

    @model_validator(mode="after")
    def _moves_need_all_voxels(self) -> Self:
        if self.screening and self.augment.moves:
            raise ValueError(
                "augment.shift_mm and augment.rotation_deg need the neighbors of each voxel, but screening "
                "removes voxels; set screening = 0, or both of them to 0"
            )
        return self

    def resolved(self, decoder: Decoder) -> ResolvedTraining:
        """Set every value: the user's, else the decoder's, else a common one.

        This is the one place where options are resolved; whatever trains takes a `ResolvedTraining`.

        Parameters
        ----------
        decoder : Decoder

        Returns
        -------
        ResolvedTraining

        Raises
        ------
        InputError
            If the decoder's defaults are not valid.
        """
        stated = self.model_dump(exclude_none=True)
        values = _FALLBACK | decoder.training_defaults
        if self.optimizer not in (None, values["optimizer"]):
            values["learning_rate"] = _LEARNING_RATES[self.optimizer]
        try:
            return ResolvedTraining.model_validate(values | stated)
        except ValidationError as error:
            raise InputError(
                f"The training defaults of decoder {decoder.name!r} must be valid: {explain(error)}. Report "
                "this to the authors of the decoder."
            ) from error

    def written(self, decoder: Decoder) -> dict[str, Any]:
        """Options as they are written to a file: without empty ones, and those that a decoder never reads."""
        return self.model_dump(mode="json", exclude_none=True, exclude=set(decoder.unread_training))


class ResolvedTraining(TrainingConfig):
    """A `TrainingConfig` in which every value is set."""

    epochs: Epochs
    optimizer: Optimizer
    learning_rate: Rate
    weight_decay: Decay
    momentum: Momentum
    batch_size: BatchSize
