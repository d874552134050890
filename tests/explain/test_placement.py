"""An impulse at a known millimeter appears there: in the explanation, and in the NIfTI file.

The real forward pass of each decoder, with all-ones kernels and batch normalization that changes nothing. The
response of a layer is then the number of paths from the impulse to each unit, so that its center of mass is
where the impulse was, up to half a unit.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar, Literal

import nibabel as nib
import numpy as np
import pytest
import torch
from small_networks import OBLIQUE, STRAIGHT
from torch import nn

from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.decoders.base import Decoder, NetworkDecoder
from napari_fmri_decoder.explain import explain_samples, get_explainer
from napari_fmri_decoder.explain.activations import hidden_layers
from napari_fmri_decoder.pipeline import explain_series
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import identity
from napari_fmri_decoder.training.bundle.bundle import Bundle
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.volumes.frames import Grid, apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume


class Strided(NetworkDecoder):
    """Convolutions with strides, dilation and padding that neither cnn2d nor cnn3d has."""

    layout: ClassVar = "planes"
    summary: ClassVar[str] = "Only for this test"
    training_defaults: ClassVar[dict[str, Any]] = {}
    name: Literal["strided"] = "strided"

    def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
        conv, n_axes = (nn.Conv2d, 2) if self.layout == "planes" else (nn.Conv3d, 3)
        pool = nn.AvgPool2d if n_axes == 2 else nn.AvgPool3d
        layers = OrderedDict(
            conv1=conv(input_shape[0], 2, 5, stride=2, padding=2),
            relu1=nn.ReLU(),
            norm1=(nn.BatchNorm2d if n_axes == 2 else nn.BatchNorm3d)(2),
            conv2=conv(2, 2, 3, padding=2, dilation=2),
            relu2=nn.ReLU(),
            pool2=pool(3, stride=1),
            conv3=conv(2, 2, 4, stride=3, padding=1),
            flatten=nn.Flatten(),
            out=nn.LazyLinear(n_classes),
        )
        return nn.Sequential(layers)


class Strided3D(Strided):
    layout: ClassVar = "volume"
    name: Literal["strided3d"] = "strided3d"  # type: ignore[assignment]


DECODERS: dict[str, Decoder] = {
    f"{name}, {depth} blocks": get_decoder({"name": name, "filters": [2] * depth, "dense": [3]})
    for name in ("cnn2d", "cnn3d")
    for depth in (1, 2, 3)
} | {"strides, 2-D": Strided(), "strides, 3-D": Strided3D()}
del registry["strided"], registry["strided3d"]


def all_ones(decoder: Decoder, space: Space) -> FittedModel:
    """A network that adds up what each unit sees, and changes nothing else."""
    input_shape = space.input_shape(decoder.layout)
    network = decoder.build(input_shape, 2)
    network.eval()(torch.zeros((2, *input_shape)))  # gives the lazy layer its size
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            nn.init.ones_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
            layer.reset_running_stats()  # mean 0, variance 1; scale 1 and shift 0 are those of a new layer
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return FittedModel(decoder, input_shape, 2, state, identity(space.n_features))


def center_of_mass(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """In millimeters, of a (x, y, z) map without negative values."""
    assert values.min() >= 0
    assert values.max() > 0
    points = apply_affine(affine, np.stack(np.indices(values.shape), axis=-1).reshape(-1, 3))
    return np.average(points, axis=0, weights=values.ravel())


def units_away(affine: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Largest distance of two points along an axis of a grid, in its voxels."""
    back = np.linalg.inv(affine)
    return float(np.abs(apply_affine(back, one) - apply_affine(back, other)).max())


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("which", list(DECODERS))
def test_an_impulse_appears_at_its_millimeter(
    which: str, axis: int, affine: np.ndarray, tmp_path: Path
) -> None:
    decoder = DECODERS[which]
    planes = decoder.layout == "planes"
    shape = tuple(np.insert([53, 50] if planes else [41, 38], axis, 3 if planes else 36))
    space = Space(Grid(shape, affine), np.ones(shape, dtype=bool), axis)
    model = all_ones(decoder, space)
    voxel = np.insert([24, 27] if planes else [19, 20], axis, 0 if planes else 17)
    where = apply_affine(affine, voxel)
    series = np.zeros((*shape, 2), dtype=np.float32)
    series[(*voxel, 1)] = 1
    recipe = """
        [data]\nimages = "x.nii"\n[labels]\nsource = "table"\ntable = "x.tsv"
        [prepare]\ndetrend = false\nstandardize_runs = false\n[decoder]\nname = "cnn2d"
    """
    bundle = Bundle(model, space, ("a", "b"), recipe, step=0.0)
    layers = hidden_layers(model)
    assert len(layers) == (int(which.split(", ")[1][0]) if "blocks" in which else 3)
    for layer in layers:
        options = {"name": "activation", "layer": layer}
        X = np.moveaxis(series, 3, 0).reshape(2, -1)
        found = explain_samples(get_explainer(options), model, X, space)
        for response in found.values[1]:
            assert units_away(found.grid.affine, center_of_mass(response, found.grid.affine), where) <= 0.5
        # the same in the file, by nibabel
        maps, _ = explain_series(bundle, Volume(series, affine, "stat"), options, volume=1)
        write(maps, tmp_path / f"{layer}.nii.gz")
        image = nib.load(tmp_path / f"{layer}.nii.gz")
        written = np.asarray(image.dataobj)
        assert written.shape == (*found.grid.shape, 2)
        for response in np.moveaxis(written, 3, 0):
            assert units_away(image.affine, center_of_mass(response, image.affine), where) <= 0.5
