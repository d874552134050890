"""Base classes of decoders: options, the layout of the input, defaults of training, and the network.

A new decoder is one new file in this folder, or in a package of your own, with one subclass of
`NetworkDecoder` (torch) or `EstimatorDecoder` (scikit-learn); it registers itself under the default of its
field `name`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import Field

from napari_fmri_decoder.decoders.one_layer import one_layer
from napari_fmri_decoder.options import shown
from napari_fmri_decoder.registry import Registered, Registry
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.generators import Steps

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
TRAINING_DEFAULTS = ("epochs", "optimizer", "learning_rate", "weight_decay", "momentum", "batch_size")
"""Options of training that a decoder may set; those that it does not set have common values."""

registry: Registry[Decoder] = Registry("decoder", "napari_fmri_decoder.decoders")
"""Every decoder by its name."""


class Decoder(Registered):
    """Options of one decoder; each field is an option with its unit, limits and description."""

    registry: ClassVar[Registry[Any]] = registry
    required: ClassVar[tuple[str, ...]] = ("layout", "summary", "training_defaults")
    layout: ClassVar[Layout]
    """How a sample is arranged: "vector" (the voxels), "planes" or "volume"."""
    training_defaults: ClassVar[dict[str, Any]]
    """The values of `TRAINING_DEFAULTS` that this decoder sets where the user does not."""
    unread_training: ClassVar[tuple[str, ...]] = ()
    """Options of training that this kind of decoder never reads."""
    name: str

    @classmethod
    def problem(cls) -> str:
        """What the class lacks; see `Registered.problem`."""
        if problem := super().problem():
            return problem
        if cls.layout not in LAYOUTS:
            return f"its layout must be one of {', '.join(LAYOUTS)}, not {shown(cls.layout)}"
        if not isinstance(cls.training_defaults, Mapping):
            return f"its training_defaults must be a dict, not {shown(cls.training_defaults)}"
        if unknown := [str(name) for name in cls.training_defaults if name not in TRAINING_DEFAULTS]:
            return f"its training_defaults may set {', '.join(TRAINING_DEFAULTS)}, not {', '.join(unknown)}"
        if not issubclass(cls, (NetworkDecoder, EstimatorDecoder)):
            return "it must be a subclass of NetworkDecoder or EstimatorDecoder"
        return ""

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
            With named modules ("conv1", "pool1", "dense1", "out"); its input is (n, *input_shape) float32,
            its output (n, n_classes) logits.
        """

    def meanings(self, n_features: int, n_classes: int) -> dict[str, Any]:
        """Values that empty options mean for samples of this size; by default none depends on it."""
        return {}

    def notes(self, input_shape: tuple[int, ...]) -> list[str]:
        """Sentences on how the network was adapted to `input_shape`; empty if it was not."""
        return []

    @property
    def no_curves(self) -> str:
        """Why there are no learning curves, in one sentence that replaces them; "" if there are."""
        return ""


class NetworkDecoder(Decoder):
    """A decoder that torch trains, batch by batch."""

    preset: Literal["torch", "keras"] = Field(
        "torch",
        description="Initial weights, constants of batch normalization and Adam's epsilon: the defaults of "
        "torch, or those of Keras, which the notebooks used.",
    )

    @property
    def adam_epsilon(self) -> float:
        """Term that Adam adds to the root of the second moment."""
        return 1e-7 if self.preset == "keras" else 1e-8

    @property
    def starts_from_samples(self) -> bool:
        """Whether `start_from` changes the initial weights."""
        return False

    def start_from(self, network: nn.Sequential, inputs: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Set initial weights of a new network from its training samples, in place; by default nothing.

        Parameters
        ----------
        network : nn.Sequential
            From `build`.
        inputs : (n, *input_shape) float32 array
        y : (n,) int64 array
        """

    def finished(self, network: nn.Sequential) -> nn.Sequential:
        """Give a new network the initial weights and constants of the preset; call it at the end of `build`.

        Keras draws weights uniformly as in Glorot and Bengio (2010), sets biases to 0, and normalizes
        batches with an epsilon of 0.001 and a momentum of 0.99, which is 0.01 in torch's definition.
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
    """Fitted weights of an estimator, under the names of the network from `build`.

    Attributes
    ----------
    state : dict of str to ndarray
    notes : tuple of str
        Sentences on what was selected, and whether the fit converged.
    """

    state: dict[str, NDArray[Any]]
    notes: tuple[str, ...] = ()


class EstimatorDecoder(Decoder):
    """A linear decoder that is fitted in one step, such as by scikit-learn.

    Its weights are stored as those of one torch layer, so that no pickled object is ever stored, and
    predictions and explanations treat it like a network.
    """

    training_defaults: ClassVar[dict[str, Any]] = {}
    unread_training: ClassVar[tuple[str, ...]] = (
        *TRAINING_DEFAULTS,
        *("schedule", "validation", "validation_size", "patience", "keep_best", "augment", "average"),
        *("precision", "device"),
    )

    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        """Build one linear layer `out` for (voxels,) inputs; see `Decoder.build`."""
        return one_layer(input_shape, n_classes)

    @property
    def no_curves(self) -> str:
        """Why there are no learning curves; see `Decoder.no_curves`."""
        return f"{self.name} is fitted in one step: there are no epochs to draw."

    def steps(self, groups: NDArray[np.str_]) -> int:
        """Number of models that `solve` fits on samples of these runs, (n,)."""
        return 1

    def nested_options(self) -> dict[str, tuple[float, ...]]:
        """Candidates of the options that `solve` selects by holding out runs, by the names of the options."""
        return {}

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
    ) -> Steps[float, Solution]:
        """Fit one model after another, and return the last.

        Parameters
        ----------
        X : (n, features) float64 array
            Scaled.
        y : (n,) int64 array
        n_classes : int
        groups : (n,) str array
            The run of each sample; runs stay together when a parameter is selected.
        seed : int
        balanced : bool
            Give each class the same weight in the loss, whatever its number of samples.

        Yields
        ------
        float
            The loss of each model (nats), as a place where training can stop.

        Returns
        -------
        Solution
        """
