"""How a network is trained: what the user states, and what its decoder fills in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from napari_fmri_decoder.samples.options import Options
from napari_fmri_decoder.training.balance import Balance
from napari_fmri_decoder.training.schedules import Schedule
from napari_fmri_decoder.training.validation import Validation

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder

Optimizer = Literal["sgd", "adam"]
Precision = Literal["float32", "bfloat16"]

_FALLBACK: dict[str, Any] = {
    "epochs": 100,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "batch_size": 32,
}
"""For a decoder that states no default of its own."""
_LEARNING_RATES = {"sgd": 0.01, "adam": 1e-3}
"""Where the user chooses another optimiser than the decoder's: its rate would not suit the other."""


Epochs = Annotated[int, Field(ge=1, le=10_000_000)]
Rate = Annotated[float, Field(gt=0, le=1e38)]
Decay = Annotated[float, Field(ge=0, le=1000)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
BatchSize = Annotated[int, Field(ge=0, le=10_000_000)]


class TrainingConfig(Options):
    """Options of training; what is left empty comes from the decoder.

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> TrainingConfig(epochs=300).resolved(get_decoder({"name": "mlp"})).learning_rate
    0.1
    """

    epochs: Epochs | None = Field(
        None, description="How often the network sees all training samples; empty for its own default."
    )
    optimizer: Optimizer | None = Field(
        None, description="Rule of descent: sgd or adam; empty for the network's own."
    )
    learning_rate: Rate | None = Field(
        None, description="Length of the steps of the optimiser; empty for the network's own."
    )
    weight_decay: Decay | None = Field(
        None, description="Strength of the L2 penalty on all weights; empty for the network's own."
    )
    momentum: Momentum | None = Field(
        None, description="Momentum of sgd; adam has its own. Empty for the network's own."
    )
    batch_size: BatchSize | None = Field(
        None, description="Samples per step; 0 for all at once; empty for the network's own."
    )
    schedule: Schedule = Field(
        "constant",
        description="The learning rate over the epochs: constant, cosine (falls to zero in half a cosine) or "
        "step (a tenth after half of the epochs, a hundredth after three quarters).",
    )
    validation: Validation = Field(
        "none",
        description="What of each training part is held back from learning, to choose the epoch by: runs "
        "(its last whole runs), last (its last samples, as Keras's validation_split; their neighbours in "
        "time are learned from), or none.",
    )
    validation_size: float = Field(
        0.2, description="Fraction of the training part's samples that is held back, about.", gt=0, lt=1
    )
    patience: int = Field(
        0,
        description="Epochs without a lower validation loss before a fit stops; 0 goes through all. Needs a "
        "validation part.",
        ge=0,
        le=10_000_000,
    )
    keep_best: bool = Field(
        True,
        description="Where there is a validation part, keep the weights of the epoch with its lowest loss, "
        "not those of the last.",
    )
    screening: float = Field(
        0.0,
        description="Keep only the voxels with the highest F (ANOVA of the classes), found in each training "
        "part alone: from 1 on so many voxels, below 1 that fraction of them; 0 keeps all.",
        ge=0,
        le=1e9,
    )
    balance: Balance = Field(
        "none",
        description="Classes of unequal size in the training part: weights (a rare class counts more), "
        "undersample (leave out), oversample (repeat), or none.",
    )
    select: dict[str, Annotated[tuple[bool | int | float | str, ...], Field(min_length=1)]] = Field(
        {},
        description="Options of the network or of training that are chosen inside each training part, by "
        "leaving out whole runs of it, each with its candidates: hidden = [9, 99]; weight_decay = [0, 0.1]. "
        "Every combination is fitted, in the permutations too.",
    )
    seed: int = Field(0, description="All random numbers of all folds come from it.", ge=0, le=2**32 - 1)
    seeds: int = Field(
        1,
        description="With how many seeds, counted on from seed, everything is fitted; their spread stands "
        "beside the score of the first.",
        ge=1,
        le=1000,
    )
    threads: int = Field(
        2,
        description="Threads that torch computes with; another number changes the last digits.",
        ge=1,
        le=1024,
    )
    precision: Precision = Field(
        "float32",
        description="What products of layers are computed in while training: float32, or bfloat16, faster "
        "where the device has it (its first three digits; weights and their updates stay float32).",
    )
    device: str = Field(
        "auto",
        description="auto, cpu, cuda, cuda:<number> or mps; the processor where it is not there.",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        json_schema_extra={"mode": "device"},
    )

    @field_validator("screening")
    @classmethod
    def _whole(cls, screening: float) -> float:
        if screening >= 1 and not screening.is_integer():
            raise ValueError("a number of voxels must be whole; a fraction lies below 1")
        return screening

    @model_validator(mode="after")
    def _patience_has_a_measure(self) -> Self:
        if self.patience and self.validation == "none":
            raise ValueError(
                f"patience = {self.patience} needs a validation part to watch; choose validation = runs or "
                "last, or set patience = 0"
            )
        return self

    def resolved(self, decoder: Decoder) -> ResolvedTraining:
        """State every value: the user's, else the decoder's, else a common one.

        Parameters
        ----------
        decoder : Decoder

        Returns
        -------
        ResolvedTraining
        """
        stated = self.model_dump(exclude_none=True)
        values = _FALLBACK | decoder.training_defaults
        if self.optimizer not in (None, values["optimizer"]):
            values["learning_rate"] = _LEARNING_RATES[self.optimizer]
        return ResolvedTraining.model_validate(values | stated)


class ResolvedTraining(TrainingConfig):
    """A `TrainingConfig` in which nothing is empty."""

    epochs: Epochs
    optimizer: Optimizer
    learning_rate: Rate
    weight_decay: Decay
    momentum: Momentum
    batch_size: BatchSize
