"""Summary of a network: its layers, their sizes, and the number of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.layout import Layout


LARGEST_SIDE = 1_000_000_000
"""Largest number of voxels along an axis, or in a vector."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer: name, type, shape of the output for one sample, number of parameters and of statistics."""

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    statistics: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The layers of a network, in order, and notes on how it was adapted to its input."""

    rows: tuple[LayerRow, ...]
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def trainable(self) -> int:
        """Weights and biases."""
        return sum(row.parameters for row in self.rows)

    @property
    def statistics(self) -> int:
        """Running means and variances of batch normalization: stored, not trained."""
        return sum(row.statistics for row in self.rows)

    @property
    def total(self) -> int:
        """All numbers that the trained network stores."""
        return self.trainable + self.statistics

    def __str__(self) -> str:
        """Format as a table, one line per layer."""
        lines = [f"{'layer':<16} {'type':<12} {'output':<16} {'parameters':>12}"]
        for row in self.rows:
            shape = " x ".join(str(n) for n in row.output_shape)
            count = row.parameters + row.statistics
            lines.append(f"{row.name:<16} {row.type:<12} {shape:<16} {count:>12,}")
        lines.append(
            f"{self.total:,} parameters, {self.trainable:,} of them trainable, "
            f"{self.statistics:,} statistics of batch normalization"
        )
        return "\n".join([*lines, *self.notes])


def input_shape_of(shape: Sequence[int], layout: Layout) -> tuple[int, ...]:
    """Convert the size of a slab, as a user gives it, to the shape of one sample.

    Parameters
    ----------
    shape : (3,) sequence of int, or (1,) for "vector"
        In-plane 1, in-plane 2 and planes; x, y, z for "volume". For "vector" the number of voxels, or the
        size of a box in which every voxel is a feature.
    layout : {"vector", "planes", "volume"}

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> input_shape_of((40, 56, 3), "planes")
    (3, 40, 56)
    """
    accepted = (1, 3) if layout == "vector" else (3,)
    if len(shape) not in accepted or min(shape) < 1 or max(shape) > LARGEST_SIDE:
        wanted = "one number of voxels, or three sizes" if layout == "vector" else "three sizes"
        raise InputError(
            f"A shape for this decoder must be {wanted}, each from 1 to {LARGEST_SIDE}, got "
            f"{' '.join(str(n) for n in shape) or 'none'}. For example: 40 56 3."
        )
    if len(shape) == 1:
        return (int(shape[0]),)
    a, b, c = (int(n) for n in shape)
    if layout == "vector":
        return (a * b * c,)
    return (1, a, b, c) if layout == "volume" else (c, a, b)


def summarize(decoder: Decoder, input_shape: tuple[int, ...], n_classes: int) -> Summary:
    """List the layers of a decoder for one shape of input; nothing is computed or allocated.

    Parameters
    ----------
    decoder : Decoder
    input_shape : tuple of int
        Of one sample in the decoder's layout; see `input_shape_of`.
    n_classes : int

    Returns
    -------
    Summary

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> summarize(get_decoder({"name": "cnn2d"}), (3, 40, 56), 2).total
    2345602
    """
    import torch

    try:
        with torch.device("meta"):  # shapes without values, so that networks of any size are built at once
            network = decoder.build(input_shape, n_classes).eval()
            values = torch.empty((1, *input_shape))
    except (RuntimeError, OverflowError, TypeError) as error:
        raise InputError(
            f"A network must have fewer than 2^63 parameters, but {decoder.name} on an input of "
            f"{' x '.join(map(str, input_shape))} has more. Use a smaller shape, or fewer units."
        ) from error
    rows = []
    for name, layer in network.named_children():
        values = layer(values)
        rows.append(
            LayerRow(
                name=name,
                type=type(layer).__name__,
                output_shape=tuple(values.shape[1:]),
                parameters=sum(p.numel() for p in layer.parameters()),
                statistics=sum(b.numel() for b in layer.buffers() if b.is_floating_point()),
            )
        )
    return Summary(tuple(rows), input_shape, tuple(decoder.notes(input_shape)))
