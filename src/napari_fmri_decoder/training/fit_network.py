"""What a fit and a prediction need of torch: its device, its threads, its memory.

`fit` imports this where a network is trained, so that a linear decoder never waits for torch.
"""

from __future__ import annotations

from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import torch

from napari_fmri_decoder.training.allocation import memory_kept
from napari_fmri_decoder.training.computing import why_not
from napari_fmri_decoder.training.devices import choose_device
from napari_fmri_decoder.training.environment import Environment
from napari_fmri_decoder.training.events import FitEvent, Note
from napari_fmri_decoder.training.memory import give_back
from napari_fmri_decoder.training.network import probabilities, train_network

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.decoders.base import NetworkDecoder
    from napari_fmri_decoder.training.checkpoint import Checkpoint
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.parts import Part


def fit_network(
    decoder: NetworkDecoder,
    train: Part,
    test: Part | None,
    n_classes: int,
    settings: ResolvedTraining,
    seed: int,
    weights: NDArray[np.float64] | None,
    *,
    validation: Part | None,
    epochs: int | None,
    checkpoint: Checkpoint | None,
) -> Generator[FitEvent, None, dict[str, NDArray[Any]]]:
    """Choose the device and train there; see `fit` for the parameters.

    Returns
    -------
    dict of str to ndarray
        Weights and statistics by name.
    """
    device = choose_device(settings.device)
    reason = why_not(settings.precision, device.torch)
    if reason:
        settings = settings.model_copy(update={"precision": "float32"})
    yield from map(Note, filter(None, (device.note, reason)))
    environment = Environment(seed, settings.threads, device.torch)
    try:
        with memory_kept():
            return (
                yield from train_network(
                    decoder,
                    train,
                    test,
                    n_classes,
                    settings,
                    environment,
                    weights,
                    validation=validation,
                    epochs=epochs,
                    checkpoint=checkpoint,
                )
            )
    except BaseException as error:
        clear_frames(error.__traceback__)  # whoever keeps the error would keep the network's memory too
        raise
    finally:
        give_back(device.torch)


def predict_on(
    network: Callable[[], nn.Module],
    inputs: Callable[[], torch.Tensor],
    *,
    device: str,
    threads: int | None,
) -> NDArray[np.float32]:
    """Predict the probability of each class on a device, and free what was used there.

    Parameters
    ----------
    network, inputs : callable
        Make the network and its inputs, within the fit's own environment.
    device : str
        See `choose_device`.
    threads : int or None
        Torch's own number by default.

    Returns
    -------
    (n, classes) float32 array
    """
    place = choose_device(device).torch
    try:
        with Environment(0, threads or torch.get_num_threads(), place).step():
            return _on_device(network, inputs, place)
    finally:
        give_back(place)


def _on_device(
    network: Callable[[], nn.Module], inputs: Callable[[], torch.Tensor], place: torch.device
) -> NDArray[np.float32]:
    """Predict; what is on the device goes when this returns."""
    return probabilities(network().to(place), inputs().to(place))
