"""Small networks with a position in space, for tests of explanations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.volumes.frames import Grid, rotation

STRAIGHT = np.diag([3.0, 3.0, 4.0, 1.0])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = rotation(-15, 25, 10) @ np.diag([-3.0, 3.0, 4.0])
OBLIQUE[:3, 3] = [40.0, -70.0, -5.0]

DECODERS: dict[str, dict[str, Any]] = {
    "cnn2d": {"name": "cnn2d", "filters": [4, 5], "dense": [6]},
    "cnn3d": {"name": "cnn3d", "filters": [3, 4], "dense": [5]},
    "mlp": {"name": "mlp", "hidden": 7},
    "lda": {"name": "lda"},
}


def space_of(
    shape: tuple[int, int, int] = (14, 15, 3), axis: int = 2, *, masked: bool = True, affine: Any = OBLIQUE
) -> Space:
    mask = np.random.default_rng(1).random(shape) < 0.7 if masked else np.ones(shape, dtype=bool)
    return Space(Grid(shape, affine), mask, axis)


def network_model(name: str, space: Space, n_classes: int = 3, *, screened: bool = False) -> FittedModel:
    """A network with random weights, random statistics of batch normalization, and a random scaler."""
    decoder, rng = get_decoder(DECODERS[name]), np.random.default_rng(5)
    chosen = rng.random(space.n_features) < 0.6 if screened else None
    used = space.only(chosen)
    input_shape = used.input_shape(decoder.layout)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = decoder.build(input_shape, n_classes)
        for layer in network.modules():
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                nn.init.uniform_(layer.running_mean, -0.2, 0.2)
                nn.init.uniform_(layer.running_var, 0.5, 2)
    state = {key: value.detach().numpy() for key, value in network.state_dict().items()}
    mean, std = rng.normal(size=used.n_features), rng.uniform(0.5, 2, used.n_features)
    scaler = Scaler(mean.astype(np.float32), std.astype(np.float32))
    return FittedModel(decoder, input_shape, n_classes, state, scaler, chosen)


def samples_of(space: Space, n: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, space.n_features)).astype(np.float32)


def arranged_by_hand(model: FittedModel, X: np.ndarray, space: Space) -> torch.Tensor:
    """Scaled samples as the network takes them, without `Space.arrange`."""
    mask = space.mask.copy()
    if model.screened is not None:
        X = X[:, model.screened]
        mask[space.mask] = model.screened
    scaled = (X - model.scaler.mean) / model.scaler.std
    if model.decoder.layout == "vector":
        return torch.tensor(scaled)
    volumes = np.zeros((len(X), *space.grid.shape), dtype=np.float32)
    volumes[:, mask] = scaled
    if model.decoder.layout == "volume":
        return torch.tensor(volumes[:, None])
    order = [0, 1 + space.axis, *(1 + i for i in range(3) if i != space.axis)]
    return torch.tensor(np.ascontiguousarray(volumes.transpose(order)))


def painted_by_hand(model: FittedModel, values: np.ndarray, space: Space) -> np.ndarray:
    """Values of a network's inputs in the slab, 0 where a voxel is no feature."""
    mask = space.mask.copy()
    if model.screened is not None:
        mask[space.mask] = model.screened
    volumes = np.zeros((len(values), *space.grid.shape), dtype=np.float32)
    if model.decoder.layout == "vector":
        volumes[:, mask] = values
        return volumes
    if model.decoder.layout == "volume":
        return values[:, 0] * mask
    order = [0, *(1 + [space.axis, *(i for i in range(3) if i != space.axis)].index(a) for a in range(3))]
    return values.transpose(order) * mask


def network_of(model: FittedModel) -> nn.Sequential:
    """The network, built and filled by torch alone."""
    network = model.decoder.build(model.input_shape, model.n_classes)
    network.load_state_dict({key: torch.tensor(value) for key, value in model.state.items()})
    return network.eval()
