"""The loop that trains a torch network, one event per step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.training.checkpoint import FitState
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitEvent, FitStarted, Quality
from napari_fmri_decoder.training.memory import batch_that_fits, bytes_per_sample
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.schedules import rate_factor, set_rate
from napari_fmri_decoder.training.validation import BestEpoch

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import NetworkDecoder
    from napari_fmri_decoder.training.checkpoint import Checkpoint
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.environment import Environment

AT_ONCE = 2**19
"""Input values per step where nothing is learned, so that the layers of whole brains fit into memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Samples as the decoder takes them: inputs (n, *input_shape) float32, y (n,) int64."""

    inputs: NDArray[np.float32]
    y: NDArray[np.int64]

    def to(self, device: torch.device) -> TensorPart:
        """Copy to a device."""
        return TensorPart(
            torch.tensor(self.inputs, device=device), torch.tensor(self.y, device=device), self.y
        )


@dataclass(frozen=True, slots=True, eq=False)
class TensorPart:
    """A `Part` on the device of a fit."""

    inputs: torch.Tensor
    targets: torch.Tensor
    y: NDArray[np.int64]


def train_network(
    decoder: NetworkDecoder,
    train: Part,
    test: Part | None,
    n_classes: int,
    settings: ResolvedTraining,
    environment: Environment,
    weights: NDArray[np.float64] | None = None,
    *,
    validation: Part | None = None,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[FitEvent, None, dict[str, NDArray[Any]]]:
    """Train from fresh weights; return the last state, or the best where there is a validation part.

    Parameters
    ----------
    decoder : NetworkDecoder
    train : Part
    test : Part or None
        Only watched.
    n_classes : int
    settings : ResolvedTraining
    environment : Environment
    weights : (classes,) array, optional
        How much a sample of each class counts in the loss.
    validation : Part, optional
        Never learned from; says when to stop, and which epoch's weights to keep.
    epochs : int, optional
        Stop after so many of the settings' epochs, whose schedule stays.
    checkpoint : Checkpoint, optional
        Where the state is kept on the way, and gone on from: epochs that are in it are told again.
    """
    device = environment.device
    with environment.step():
        network = decoder.build(train.inputs.shape[1:], n_classes).to(device)
        optimizer = make_optimizer(network, settings, decoder.adam_epsilon)
        learned = train.to(device)
        watched = [part.to(device) if part else None for part in (test, validation)]
        before = _qualities(network, learned, *watched)
        per_class = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
    _check_batch_size(network, settings.batch_size)
    n = len(train.y)
    sizes = batch_sizes(n, settings.batch_size)
    n_parameters = sum(p.numel() for p in network.parameters())
    last = min(epochs or settings.epochs, settings.epochs)
    best = BestEpoch(settings.patience if validation else 0)
    at = FitState(network, optimizer, environment, best)
    yield FitStarted(last, len(sizes), n_parameters, *before)
    if checkpoint is not None and checkpoint.restore(at):
        yield from at.history
    try:
        while at.epoch < last and not best.is_over(at.epoch):
            yield from _epoch(at, learned, sizes, settings, per_class, checkpoint)
            with environment.step():
                now = EpochDone(at.epoch + 1, *_qualities(network, learned, *watched))
                best.see(now.epoch, now.validation, network)
            if not math.isfinite(now.train.loss):
                raise TrainingError(_explain_loss(now.train.loss, now.epoch, at.batch, settings, checkpoint))
            at.history.append(now)
            at.batch, at.order = 0, None
            if checkpoint is not None:
                checkpoint.offer(at)
            yield now
    except GeneratorExit:
        if checkpoint is not None:
            checkpoint.leave(at)
        raise
    state = best.state if best.state and settings.keep_best else network.state_dict()
    return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}


def _epoch(
    at: FitState,
    learned: TensorPart,
    sizes: Sequence[int],
    settings: ResolvedTraining,
    per_class: torch.Tensor | None,
    checkpoint: Checkpoint | None,
) -> Generator[BatchDone, None, None]:
    """Go through the batches of one epoch, or those that are left of it."""
    epoch, n = at.epoch + 1, len(learned.y)
    rate = settings.learning_rate * rate_factor(settings.schedule, epoch, settings.epochs)
    set_rate(at.optimizer, rate)
    if len(sizes) > 1 and not at.batch:
        with at.environment.step():
            at.order = torch.randperm(n).to(at.environment.device)
    start = sum(sizes[: at.batch])
    smaller = partial(_smaller_batch, at.network, tuple(learned.inputs.shape[1:]), max(sizes))
    for size in sizes[at.batch :]:
        with at.environment.step(smaller):
            rows = slice(None) if at.order is None else at.order[start : start + size]
            loss = _step(at.network, at.optimizer, learned.inputs[rows], learned.targets[rows], per_class)
        start += size
        at.batch += 1
        if not math.isfinite(loss):
            raise TrainingError(_explain_loss(loss, epoch, at.batch, settings, checkpoint))
        yield BatchDone(epoch, at.batch, loss)


def make_optimizer(
    network: nn.Module, settings: ResolvedTraining, epsilon: float = 1e-8
) -> torch.optim.Optimizer:
    """Make the optimiser; weight decay is the L2 penalty on all parameters, in both; `epsilon` is Adam's."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay, eps=epsilon)
    return torch.optim.SGD(network.parameters(), lr=rate, weight_decay=decay, momentum=settings.momentum)


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """Cut n samples into batches; a last one of a single sample joins the batch before it.

    Batch normalisation has no variance within one sample.

    Examples
    --------
    >>> batch_sizes(65, 32), batch_sizes(66, 32), batch_sizes(66, 0)
    ([32, 33], [32, 32, 2], [66])
    """
    size = batch_size or n
    sizes = [min(size, n - start) for start in range(0, n, size)]
    if len(sizes) > 1 and sizes[-1] == 1 and size > 1:
        sizes[-2:] = [sizes[-2] + 1]
    return sizes


