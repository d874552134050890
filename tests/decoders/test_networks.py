"""The networks of the origin, layer by layer; sizes are counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import NetworkDecoder, get_decoder, registry
from napari_fmri_decoder.decoders.cnn2d import CNN2D
from napari_fmri_decoder.decoders.cnn3d import CNN3D
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.errors import InputError


def layers(network: nn.Sequential) -> list[tuple[str, str]]:
    return [(name, type(layer).__name__) for name, layer in network.named_children()]


def convolutions(network: nn.Sequential) -> list[str]:
    return [name for name, _ in network.named_children() if name.startswith("conv")]


def test_mlp_is_the_notebooks() -> None:
    network = MLP().build((992,), 26)
    assert layers(network) == [
        ("dense1", "Linear"),
        ("relu1", "ReLU"),
        ("dropout1", "Dropout"),
        ("out", "Linear"),
    ]
    assert network.dense1.out_features == 509
    assert network.dropout1.p == 0.25
    assert sum(p.numel() for p in network.parameters()) == 992 * 509 + 509 + 509 * 26 + 26


def test_mlp_takes_the_number_of_hidden_units_and_never_none() -> None:
    assert MLP(hidden=7).build((992,), 26).dense1.out_features == 7
    assert MLP().build((1,), 2).dense1.out_features == 1


def test_cnn2d_is_the_notebooks() -> None:
    network = CNN2D().build((3, 40, 56), 2)
    blocks = [
        (f"{layer}{i}", kind)
        for i in (1, 2, 3)
        for layer, kind in (
            ("conv", "Conv2d"),
            ("relu", "ReLU"),
            ("norm", "BatchNorm2d"),
            ("pool", "MaxPool2d"),
        )
    ]
    dense = [
        (f"{layer}{i}", kind)
        for i in (1, 2, 3)
        for layer, kind in (
            ("dense", "Linear"),
            ("dense_relu", "ReLU"),
            ("dense_norm", "BatchNorm1d"),
            ("dense_dropout", "Dropout"),
        )
    ]
    flat = [("flatten", "Flatten"), ("flatten_dropout", "Dropout")]
    assert layers(network) == [*blocks, *flat, *dense, ("out", "Linear")]
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.5}

    trainable = sum(p.numel() for p in network.parameters())
    statistics = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    assert (trainable, statistics) == (2_342_466, 3_136)


def test_cnn2d_shrinks_the_picture_as_unpadded_convolutions_and_pools_do() -> None:
    network, values, shapes = CNN2D().build((3, 40, 56), 2).eval(), torch.zeros(2, 3, 40, 56), {}
    for name, layer in network.named_children():
        values = layer(values)
        shapes[name] = tuple(values.shape[1:])
    assert [shapes[f"conv{i}"] for i in (1, 2, 3)] == [(32, 38, 54), (64, 17, 25), (128, 6, 10)]
    assert [shapes[f"pool{i}"] for i in (1, 2, 3)] == [(32, 19, 27), (64, 8, 12), (128, 3, 5)]
    assert shapes["flatten"] == (1920,)
    assert shapes["out"] == (2,)


@pytest.mark.parametrize(
    ("in_plane", "blocks"),
    [((40, 56), 3), ((22, 22), 3), ((21, 22), 2), ((40, 20), 2), ((9, 30), 1), ((4, 4), 1), ((3, 3), 1)],
)
def test_cnn2d_has_the_blocks_that_fit_its_slab_and_a_note(in_plane: tuple[int, int], blocks: int) -> None:
    decoder = CNN2D()
    network = decoder.build((2, *in_plane), 8).eval()
    assert len(convolutions(network)) == blocks
    assert network(torch.zeros(2, 2, *in_plane)).shape == (2, 8)
    notes = decoder.notes((2, *in_plane))
    assert bool(notes) == (blocks < 3)
    assert not notes or f"cnn2d has {blocks}." in notes[0]


def test_cnn2d_refuses_a_slab_that_no_kernel_fits() -> None:
    with pytest.raises(InputError, match="at least 3 x 3 pixels in plane, got 2 x 30"):
        CNN2D().build((5, 2, 30), 2)


@pytest.mark.parametrize("size", [(40, 56, 3), (40, 20, 1), (5, 2, 2), (1, 1, 1), (9, 9, 9)])
def test_cnn3d_copes_with_thin_axes(size: tuple[int, int, int]) -> None:
    network = CNN3D().build((1, *size), 4).eval()
    assert network(torch.zeros(2, 1, *size)).shape == (2, 4)


def test_cnn3d_does_not_pool_thin_slabs_and_has_a_note_on_it() -> None:
    network = CNN3D().build((1, 40, 20, 1), 4)
    assert network.conv1.kernel_size == (3, 3, 1)
    assert network.pool1.kernel_size == (2, 2, 1)
    assert "fewer than 3 along z" in CNN3D().notes((1, 40, 20, 1))[0]
    assert CNN3D().notes((1, 40, 40, 20)) == []
    assert "cnn3d has 2." in CNN3D().notes((1, 8, 8, 8))[0]


@pytest.mark.parametrize("name", sorted(registry))
def test_every_decoder_states_what_a_menu_and_a_fit_need(name: str) -> None:
    decoder = get_decoder({"name": name})
    assert decoder.layout in ("vector", "planes", "volume")
    assert decoder.summary
    assert decoder.name == name
    described = {field for field, info in type(decoder).model_fields.items() if info.description}
    assert described == set(type(decoder).model_fields) - {"name"}
    if isinstance(decoder, NetworkDecoder):
        assert {"epochs", "optimizer", "learning_rate", "batch_size"} <= set(decoder.training_defaults)
