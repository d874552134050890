"""What a decoder is: options, the layout of its input, its own training defaults, and how it is built.

A new decoder is one new file in this folder with one subclass of `NetworkDecoder` (torch) or
`EstimatorDecoder` (scikit-learn); it registers itself under the literal of its field `name`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from napari_fmri_decoder.samples.samples import Layout

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import nn

registry: dict[str, type[Decoder]] = {}
"""Every decoder by its name."""


class Decoder(BaseModel):
    """Options of one decoder; each field is an option with its unit, limits and description."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: ClassVar[Layout]
    summary: ClassVar[str]
    """One line for menus and `fmri-decoder models`."""
    training_defaults: ClassVar[dict[str, Any]] = {}
    """Fields of `TrainingConfig` that this decoder sets where the user does not."""
    name: str

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register every subclass whose `name` has a default."""
        super().__pydantic_init_subclass__(**kwargs)
        default = cls.model_fields["name"].default
        if isinstance(default, str):
            registry[default] = cls


class NetworkDecoder(Decoder):
    """A decoder that is a torch network."""

    @abstractmethod
    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        """Build the untrained network.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample in `layout`.
        n_classes : int

        Returns
        -------
        nn.Sequential
            Its modules have names ("conv1", "pool1", "dense1", "out"); it takes
            (n, *input_shape) float32 and gives (n, n_classes) logits.
        """

    def notes(self, input_shape: tuple[int, ...]) -> list[str]:
        """Sentences on how the network was adapted to `input_shape`, empty if it was not."""
        return []


class EstimatorDecoder(Decoder):
    """A decoder that is a scikit-learn classifier."""

    @abstractmethod
    def estimator(self, seed: int) -> BaseEstimator:
        """Build the unfitted classifier."""
