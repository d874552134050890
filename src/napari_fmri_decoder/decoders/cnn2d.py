"""cnn2d: a convolutional network on a slab whose planes are its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from torch import nn


class CNN2D(NetworkDecoder):
    """Three blocks of convolution and pooling, then dense layers: the network of the slab notebook.

    Each block is Conv 3x3 without padding, ReLU, BatchNorm, MaxPool 2; each dense layer is
    followed by ReLU, BatchNorm and dropout.

    Examples
    --------
    >>> network = CNN2D().build((3, 40, 56), 2)
    >>> sum(p.numel() for p in network.parameters())
    2342466
    """

    layout: ClassVar[Layout] = "planes"
    summary: ClassVar[str] = "Convolutional network on a slab, whose planes are the channels of a 2-D image"
    training_defaults: ClassVar[dict[str, Any]] = {
        "epochs": 125,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "batch_size": 32,
    }

    name: Literal["cnn2d"] = "cnn2d"
    filters: tuple[Annotated[int, Field(gt=0, le=4096)], ...] = Field(
        (32, 64, 128),
        description="Number of filters of each convolution, one number per block.",
        min_length=1,
        max_length=32,
    )
    dense: tuple[Annotated[int, Field(gt=0, le=100_000)], ...] = Field(
        (1024, 256, 64),
        description="Number of units of each dense layer before the last, one number per layer.",
        max_length=32,
    )
    dropout: float = Field(
        0.5, description="Dropout probability of the dense layers in training.", ge=0, lt=1
    )

    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        """Build the untrained network for (plane, in-plane 1, in-plane 2) inputs; see `Decoder.build`."""
        from torch import nn

        channels, *size = input_shape
        network = nn.Sequential()
        for i, (filters, pool) in enumerate(zip(self.filters, self._pools(input_shape), strict=False), 1):
            network.add_module(f"conv{i}", nn.Conv2d(channels, filters, kernel_size=3))
            network.add_module(f"relu{i}", nn.ReLU())
            network.add_module(f"norm{i}", nn.BatchNorm2d(filters))
            network.add_module(f"pool{i}", nn.MaxPool2d(pool))
            channels, size = filters, [(n - 2) // k for n, k in zip(size, pool, strict=True)]
        add_dense(network, channels * size[0] * size[1], self.dense, self.dropout, n_classes)
        return self.finished(network)

    def notes(self, input_shape: tuple[int, ...]) -> list[str]:
        """Report which blocks do not fit a slab of `input_shape`."""
        pools = self._pools(input_shape)
        a, b = input_shape[1:]
        notes = []
        if len(pools) < len(self.filters):
            notes.append(
                f"The slab of {a} x {b} pixels is too small for {len(self.filters)} blocks, so cnn2d has "
                f"{len(pools)}."
            )
        if min(pools[0]) < 2:
            notes.append(f"The slab of {a} x {b} pixels is too thin for pooling along both of its axes.")
        return notes

    def _pools(self, input_shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Pooling size of each block that fits; the first block always fits, without pooling if necessary."""
        a, b = input_shape[1:]
        if min(a, b) < 3:
            raise InputError(
                f"A slab for cnn2d must have at least 3 x 3 pixels in plane, got {a} x {b}. "
                "Choose another axis for the slab, or the decoder mlp."
            )
        pools: list[tuple[int, int]] = []
        while len(pools) < len(self.filters) and (not pools or min(a, b) >= 4):
            pool = (min(2, a - 2), min(2, b - 2))
            pools.append(pool)
            a, b = (a - 2) // pool[0], (b - 2) // pool[1]
        return pools


def add_dense(
    network: nn.Sequential, n_inputs: int, units: tuple[int, ...], dropout: float, n_classes: int
) -> None:
    """Add the dense layers at the end of a convolutional network: flatten, hidden layers, logits.

    Parameters
    ----------
    network : nn.Sequential
        With `n_inputs` outputs per sample; changed in place.
    n_inputs : int
    units : tuple of int
        One number per hidden layer; each is followed by ReLU, BatchNorm and dropout.
    dropout : float
    n_classes : int
    """
    from torch import nn

    network.add_module("flatten", nn.Flatten())
    network.add_module("flatten_dropout", nn.Dropout(dropout))
    for i, n in enumerate(units, 1):
        network.add_module(f"dense{i}", nn.Linear(n_inputs, n))
        network.add_module(f"dense_relu{i}", nn.ReLU())
        network.add_module(f"dense_norm{i}", nn.BatchNorm1d(n))
        network.add_module(f"dense_dropout{i}", nn.Dropout(dropout))
        n_inputs = n
    network.add_module("out", nn.Linear(n_inputs, n_classes))
