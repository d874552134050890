"""What a decoder is: options, the layout of its input, its own training defaults, and how it is built.

A new decoder is one new file in this folder with one subclass of `NetworkDecoder` (torch) or
`EstimatorDecoder` (scikit-learn); it registers itself under the literal of its field `name`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.samples.options import Registered
from napari_fmri_decoder.samples.samples import Layout

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

registry: dict[str, type[Decoder]] = {}
"""Every decoder by its name."""


class Decoder(Registered):
    """Options of one decoder; each field is an option with its unit, limits and description."""

    layout: ClassVar[Layout]
    registry: ClassVar[dict[str, Any]] = registry
    summary: ClassVar[str]
    """One line for menus and `fmri-decoder models`."""
    training_defaults: ClassVar[dict[str, Any]] = {}
    """Fields of `TrainingConfig` that this decoder sets where the user does not."""
    name: str

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

    @property
    def no_curves(self) -> str:
        """Why there are no learning curves, in a sentence that stands in their place; "" if there are."""
        return ""


class NetworkDecoder(Decoder):
    """A decoder whose weights are found by torch, batch after batch."""

    preset: Literal["torch", "keras"] = Field(
        "torch",
        description="First weights, constants of batch normalisation and Adam's epsilon: torch's own, or "
        "those of Keras, with which the notebooks trained.",
    )

    @property
    def adam_epsilon(self) -> float:
        """What Adam adds to the root of the second moment."""
        return 1e-7 if self.preset == "keras" else 1e-8

    def finished(self, network: nn.Sequential) -> nn.Sequential:
        """Give a built network the first weights and constants of the preset; `build` ends with it.

        Keras draws weights uniformly after Glorot and Bengio (2010), begins biases at 0, and
        normalises batches with an epsilon of 0.001 and a momentum of 0.99, which torch counts as 0.01.
        """
        if self.preset == "torch":
            return network
        from torch import nn

        for layer in network.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.Conv3d)):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
            elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                layer.eps, layer.momentum = 1e-3, 0.01
        return network


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The weights that an estimator came to, under the names of the network from `build`.

    Attributes
    ----------
    state : dict of str to ndarray
    notes : tuple of str
        What was chosen or left out on the way, in sentences.
    """

    state: dict[str, NDArray[Any]]
    notes: tuple[str, ...] = ()


class EstimatorDecoder(Decoder):
    """A linear decoder whose weights scikit-learn finds; they are kept as those of a torch layer.

    So no pickled object is ever stored, and predicting and explaining treat it like a network.
    """

    @property
    def no_curves(self) -> str:
        """Why there are no learning curves; see `Decoder.no_curves`."""
        return f"{self.name} is fitted in one step by scikit-learn: there are no epochs to draw."

    def steps(self, groups: NDArray[np.str_]) -> int:
        """How many models `solve` fits on samples of these runs, (n,)."""
        return 1

    @abstractmethod
    def solve(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.int64],
        n_classes: int,
        groups: NDArray[np.str_],
        seed: int,
        *,
        balanced: bool = False,
    ) -> Generator[float, None, Solution]:
        """Fit model after model, and return the last.

        Parameters
        ----------
        X : (n, features) float64 array
            Scaled.
        y : (n,) int64 array
        n_classes : int
        groups : (n,) str array
            The run of each sample: what choosing a parameter keeps together.
        seed : int
        balanced : bool
            Let each class count alike in the loss, however many samples it has.

        Yields
        ------
        float
            After each model its loss (nats): a place where training can stop.

        Returns
        -------
        Solution
        """
