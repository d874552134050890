"""Where the units of a hidden layer lie in the head.

Every unit of a convolution sees a box of the slab; the unit is placed at the centre of that box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_fmri_decoder.samples.samples import Layout, Space

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
MAX_POOLS = (nn.MaxPool2d, nn.MaxPool3d)
AVERAGE_POOLS = (nn.AvgPool2d, nn.AvgPool3d)
IN_PLACE = (
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
    nn.Dropout,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.Identity,
)
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus)
"""What may follow a convolution as its non-linearity; each works unit by unit."""


@dataclass(frozen=True, slots=True)
class Step:
    """How a convolution or a pool walks along one axis, all in units of its input.

    Attributes
    ----------
    kernel, stride, dilation : int
    before, after : int
        Padding at the two ends.
    ceil : bool
        Whether a last, incomplete window counts.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    @property
    def reach(self) -> int:
        """From the first to the last voxel that the kernel touches."""
        return (self.kernel - 1) * self.dilation

    def size(self, n: int) -> int:
        """How many units come out of `n`."""
        room = n + self.before + self.after - self.reach - 1
        if not self.ceil:
            return room // self.stride + 1
        size = -(-room // self.stride) + 1
        # As torch: a window may not start in the padding at the end.
        return size - 1 if (size - 1) * self.stride >= n + self.before else size


@dataclass(frozen=True, slots=True)
class Line:
    """Places of the units along one axis of the slab, in its voxels: unit i lies at start + i jump."""

    size: int
    start: float = 0.0
    jump: float = 1.0

    def after(self, step: Step) -> Line:
        """Places of the units that come out of `step`."""
        start = self.start + (step.reach / 2 - step.before) * self.jump
        return Line(step.size(self.size), start, self.jump * step.stride)


def layer_geometry(module: nn.Sequential, upto: str, layout: Layout, space: Space) -> Grid:
    """Find the grid on which the units of a layer lie.

    Parameters
    ----------
    module : nn.Sequential
        The network, with named modules.
    upto : str
        Name of the last module that counts.
    layout : {"planes", "volume"}
        What the network takes. In "planes" the planes are channels, so that the layer has one
        voxel across the slab, as thick as the slab.
    space : Space
        Where the voxels of the slab lie.

    Returns
    -------
    Grid
        In scanner space, with the axes of `space.grid`.

    Raises
    ------
    InputError
        If the layer does not exist, or its units have no place in space.

    Notes
    -----
    Along each axis, from jump = 1 and start = 0, for a kernel k, stride s, dilation d and left
    padding p: start += ((k - 1) d / 2 - p) jump, then jump *= s; the affine is
    A_slab [diag(jump) | start]. See Dumoulin and Visin (2016), arXiv:1603.07285, and Araujo et
    al. (2019), doi:10.23915/distill.00021, on the arithmetic of receptive fields.

    Examples
    --------
    >>> from collections import OrderedDict
    >>> from napari_fmri_decoder.samples.samples import Space
    >>> net = nn.Sequential(OrderedDict(conv1=nn.Conv3d(1, 2, 3, padding=1), pool1=nn.MaxPool3d(2)))
    >>> space = Space(Grid((8, 8, 4), np.eye(4)), np.ones((8, 8, 4), bool))
    >>> grid = layer_geometry(net, "pool1", "volume", space)
    >>> grid.shape, grid.affine[:3, 3].tolist(), grid.voxel_size.tolist()
    ((4, 4, 2), [0.5, 0.5, 0.5], [2.0, 2.0, 2.0])
    """
    lines = [Line(n) for n in space.grid.shape]
    walked = [axis for axis in range(3) if layout == "volume" or axis != space.axis]
    for name, layer in modules_until(module, upto):
        for axis, step in zip(walked, _steps(name, layer, layout, len(walked)), strict=True):
            lines[axis] = lines[axis].after(step)
            if lines[axis].size < 1:
                raise InputError(
                    f"A layer must have at least one unit along each axis, found none at {name!r} for a "
                    f"slab of {space.grid.shape}. Choose fewer blocks, or a larger slab."
                )
    if layout == "planes":
        planes = space.grid.shape[space.axis]
        lines[space.axis] = Line(1, (planes - 1) / 2, planes)
    matrix = np.diag([*(line.jump for line in lines), 1.0])
    matrix[:3, 3] = [line.start for line in lines]
    x, y, z = (line.size for line in lines)
    return Grid((x, y, z), space.grid.affine @ matrix)


def modules_until(module: nn.Sequential, upto: str) -> Iterator[tuple[str, nn.Module]]:
    """Walk through the named modules up to and with `upto`."""
    names = [name for name, _ in module.named_children()]
    if upto not in names:
        raise InputError(f"A layer must be one of {', '.join(names)}, got {upto!r}.")
    for name, layer in module.named_children():
        yield name, layer
        if name == upto:
            return


def _steps(name: str, layer: nn.Module, layout: Layout, n_axes: int) -> list[Step]:
    """How `layer` walks along each of its axes."""
    if layout == "vector":
        raise InputError(
            f"Only layers of a network that takes planes or volumes have a place in space; {name!r} is "
            "of one that takes voxels in a row. Choose a convolutional network."
        )
    if isinstance(layer, (*IN_PLACE, *ACTIVATIONS)):
        return [Step(1)] * n_axes
    if not isinstance(layer, (*CONVOLUTIONS, *MAX_POOLS, *AVERAGE_POOLS)):
        raise InputError(
            f"The place of a layer can be followed through convolutions, pools and layers that work unit by "
            f"unit, found {type(layer).__name__} at {name!r}. Choose a layer before it."
        )
    kernel = _per_axis(layer.kernel_size, n_axes)
    stride = _per_axis(layer.stride, n_axes)
    pool = not isinstance(layer, CONVOLUTIONS)
    dilation = _per_axis(1 if isinstance(layer, AVERAGE_POOLS) else layer.dilation, n_axes)
    if isinstance(layer.padding, str):
        total = [d * (k - 1) if layer.padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
        before = [n // 2 for n in total]  # as torch: the odd one goes to the end
        after = [n - n // 2 for n in total]
    else:
        before = after = _per_axis(layer.padding, n_axes)
    ceil = bool(layer.ceil_mode) if pool else False
    parts = zip(kernel, stride, dilation, before, after, strict=True)
    return [Step(*numbers, ceil=ceil) for numbers in parts]


def _per_axis(value: int | tuple[int, ...] | list[int], n_axes: int) -> list[int]:
    """Spread one number over the axes, as torch does."""
    return [value] * n_axes if isinstance(value, int) else [int(v) for v in value]
