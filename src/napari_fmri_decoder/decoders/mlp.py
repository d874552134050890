"""mlp: one hidden layer on a vector of voxels."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from torch import nn


class MLP(NetworkDecoder):
    """Linear, ReLU, dropout, linear: the multilayer perceptron of the z-map notebook.

    Examples
    --------
    >>> MLP().build((992,), 26).dense1.out_features
    509
    """

    layout: ClassVar[Layout] = "vector"
    summary: ClassVar[str] = "Multilayer perceptron: one hidden layer on the voxels of the mask"
    training_defaults: ClassVar[dict[str, Any]] = {
        "epochs": 1000,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "weight_decay": 1e-4,
        "batch_size": 0,
    }

    name: Literal["mlp"] = "mlp"
    hidden: int | None = Field(
        None,
        description="Number of hidden units; empty for half of (voxels + classes), rounded down.",
        ge=1,
        le=100_000,
    )
    dropout: float = Field(
        0.25, description="Dropout probability of the hidden units in training.", ge=0, lt=1
    )

    def meanings(self, n_features: int, n_classes: int) -> dict[str, Any]:
        """Half of (voxels + classes) hidden units."""
        return {"hidden": (n_features + n_classes) // 2}

    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        """Build the untrained network for (voxels,) inputs; see `Decoder.build`."""
        from torch import nn

        (n_features,) = input_shape
        hidden = self.hidden or self.meanings(n_features, n_classes)["hidden"]
        layers = OrderedDict(
            dense1=nn.Linear(n_features, hidden),
            relu1=nn.ReLU(),
            dropout1=nn.Dropout(self.dropout),
            out=nn.Linear(hidden, n_classes),
        )
        return self.finished(nn.Sequential(layers))
