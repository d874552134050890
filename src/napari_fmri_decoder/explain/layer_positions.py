"""Positions of the units of a hidden layer in the brain.

Every unit of a convolution sees a box of the slab; the unit is placed at the center of that box.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.samples.layout import Layout
    from napari_fmri_decoder.samples.samples import Space


@dataclass(frozen=True, slots=True)
class LayerKinds:
    """Kinds of layers, by what they do to positions.

    Attributes
    ----------
    convolutions, max_pools, average_pools : tuple of type
    in_place : tuple of type
        They work unit by unit.
    activations : tuple of type
        Nonlinearities that may follow a convolution; each works unit by unit.
    """

    convolutions: tuple[Any, ...]
    max_pools: tuple[Any, ...]
    average_pools: tuple[Any, ...]
    in_place: tuple[type[nn.Module], ...]
    activations: tuple[type[nn.Module], ...]


@cache
def layer_kinds() -> LayerKinds:
    """The kinds of layers. A function, so that importing this module does not load torch."""
    from torch import nn

    norms = (nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.GroupNorm)
    return LayerKinds(
        convolutions=(nn.Conv2d, nn.Conv3d),
        max_pools=(nn.MaxPool2d, nn.MaxPool3d),
        average_pools=(nn.AvgPool2d, nn.AvgPool3d),
        in_place=(*norms, nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity),
        activations=(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus),
    )


@dataclass(frozen=True, slots=True)
class LayerStep:
    """How a convolution or a pooling layer moves along one axis, all in units of its input.

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
        """Number of output units for `n` input units."""
        travel = n + self.before + self.after - self.reach - 1
        if not self.ceil:
            return travel // self.stride + 1
        size = -(-travel // self.stride) + 1
        # As in torch: a window may not start in the padding at the end.
        return size - 1 if (size - 1) * self.stride >= n + self.before else size


@dataclass(frozen=True, slots=True)
class AxisSampling:
    """Positions of the units along one axis of the slab, in voxels: unit i is at start + i * jump."""

    size: int
    start: float = 0.0
    jump: float = 1.0

    def after(self, step: LayerStep) -> AxisSampling:
        """Positions of the output units of `step`."""
        start = self.start + (step.reach / 2 - step.before) * self.jump
        return AxisSampling(step.size(self.size), start, self.jump * step.stride)


def layer_geometry(module: nn.Sequential, upto: str, layout: Layout, space: Space) -> Grid:
    """Compute the grid of the units of a layer.

    Parameters
    ----------
    module : nn.Sequential
        The network, with named modules.
    upto : str
        Name of the last module to include.
    layout : {"planes", "volume"}
        Layout of the network's input. In "planes" the planes are channels, so the layer has one voxel
        across the slab, as thick as the slab.
    space : Space
        Position of the voxels of the slab.

    Returns
    -------
    Grid
        In scanner space, with the axes of `space.grid`.

    Raises
    ------
    InputError
        If the layer does not exist, or its units have no position in space.

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
    >>> from torch import nn
    >>> net = nn.Sequential(OrderedDict(conv1=nn.Conv3d(1, 2, 3, padding=1), pool1=nn.MaxPool3d(2)))
    >>> space = Space(Grid((8, 8, 4), np.eye(4)), np.ones((8, 8, 4), bool))
    >>> grid = layer_geometry(net, "pool1", "volume", space)
    >>> grid.shape, grid.affine[:3, 3].tolist(), grid.voxel_size.tolist()
    ((4, 4, 2), [0.5, 0.5, 0.5], [2.0, 2.0, 2.0])
    """
    axes = [AxisSampling(n) for n in space.grid.shape]
    moved = [axis for axis in range(3) if layout == "volume" or axis != space.axis]
    for name, layer in modules_until(module, upto):
        for axis, step in zip(moved, _steps(name, layer, layout, len(moved)), strict=True):
            axes[axis] = axes[axis].after(step)
            if axes[axis].size < 1:
                raise InputError(
                    f"A layer must have at least one unit along each axis, found none at {name!r} for a "
                    f"slab of {space.grid.shape}. Choose fewer blocks, or a larger slab."
                )
    if layout == "planes":
        planes = space.grid.shape[space.axis]
        axes[space.axis] = AxisSampling(1, (planes - 1) / 2, planes)
    matrix = np.diag([*(axis.jump for axis in axes), 1.0])
    matrix[:3, 3] = [axis.start for axis in axes]
    x, y, z = (axis.size for axis in axes)
    return Grid((x, y, z), space.grid.affine @ matrix)


def on_slab(values: NDArray[np.float32], layer: Grid, slab: Grid) -> NDArray[np.float32]:
    """Interpolate maps of a layer linearly to the voxels of the slab.

    Voxels outside the outermost units, at the border or across the planes, get the value of the nearest one.

    Parameters
    ----------
    values : (..., x, y, z) float32 array
        On `layer`.
    layer, slab : Grid
        In scanner space, with parallel axes; see `layer_geometry`.

    Returns
    -------
    (..., *slab.shape) float32 array

    Examples
    --------
    >>> layer = Grid((2, 1, 1), np.diag([2.0, 1, 1, 1]))
    >>> on_slab(np.array([[[0]], [[4]]], np.float32), layer, Grid((4, 1, 1), np.eye(4)))[:, 0, 0].tolist()
    [0.0, 2.0, 4.0, 4.0]
    """
    to_layer = np.linalg.inv(layer.affine) @ slab.affine
    for axis in range(3):
        units = to_layer[axis, axis] * np.arange(slab.shape[axis]) + to_layer[axis, 3]
        units = np.clip(units, 0, layer.shape[axis] - 1)
        lower = np.minimum(np.floor(units).astype(np.intp), max(0, layer.shape[axis] - 2))
        upper = np.minimum(lower + 1, layer.shape[axis] - 1)
        weight = (units - lower).astype(np.float32).reshape(-1, *[1] * (2 - axis))
        place = values.ndim - 3 + axis
        values = np.take(values, lower, place) * (1 - weight) + np.take(values, upper, place) * weight
    return values


def modules_until(module: nn.Sequential, upto: str) -> Iterator[tuple[str, nn.Module]]:
    """Go through the named modules up to and including `upto`.

    Raises
    ------
    InputError
        If there is no module of that name.
    """
    names = [name for name, _ in module.named_children()]
    if upto not in names:
        raise InputError(f"A layer must be one of {', '.join(names)}, got {upto!r}.")
    for name, layer in module.named_children():
        yield name, layer
        if name == upto:
            return


def _steps(name: str, layer: nn.Module, layout: Layout, n_axes: int) -> list[LayerStep]:
    """How `layer` moves along each of its axes."""
    if layout == "vector":
        raise InputError(
            f"Only layers of a network that takes planes or volumes have a position in space; {name!r} is in "
            "a network that takes a vector of voxels. Choose a convolutional network."
        )
    kinds = layer_kinds()
    if isinstance(layer, kinds.in_place + kinds.activations):
        return [LayerStep(1)] * n_axes
    if not isinstance(layer, kinds.convolutions + kinds.max_pools + kinds.average_pools):
        raise InputError(
            f"The position of a layer can be computed through convolutions, pooling layers and layers that "
            f"work unit by unit, but {name!r} is {type(layer).__name__}. Choose a layer before it."
        )
    kernel = _per_axis(layer.kernel_size, n_axes)
    stride = _per_axis(layer.stride, n_axes)
    is_pool = not isinstance(layer, kinds.convolutions)
    dilation = _per_axis(1 if isinstance(layer, kinds.average_pools) else layer.dilation, n_axes)
    if isinstance(layer.padding, str):
        total = [d * (k - 1) if layer.padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
        before = [n // 2 for n in total]  # as in torch: the odd one goes to the end
        after = [n - n // 2 for n in total]
    else:
        before = after = _per_axis(layer.padding, n_axes)
    ceil = bool(layer.ceil_mode) if is_pool else False
    parts = zip(kernel, stride, dilation, before, after, strict=True)
    return [LayerStep(*numbers, ceil=ceil) for numbers in parts]


def _per_axis(value: int | tuple[int, ...] | list[int], n_axes: int) -> list[int]:
    """Repeat one number for each axis, as torch does."""
    return [value] * n_axes if isinstance(value, int) else [int(v) for v in value]
