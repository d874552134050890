"""cnn3d: a convolutional network in three dimensions, for thick slabs and whole brains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.decoders.cnn2d import add_dense
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from torch import nn


Sizes = tuple[int, int, int]


class CNN3D(NetworkDecoder):
    """The architecture of `cnn2d` with voxels instead of pixels.

    Each block is Conv 3x3x3 padded to keep the size, ReLU, BatchNorm, MaxPool 2. Along an axis
    of fewer than three voxels the kernel is 1, along one of fewer than four the pool is 1.
    """

    layout: ClassVar[Layout] = "volume"
    summary: ClassVar[str] = "Convolutional network in three dimensions, for thick slabs and whole brains"
    training_defaults: ClassVar[dict[str, Any]] = {
        "epochs": 60,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "batch_size": 16,
    }

    name: Literal["cnn3d"] = "cnn3d"
    filters: tuple[Annotated[int, Field(gt=0, le=4096)], ...] = Field(
        (16, 32, 64),
        description="Number of filters of each convolution, one number per block.",
        min_length=1,
        max_length=32,
    )
    dense: tuple[Annotated[int, Field(gt=0, le=100_000)], ...] = Field(
        (128,),
        description="Number of units of each dense layer before the last, one number per layer.",
        max_length=32,
    )
    dropout: float = Field(
        0.5, description="Dropout probability of the dense layers in training.", ge=0, lt=1
    )

    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        """Build the untrained network for (1, x, y, z) inputs; see `Decoder.build`."""
        from torch import nn

        channels, x, y, z = input_shape
        size = (x, y, z)
        network = nn.Sequential()
        for i, (filters, (kernel, pool)) in enumerate(
            zip(self.filters, self._blocks(input_shape), strict=False), 1
        ):
            padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
            network.add_module(f"conv{i}", nn.Conv3d(channels, filters, kernel, padding=padding))
            network.add_module(f"relu{i}", nn.ReLU())
            network.add_module(f"norm{i}", nn.BatchNorm3d(filters))
            network.add_module(f"pool{i}", nn.MaxPool3d(pool))
            channels, size = filters, _divided(size, pool)
        add_dense(network, channels * size[0] * size[1] * size[2], self.dense, self.dropout, n_classes)
        return self.finished(network)

    def notes(self, input_shape: tuple[int, ...]) -> list[str]:
        """Report which blocks do not fit, and which axes are too thin."""
        blocks = self._blocks(input_shape)
        shape = " x ".join(str(n) for n in input_shape[1:])
        notes = []
        if len(blocks) < len(self.filters):
            notes.append(
                f"The volume of {shape} voxels is too small for {len(self.filters)} blocks, so cnn3d has "
                f"{len(blocks)}."
            )
        thin = [axis for axis, k in zip("xyz", blocks[0][0], strict=True) if k == 1]
        if thin:
            notes.append(
                f"The volume of {shape} voxels has fewer than 3 along {', '.join(thin)}, so kernels of cnn3d "
                "have size 1 there."
            )
        return notes

    def _blocks(self, input_shape: tuple[int, ...]) -> list[tuple[Sizes, Sizes]]:
        """Kernel and pooling size of each block, as long as a kernel of 3 fits along one axis."""
        _, x, y, z = input_shape
        size = (x, y, z)
        blocks: list[tuple[Sizes, Sizes]] = []
        while len(blocks) < len(self.filters) and (not blocks or max(size) >= 3):
            kernel = (_kernel(size[0]), _kernel(size[1]), _kernel(size[2]))
            pool = (_pool(size[0]), _pool(size[1]), _pool(size[2]))
            blocks.append((kernel, pool))
            size = _divided(size, pool)
        return blocks


def _kernel(n: int) -> int:
    return 3 if n >= 3 else 1


def _pool(n: int) -> int:
    return 2 if n >= 4 else 1


def _divided(size: Sizes, pool: Sizes) -> Sizes:
    return (size[0] // pool[0], size[1] // pool[1], size[2] // pool[2])