def probabilities(network: nn.Module, inputs: torch.Tensor) -> NDArray[np.float32]:
    """Softmax of the logits of (n, *input_shape) inputs, in eval mode and without gradients.

    Returns
    -------
    (n, classes) float32 array
    """
    was_training = network.training
    network.eval()
    at_once = max(1, AT_ONCE // math.prod(inputs.shape[1:]))
    with torch.no_grad():
        parts = [F.softmax(network(part), dim=1) for part in torch.split(inputs, at_once)]
    network.train(was_training)
    return np.asarray(torch.cat(parts).cpu().numpy(), dtype=np.float32)


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor | None,
) -> float:
    """Take one step of descent; return the loss before it."""
    network.train()
    optimizer.zero_grad()
    logits = network(inputs)
    if weights is None:
        loss = F.cross_entropy(logits, targets)
    else:  # a mean over samples, as scikit-learn's, not over the weights that a batch happens to hold
        loss = F.cross_entropy(logits, targets, weight=weights, reduction="sum") / len(targets)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def _qualities(
    network: nn.Module, train: TensorPart, test: TensorPart | None, validation: TensorPart | None
) -> tuple[Quality, Quality | None, Quality | None]:
    return (
        quality(probabilities(network, train.inputs), train.y),
        quality(probabilities(network, test.inputs), test.y) if test else None,
        quality(probabilities(network, validation.inputs), validation.y) if validation else None,
    )


def _check_batch_size(network: nn.Module, batch_size: int) -> None:
    normalised = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    if batch_size == 1 and any(isinstance(layer, normalised) for layer in network.modules()):
        raise InputError(
            "A network with batch normalisation must have at least two samples per batch, got "
            "batch_size = 1. Choose a larger one, or 0 for all at once."
        )


def _smaller_batch(network: nn.Module, input_shape: tuple[int, ...], batch_size: int, free: int) -> str:
    """Say which batch would fit into free bytes."""
    fits = batch_that_fits(free, bytes_per_sample(network, input_shape), batch_size)
    if not fits:
        return "Not even a batch of two would fit: choose a smaller network or a smaller mask."
    return (
        f"Set batch_size = {fits}, which would fit (it was {batch_size}), or choose a smaller network or a "
        "smaller mask."
    )


def _explain_loss(
    loss: float, epoch: int, batch: int, settings: ResolvedTraining, checkpoint: Checkpoint | None
) -> str:
    """Say where it happened, the likely cause, and where the last finite state is."""
    rate = settings.learning_rate
    return (
        f"The loss must stay finite, but it became {loss} in epoch {epoch}, batch {batch}. Most often the "
        f"steps are too long: lower learning_rate = {rate:g} to {rate / 10:g}"
        + (f", or momentum = {settings.momentum:g}." if settings.momentum else ".")
        + (checkpoint.words() if checkpoint is not None else "")
    )
