"""mlp: one hidden layer on a vector of voxels."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.decoders.one_layer import ABSENT
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray
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

    start: Literal["random", "means"] = Field(
        "random",
        description="Initial weights. random: those of the preset. means: two hidden units per class along "
        "its mean in the training set, so that the untrained network chooses the class of the nearest mean; "
        "with training.whiten this is lda. The other hidden units are random, without influence at first.",
    )

    @property
    def starts_from_samples(self) -> bool:
        """Whether the class means are the initial weights."""
        return self.start == "means"

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

    def start_from(self, network: nn.Sequential, inputs: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Start from the nearest class mean; see `NetworkDecoder.start_from`.

        The logits are those of discriminant analysis with the identity as covariance, m'x - m'm/2 + log(n)
        with the mean m of each class and its number n of samples: relu(m'x) - relu(-m'x) is m'x.
        """
        if self.start == "random":
            return
        import torch
        from torch import nn

        first, last = network[0], network[-1]
        if not (isinstance(first, nn.Linear) and isinstance(last, nn.Linear)):
            raise TypeError(f"The network of mlp must begin and end with a linear layer, got {network}.")
        n_classes, hidden = last.weight.shape
        if hidden < 2 * n_classes:
            raise InputError(
                f'start = "means" needs two hidden units per class, {2 * n_classes} for {n_classes} classes, '
                f'got hidden = {hidden}. Set more, or start = "random".'
            )
        samples = inputs.astype(np.float64)
        center = samples.mean(axis=0)
        with torch.no_grad():
            last.weight.zero_()
            last.bias.fill_(ABSENT)
            for k in map(int, np.unique(y)):
                mean = samples[y == k].mean(axis=0)
                length = float(max(np.linalg.norm(mean - center), np.finfo(np.float32).tiny))
                direction = torch.tensor((mean - center) / length, dtype=torch.float32)
                first.weight[2 * k], first.weight[2 * k + 1] = direction, -direction
                first.bias[2 * k : 2 * k + 2] = 0
                last.weight[k, 2 * k], last.weight[k, 2 * k + 1] = length, -length
                last.bias[k] = float((center @ center - mean @ mean) / 2 + np.log((y == k).mean()))
