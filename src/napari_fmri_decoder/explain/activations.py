"""Activations of the hidden convolutions, and their position in the brain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.base import Explainer, Explanation
from napari_fmri_decoder.explain.layer_positions import (
    layer_geometry,
    layer_kinds,
    modules_until,
)
from napari_fmri_decoder.training.predict import module_of, network_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel
    from napari_fmri_decoder.volumes.frames import Grid

BATCH = 32
"""Samples that go through the network at once: limits the memory, changes no result."""


def hidden_layers(model: FittedModel) -> list[str]:
    """Name the layers that have a position in space: the convolutions, starting at the input.

    Returns
    -------
    list of str
        Such as ["conv1", "conv2"]; empty for a decoder without convolutions.
    """
    if not isinstance(model.decoder, NetworkDecoder):
        return []
    layers, kinds = module_of(model).named_children(), layer_kinds()
    return [name for name, layer in layers if isinstance(layer, kinds.convolutions)]


def layer_grid(model: FittedModel, name: str, space: Space) -> Grid:
    """Grid of a layer's units in scanner space; see `layer_geometry`.

    Parameters
    ----------
    model : FittedModel
    name : str
        One of `hidden_layers`.
    space : Space
        Of the samples that the model was fitted on.
    """
    _require(model, name)
    return layer_geometry(module_of(model), name, model.decoder.layout, space)


def activations(model: FittedModel, X: NDArray[np.float32], space: Space, name: str) -> NDArray[np.float32]:
    """Run samples through the network up to a convolution and the nonlinearity after it.

    Parameters
    ----------
    model : FittedModel
    X : (n, features) float32 array
        Prepared samples, not yet scaled: the model's own scaler is applied.
    space : Space
    name : str
        One of `hidden_layers`.

    Returns
    -------
    (n, filter, x, y, z) float32 array
        On `layer_grid`, in the order of its axes. Where the planes of the slab are the network's
        channels, the axis across the planes has length 1.
    """
    import torch
    from torch import nn

    _require(model, name)
    network = module_of(model)
    part = nn.Sequential(*(layer for _, layer in modules_until(network, end_of_layer(network, name))))
    with torch.inference_mode():
        pieces = [part(batch).numpy() for batch in network_inputs(model, X, space).split(BATCH)]
    values: NDArray[np.float32] = np.concatenate(pieces)
    return np.expand_dims(values, 2 + space.axis) if model.decoder.layout == "planes" else values


class OfLayer(Explainer):
    """A method that needs a hidden convolution."""

    layer: str = Field("conv1", description="Name of the convolution, such as conv1.")

    @classmethod
    def unavailable(cls, model: FittedModel) -> str:
        """Why a model has no layer with a position in space; see `Explainer.unavailable`."""
        return "" if hidden_layers(model) else _no_convolution(model, "")

    @classmethod
    def choices(cls, model: FittedModel) -> dict[str, tuple[str, ...]]:
        """Give the layers of a model; see `Explainer.choices`."""
        return {"layer": tuple(hidden_layers(model))}


class Activation(OfLayer):
    """Activation of each filter of a layer for each sample, after its nonlinearity."""

    summary: ClassVar[str] = "Activation of each filter of a convolution"
    name: Literal["activation"] = "activation"

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one map per sample and filter; see `Explainer.explain`."""
        values = activations(model, X, space, self.layer)
        names = tuple(f"{self.layer} filter {i}" for i in range(values.shape[1]))
        return Explanation(values, names, layer_grid(model, self.layer, space))

    @property
    def title(self) -> str:
        """The layer; see `Explainer.title`."""
        return self.layer


def _require(model: FittedModel, name: str) -> None:
    if name not in hidden_layers(model):
        raise InputError(_no_convolution(model, name))


def _no_convolution(model: FittedModel, name: str) -> str:
    known = hidden_layers(model)
    found = f", got {name!r}" if name else ""
    have = f"it has {', '.join(known)}" if known else "it has none; choose a convolutional network"
    return f"A layer must be a convolution of {model.decoder.name!r}{found}: {have}."


def end_of_layer(network: nn.Sequential, name: str) -> str:
    """Name of the nonlinearity after convolution `name`, or `name` if there is none."""
    layers = list(network.named_children())
    index, kinds = [n for n, _ in layers].index(name), layer_kinds()
    for after, layer in layers[index + 1 :]:
        if isinstance(layer, kinds.activations):
            return after
        if not isinstance(layer, kinds.in_place):
            break
    return name
