"""Fits and predictions of a network by torch: the device, its threads and its memory.

`fit` imports this only to train a network, so that linear decoders do not load torch.
"""

from __future__ import annotations

from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import torch

from napari_fmri_decoder.training.events import FitEvent, Note
from napari_fmri_decoder.training.network import probabilities, train_network
from napari_fmri_decoder.training.torch.devices import choose_device
from napari_fmri_decoder.training.torch.environment import Environment
from napari_fmri_decoder.training.torch.malloc import freed_memory_reused
from napari_fmri_decoder.training.torch.memory import release_cached
from napari_fmri_decoder.training.torch.precision import why_not

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.decoders.base import NetworkDecoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.fit_inputs import Part
    from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint


def fit_network(
    decoder: NetworkDecoder,
    train: Part,
    test: Part | None,
    n_classes: int,
    settings: ResolvedTraining,
    seed: int,
    weights: NDArray[np.float64] | None,
    *,
    space: Space,
    validation: Part | None,
    epochs: int | None,
    checkpoint: Checkpoint | None,
) -> Steps[FitEvent, dict[str, NDArray[Any]]]:
    """Choose the device and train on it; see `fit` for the parameters.

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
        with freed_memory_reused():
            return (
                yield from train_network(
                    decoder,
                    train,
                    test,
                    n_classes,
                    settings,
                    environment,
                    weights,
                    space=space,
                    validation=validation,
                    epochs=epochs,
                    checkpoint=checkpoint,
                )
            )
    except BaseException as error:
        clear_frames(error.__traceback__)  # a stored error would keep the network in memory too
        raise
    finally:
        release_cached(device.torch)


def predict_on(
    network: Callable[[], nn.Module],
    inputs: Callable[[], torch.Tensor],
    *,
    device: str,
    threads: int | None,
) -> NDArray[np.float32]:
    """Predict the probability of each class on a device, and free its memory.

    Parameters
    ----------
    network, inputs : callable
        Create the network and its inputs, within the environment of this prediction.
    device : str
        See `choose_device`.
    threads : int or None
        Number of threads; torch's default if None.

    Returns
    -------
    (n, classes) float32 array
    """
    place = choose_device(device).torch
    try:
        with Environment(0, threads or torch.get_num_threads(), place).step():
            return _on_device(network, inputs, place)
    finally:
        release_cached(place)


def _on_device(
    network: Callable[[], nn.Module], inputs: Callable[[], torch.Tensor], place: torch.device
) -> NDArray[np.float32]:
    """Predict; the tensors on the device are freed on return."""
    return probabilities(network().to(place), inputs().to(place))
