"""Where hidden layers lie: compared with the gradient, and with blobs planted at known millimetres."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.layer_positions import layer_geometry
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.volumes.frames import Grid, apply_affine, rotation

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = rotation(20, -10, 35) @ np.diag([-2.0, 2.5, 3.0])
OBLIQUE[:3, 3] = [31.0, -44.5, 12.0]

STRANGE_2D = OrderedDict(
    conv1=nn.Conv2d(4, 3, (3, 5), padding=(1, 0)),
    norm1=nn.BatchNorm2d(3),
    relu1=nn.ReLU(),
    pool1=nn.MaxPool2d(2),
    drop1=nn.Dropout2d(0.1),
    conv2=nn.Conv2d(3, 3, 3, stride=(2, 1), dilation=(1, 2), padding="valid"),
    relu2=nn.ReLU(),
    pool2=nn.AvgPool2d((3, 2), stride=(2, 1), padding=1),
    conv3=nn.Conv2d(3, 2, (4, 2), padding="same"),
)
STRANGE_3D = OrderedDict(
    conv1=nn.Conv3d(1, 2, 3, padding=1),
    relu1=nn.ReLU(),
    pool1=nn.MaxPool3d((2, 2, 1)),
    conv2=nn.Conv3d(2, 2, (3, 3, 1), stride=(1, 2, 1)),
    pool2=nn.MaxPool3d((2, 3, 2), stride=(2, 2, 2), ceil_mode=True),
    conv3=nn.Conv3d(2, 2, 2, dilation=(2, 1, 1)),
)


def space_of(shape: tuple[int, int, int], axis: int) -> Space:
    return Space(Grid(shape, OBLIQUE), np.ones(shape, dtype=bool), axis)


def shape_and_centres_by_gradient(
    network: nn.Sequential, upto: str, input_shape: tuple[int, ...]
) -> tuple[tuple[int, ...], list[tuple[tuple[int, ...], np.ndarray]]]:
    """Back-propagate from single units: each one's place is the middle of the inputs that move it.

    Max pools pass the gradient to one winner only, so average pools of the same windows stand in
    for them. Units at the border see padding or less than a window: only inner ones tell a middle.
    """
    stand_in = OrderedDict()
    for name, layer in network.named_children():
        if isinstance(layer, (nn.MaxPool2d, nn.MaxPool3d)):
            kind = nn.AvgPool2d if isinstance(layer, nn.MaxPool2d) else nn.AvgPool3d
            layer = kind(layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode)
        elif isinstance(layer, nn.ReLU):
            layer = nn.Identity()
        elif isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            nn.init.constant_(layer.weight, 1.0)
        stand_in[name] = layer
        if name == upto:
            break
    model = nn.Sequential(stand_in).double().eval()
    x = torch.zeros((1, *input_shape), dtype=torch.float64, requires_grad=True)
    y = model(x)[0].sum(dim=0)
    inner = tuple(slice(n // 3, n // 3 + 2) for n in y.shape)
    found = []
    for unit in np.argwhere(
        np.ones([len(range(*s.indices(n))) for s, n in zip(inner, y.shape, strict=True)])
    ):
        unit = tuple(int(u + s.start) for u, s in zip(unit, inner, strict=True))
        (gradient,) = torch.autograd.grad(y[unit], x, retain_graph=True)
        touched = np.argwhere(gradient[0].abs().sum(dim=0).numpy() > 0)
        first, last = touched.min(axis=0), touched.max(axis=0)
        if (first > 0).all() and (last < np.array(input_shape[1:]) - 1).all():
            found.append((unit, (first + last) / 2))
    return tuple(y.shape), found


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("upto", ["conv1", "relu1", "pool1", "conv2", "pool2", "conv3"])
def test_units_of_planes_lie_in_the_middle_of_what_they_see(upto: str, axis: int) -> None:
    network = nn.Sequential(STRANGE_2D)
    in_plane = (83, 71)
    shape = tuple(np.insert(in_plane, axis, 4))
    grid = layer_geometry(network, upto, "planes", space_of(shape, axis))
    size, centres = shape_and_centres_by_gradient(network, upto, (4, *in_plane))
    assert grid.shape == tuple(np.insert(size, axis, 1))
    assert centres
    for unit, centre in centres:
        # Across the slab the unit sees all four planes: its middle is 1.5.
        expected = apply_affine(OBLIQUE, np.insert(centre, axis, 1.5))
        np.testing.assert_allclose(apply_affine(grid.affine, np.insert(unit, axis, 0)), expected, atol=1e-9)


@pytest.mark.parametrize("upto", ["conv1", "pool1", "conv2", "pool2", "conv3"])
def test_units_of_volumes_lie_in_the_middle_of_what_they_see(upto: str) -> None:
    network = nn.Sequential(STRANGE_3D)
    shape = (32, 61, 16)
    grid = layer_geometry(network, upto, "volume", space_of(shape, 2))
    size, centres = shape_and_centres_by_gradient(network, upto, (1, *shape))
    assert grid.shape == size
    assert centres
    for unit, centre in centres:
        expected = apply_affine(OBLIQUE, centre)
        np.testing.assert_allclose(apply_affine(grid.affine, unit), expected, atol=1e-9)


def test_a_layer_of_planes_is_one_voxel_as_thick_as_the_slab() -> None:
    network = nn.Sequential(OrderedDict(conv1=nn.Conv2d(3, 2, 3)))
    grid = layer_geometry(network, "conv1", "planes", space_of((40, 56, 3), 2))
    assert grid.shape == (38, 54, 1)
    np.testing.assert_allclose(grid.voxel_size, [2.0, 2.5, 9.0])
    np.testing.assert_allclose(apply_affine(grid.affine, [0, 0, 0]), apply_affine(OBLIQUE, [1, 1, 1]))


@pytest.mark.parametrize(("n", "ceil"), [(n, ceil) for n in range(5, 14) for ceil in (False, True)])
def test_sizes_are_those_of_torch(n: int, ceil: bool) -> None:
    network = nn.Sequential(OrderedDict(pool1=nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=ceil)))
    grid = layer_geometry(network, "pool1", "planes", space_of((n, 7, 2), 2))
    assert grid.shape[:2] == tuple(network(torch.zeros(1, 2, n, 7)).shape[2:])


def test_a_layer_without_a_position_is_an_error() -> None:
    network = nn.Sequential(OrderedDict(conv1=nn.Conv2d(3, 2, 3), flat=nn.Flatten(), out=nn.Linear(8, 2)))
    space = space_of((4, 4, 3), 2)
    with pytest.raises(InputError, match=r"but 'flat' is Flatten"):
        layer_geometry(network, "out", "planes", space)
    with pytest.raises(InputError, match=r"must be one of conv1, flat, out, got 'conv9'"):
        layer_geometry(network, "conv9", "planes", space)
    with pytest.raises(InputError, match="takes planes or volumes"):
        layer_geometry(nn.Sequential(OrderedDict(out=nn.Linear(8, 2))), "out", "vector", space)
