"""Predictions of a fitted model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.decoders.base import EstimatorDecoder
from napari_fmri_decoder.training.averaging import mean_probabilities
from napari_fmri_decoder.training.one_layer import layer_probabilities

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel


def module_of(model: FittedModel) -> nn.Sequential:
    """Rebuild the network of a fitted model, in eval mode on the CPU.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    nn.Sequential
        Takes scaled, arranged (n, *input_shape) inputs and gives (n, classes) logits.
    """
    import torch

    with torch.device("meta"):  # no initial weights are drawn, so no random number is used
        network = model.decoder.build(model.input_shape, model.n_classes)
    state: dict[str, Any] = {name: torch.tensor(value) for name, value in model.state.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def network_inputs(model: FittedModel, X: NDArray[np.float32], space: Space) -> torch.Tensor:
    """Scale, whiten and arrange (n, features) samples as the network of `model` takes them."""
    import torch

    return torch.tensor(_arranged(model, X, space))


def _arranged(model: FittedModel, X: NDArray[np.float32], space: Space) -> NDArray[np.float32]:
    if model.screened is not None:
        X, space = X[:, model.screened], space.only(model.screened)
    X = model.scaler.apply(X)
    X = X if model.whitening is None else model.whitening.apply(X)
    return space.arrange(X, model.decoder.layout)


def predict_arranged(model: FittedModel, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predict scaled, arranged inputs with an estimator; torch is loaded only if it is not a linear layer."""
    found = layer_probabilities(model.state, inputs)
    if found is not None:
        return found
    import torch

    from napari_fmri_decoder.training.network import probabilities

    return probabilities(module_of(model), torch.tensor(inputs))


def predict_proba(
    model: FittedModel,
    X: NDArray[np.float32],
    space: Space,
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Predict the probability of each class.

    Parameters
    ----------
    model : FittedModel
    X : (n, features) float32 array
        As prepared, not scaled.
    space : Space
        Position of the features.
    device : str
        See `choose_device`.
    threads : int, optional
        Number of threads; torch's default if None.

    Returns
    -------
    (n, classes) float32 array
        Each row sums to 1.
    """
    if not len(X):
        return np.empty((0, model.n_classes), dtype=np.float32)
    if model.others:
        networks = (replace(model, others=()), *model.others)
        return mean_probabilities(
            [predict_proba(one, X, space, device=device, threads=threads) for one in networks]
        )
    if isinstance(model.decoder, EstimatorDecoder):
        return predict_arranged(model, _arranged(model, X, space))
    from napari_fmri_decoder.training.fit_network import predict_on

    return predict_on(
        lambda: module_of(model), lambda: network_inputs(model, X, space), device=device, threads=threads
    )
