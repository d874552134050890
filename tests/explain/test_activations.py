"""Activations of real decoders: values as torch gives them, and blobs found where they were planted."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import (
    Explainer,
    Explanation,
    explain_samples,
    explainers,
    get_explainer,
    mean_explanation,
)
from napari_fmri_decoder.explain.activations import Activation, activations, hidden_layers, layer_grid
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import Scaler, identity
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.volumes.frames import Grid, apply_affine, rotation

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = rotation(-15, 25, 10) @ np.diag([-3.0, 3.0, 4.0])
OBLIQUE[:3, 3] = [40.0, -70.0, -5.0]

SHAPES = {0: (4, 30, 37), 1: (30, 4, 37), 2: (37, 30, 4)}


def space_of(shape: tuple[int, int, int], axis: int = 2, mask: Any = None) -> Space:
    return Space(Grid(shape, OBLIQUE), np.ones(shape, dtype=bool) if mask is None else mask, axis)


def model_of(options: dict[str, Any], space: Space, *, delta: bool = False) -> FittedModel:
    """Build an untrained network; `delta` makes every filter pass on the middle of what it sees."""
    decoder = get_decoder(options)
    input_shape = space.input_shape(decoder.layout)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = decoder.build(input_shape, 2)
    for layer in network.modules():
        if delta and isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
            with torch.no_grad():
                layer.weight[(slice(None), slice(None), *(k // 2 for k in layer.kernel_size))] = 1.0
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return FittedModel(decoder, input_shape, 2, state, identity(space.n_features))


def millimetres_of_peak(maps: np.ndarray, grid: Grid) -> np.ndarray:
    """Middle of all units that share the highest value of a (x, y, z) map, in millimetres."""
    return apply_affine(grid.affine, np.argwhere(maps == maps.max()).mean(axis=0))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", ["cnn2d", "cnn3d"])
def test_a_blob_is_seen_where_it_was_planted(name: str, axis: int, layer: str) -> None:
    space = space_of(SHAPES[axis], axis)
    model = model_of({"name": name}, space, delta=True)
    # A voxel away from the border, in the second plane of the slab.
    voxel = np.insert([14, 17], axis, 1)
    volume = np.zeros(space.grid.shape, dtype=np.float32)
    volume[tuple(voxel)] = 1.0
    grid = layer_grid(model, layer, space)
    maps = activations(model, volume.reshape(1, -1), space, layer)
    assert maps.shape[2:] == grid.shape
    for values in maps[0]:
        # In voxels of the layer, along its own axes, so that each axis has its own limit.
        away = apply_affine(np.linalg.inv(grid.affine), apply_affine(OBLIQUE, voxel)) - apply_affine(
            np.linalg.inv(grid.affine), millimetres_of_peak(values, grid)
        )
        assert np.abs(away).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("name", "axis"), [("cnn2d", 0), ("cnn2d", 1), ("cnn2d", 2), ("cnn3d", 2)])
def test_values_are_those_behind_the_relu(name: str, axis: int) -> None:
    shape = SHAPES[axis]
    rng = np.random.default_rng(3)
    mask = rng.random(shape) < 0.7
    space = space_of(shape, axis, mask)
    model = model_of({"name": name}, space)
    mean, std = rng.normal(size=space.n_features), rng.uniform(0.5, 2, space.n_features)
    scaler = Scaler(mean.astype(np.float32), std.astype(np.float32))
    model = FittedModel(model.decoder, model.input_shape, 2, model.state, scaler)
    X = rng.normal(size=(35, space.n_features)).astype(np.float32)
    maps = activations(model, X, space, "conv2")

    # By hand: scale, put into the volume, planes first, and hook the ReLU of a network of our own.
    volumes = np.zeros((35, *shape), dtype=np.float32)
    volumes[:, mask] = (X - mean.astype(np.float32)) / std.astype(np.float32)
    inputs = volumes[:, None] if name == "cnn3d" else volumes.swapaxes(1, 2) if axis == 1 else volumes
    if name == "cnn2d" and axis == 2:
        inputs = volumes.transpose(0, 3, 1, 2)
    assert isinstance(model.decoder, NetworkDecoder)
    network = model.decoder.build(model.input_shape, 2)
    network.load_state_dict({key: torch.tensor(value) for key, value in model.state.items()})
    caught: list[torch.Tensor] = []
    network.get_submodule("relu2").register_forward_hook(
        lambda _m, _i, output: caught.append(output.detach())
    )
    with torch.no_grad():
        network.eval()(torch.tensor(np.ascontiguousarray(inputs)))
    expected = caught[0].numpy()
    if name == "cnn2d":
        assert maps.shape[2 + axis] == 1
        maps = maps.squeeze(2 + axis)
    assert maps.dtype == np.float32
    assert maps.min() == 0
    np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_looking_changes_no_prediction() -> None:
    space = space_of((20, 20, 3))
    model = model_of({"name": "cnn2d"}, space)
    X = np.random.default_rng(0).normal(size=(5, space.n_features)).astype(np.float32)
    before = predict_proba(model, X, space)
    activations(model, X, space, "conv1")
    np.testing.assert_array_equal(before, predict_proba(model, X, space))


def test_a_slab_too_small_for_three_blocks_shows_those_it_has() -> None:
    space = space_of((14, 14, 1))
    assert hidden_layers(model_of({"name": "cnn2d"}, space_of((40, 56, 3)))) == ["conv1", "conv2", "conv3"]
    assert hidden_layers(model_of({"name": "cnn2d"}, space)) == ["conv1", "conv2"]


def test_a_decoder_without_convolutions_has_no_layers_and_an_error_says_why() -> None:
    space = space_of((5, 5, 2))
    model = model_of({"name": "mlp"}, space)
    assert hidden_layers(model) == []
    with pytest.raises(InputError, match="it has none; choose a convolutional network"):
        layer_grid(model, "conv1", space)


def test_an_unknown_layer_lists_the_known_ones() -> None:
    space = space_of((40, 40, 3))
    with pytest.raises(InputError, match=r"got 'conv7': it has conv1, conv2, conv3"):
        activations(model_of({"name": "cnn2d"}, space), np.zeros((1, 4800), np.float32), space, "conv7")


def test_no_samples_give_no_maps() -> None:
    space = space_of((20, 20, 3))
    maps = activations(model_of({"name": "cnn2d"}, space), np.zeros((0, 1200), np.float32), space, "conv1")
    assert maps.shape == (0, 32, 18, 18, 1)


@pytest.mark.parametrize("name", sorted(explainers))
def test_every_method_gives_maps_on_a_grid(name: str) -> None:
    space = space_of((14, 16, 3))
    model = model_of({"name": "cnn2d", "filters": [3, 4], "dense": [4]}, space)
    X = np.random.default_rng(0).normal(size=(3, space.n_features)).astype(np.float32)
    method = get_explainer({"name": name})
    if method.unavailable(model):
        model = model_of({"name": "lda"}, space)
    found = method.explain(model, X, space)
    assert found.values.dtype == np.float32
    assert found.values.shape == (3 if method.per_sample else 1, len(found.names), *found.grid.shape)
    assert np.isfinite(found.values).all()
    assert type(method).summary
    assert all(field.description for key, field in type(method).model_fields.items() if key != "name")


def test_an_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="activation"):
        get_explainer({"name": "tea-leaves"})


def test_a_mean_of_maps_is_the_mean_of_the_maps_of_all_samples() -> None:
    space = space_of((20, 22, 3))
    model = model_of({"name": "cnn2d"}, space)
    X = np.random.default_rng(0).normal(size=(70, space.n_features)).astype(np.float32)  # two batches
    method = get_explainer({"name": "activation", "layer": "conv2"})
    found = mean_explanation(method, model, X, space)
    expected = activations(model, X, space, "conv2").mean(axis=0, dtype=np.float64)
    assert found.values.shape == (1, 64, *found.grid.shape)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5, atol=1e-6)


def test_a_method_lists_its_choices_for_a_model_and_why_it_is_unavailable() -> None:
    space = space_of((40, 40, 3))
    network, perceptron = model_of({"name": "cnn2d"}, space), model_of({"name": "mlp"}, space)
    assert Activation.choices(network) == {"layer": ("conv1", "conv2", "conv3")}
    assert Activation.unavailable(network) == ""
    assert "choose a convolutional network" in Activation.unavailable(perceptron)
    X = np.zeros((1, space.n_features), np.float32)
    with pytest.raises(InputError, match="convolution of 'mlp': it has none"):
        explain_samples(Activation(), perceptron, X, space)


def test_maps_of_the_wrong_shape_are_refused() -> None:
    class Flat(Explainer):
        summary: ClassVar[str] = "No map at all"
        name: Literal["flat"] = "flat"

        def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
            return Explanation(np.zeros((len(X), 2), np.float32), ("one",), space.grid)

    space = space_of((5, 5, 2))
    X = np.zeros((3, space.n_features), np.float32)
    try:
        with pytest.raises(InputError, match=r"'flat' must give one map .*\(3, 1, 5, 5, 2\), got \(3, 2\)"):
            explain_samples(Flat(), model_of({"name": "mlp"}, space), X, space)
    finally:
        del explainers["flat"]
