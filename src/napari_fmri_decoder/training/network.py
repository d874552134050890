"""The training loop of a torch network, one event per step.

The loss and accuracy of an epoch are means over its batches, each before its step and with dropout, as in
Keras, at no extra cost. The validation and test sets are predicted without dropout after each epoch.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.training.augment import Augment
from napari_fmri_decoder.training.augment_config import NO_AUGMENT
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitEvent, FitStarted, Progress, Quality
from napari_fmri_decoder.training.fit_inputs import Part as Part  # noqa: TC001  # re-exported
from napari_fmri_decoder.training.loss import loss_of
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.schedules import rate_factor, set_rate
from napari_fmri_decoder.training.tasks.checkpoint import FitState
from napari_fmri_decoder.training.torch.memory import batch_that_fits, bytes_per_sample
from napari_fmri_decoder.training.torch.precision import computing_in, make_optimizer, prepare
from napari_fmri_decoder.training.validation import BestEpoch

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import NetworkDecoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint
    from napari_fmri_decoder.training.torch.environment import Environment

AT_ONCE = 2**19
"""Input values per step of a prediction, so that the layers of whole brains fit into memory."""


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
    space: Space | None = None,
    validation: Part | None = None,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Steps[FitEvent, dict[str, NDArray[Any]]]:
    """Train from initial weights; return the last state, or the best if there is a validation set.

    Parameters
    ----------
    decoder : NetworkDecoder
    train : Part
    test : Part or None
        Evaluated, never trained on.
    n_classes : int
    settings : ResolvedTraining
    environment : Environment
    weights : (classes,) array, optional
        Weight of a sample of each class in the loss.
    space : Space, optional
        Position of the voxels; needed for augmentation.
    validation : Part, optional
        Never trained on; decides when to stop, and which epoch's weights to keep.
    epochs : int, optional
        Stop after this number of epochs; the schedule stays that of the settings.
    checkpoint : Checkpoint, optional
        Where the state is saved, and resumed from: epochs in it are reported again.
    """
    device = environment.device
    with environment.step():
        network = decoder.build(train.inputs.shape[1:], n_classes)
        decoder.start_from(network, train.inputs, train.y)
        order = prepare(network, device)
        optimizer = make_optimizer(network, settings, decoder.adam_epsilon)
        learned = _on_device(train, device, order)
        watched = [_on_device(part, device, order) if part else None for part in (test, validation)]
        before = [_quality(network, part, settings) for part in (learned, *watched)]
        per_class = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
        augment = None
        if space is not None and settings.augment != NO_AUGMENT:
            augment = Augment(settings.augment, learned.inputs, n_classes, space, decoder.layout)
    _check_batch_size(network, settings.batch_size)
    last = min(epochs or settings.epochs, settings.epochs)
    best = BestEpoch(settings.patience if validation else 0)
    at = FitState(network, optimizer, environment, best)
    sizes = batch_sizes(len(train.y), settings.batch_size)
    loop = TrainingLoop(at, learned, watched, sizes, settings, per_class, augment)
    yield FitStarted(last, len(sizes), sum(p.numel() for p in network.parameters()), *before)
    if checkpoint is not None and checkpoint.restore(at):
        yield from at.history
    try:
        while at.epoch < last and not best.is_over(at.epoch):
            now = yield from loop.epoch()
            if checkpoint is not None:
                checkpoint.save_if_due(at)
            yield now
        state = best.state if best.state and settings.keep_best else network.state_dict()
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise _diverged(math.nan, at.epoch, len(sizes), settings)  # in the very last step
    except GeneratorExit:
        if checkpoint is not None:
            checkpoint.save_on_stop(at)
        raise
    except DivergedError as error:
        if checkpoint is not None:
            location = yield from loop.replay_to_last_finite(checkpoint)
            error.args = (f"{error}{location}",)
        raise
    with environment.step():
        return {name: value.detach().cpu().contiguous().numpy().copy() for name, value in state.items()}


@dataclass(frozen=True, slots=True, eq=False)
class TrainingLoop:
    """The epochs of one fit, from its current state."""

    at: FitState
    learned: TensorPart
    watched: Sequence[TensorPart | None]
    sizes: Sequence[int]
    settings: ResolvedTraining
    per_class: torch.Tensor | None
    augment: Augment | None = None

    def epoch(self) -> Steps[BatchDone, EpochDone]:
        """Train for one epoch, or for the rest of it, and evaluate the test and validation sets."""
        at = self.at
        yield from self._batches()
        with at.environment.step():
            seen = [_quality(at.network, part, self.settings) for part in self.watched]
            now = EpochDone(at.epoch + 1, at.quality_so_far(), *seen)
            at.best.update(now.epoch, now.validation, at.network)
        at.start_next_epoch(now)
        return now

    def _batches(self) -> Generator[BatchDone, None, None]:
        at, learned, settings = self.at, self.learned, self.settings
        epoch = at.epoch + 1
        rate = settings.learning_rate * rate_factor(settings.schedule, epoch, settings.epochs)
        set_rate(at.optimizer, rate)
        if len(self.sizes) > 1 and not at.batch:
            with at.environment.step():
                at.order = torch.randperm(len(learned.y), device=at.environment.device)
        start = sum(self.sizes[: at.batch])
        smaller = partial(_smaller_batch, at.network, tuple(learned.inputs.shape[1:]), max(self.sizes))
        for size in self.sizes[at.batch :]:
            with at.environment.step(smaller):
                rows = slice(None) if at.order is None else at.order[start : start + size]
                inputs, targets = learned.inputs[rows], learned.targets[rows]
                if self.augment is not None:
                    inputs, targets = self.augment(inputs, targets)
                loss, right = _step(at.network, at.optimizer, inputs, targets, self.per_class, settings)
            start += size
            at.add(size, loss, right)
            if not math.isfinite(loss):
                raise _diverged(loss, epoch, at.batch, settings)
            yield BatchDone(epoch, at.batch, loss)

    def replay_to_last_finite(self, checkpoint: Checkpoint) -> Steps[Progress, str]:
        """Save the last finite state, and return a sentence on where it is, for a message.

        Copying the weights at every epoch would take a tenth of the time of a fast network. The checkpoint
        is seconds old, and the same steps from it give the same results, so they are repeated.
        """
        done, last = self.at.epoch, None
        if not checkpoint.restore(self.at):
            return ""
        with suppress(DivergedError):  # on a device whose sums are not reproducible
            while self.at.epoch < done:
                for _ in self.epoch():
                    yield Progress("steps to the last finite state", self.at.epoch, done)
                last = checkpoint.packed(self.at) or last
        if last is not None:
            with suppress(InputError):  # if the disk is full, the checkpoint stays
                checkpoint.save(last)
        return checkpoint.location()


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """Divide n samples into batches; a last batch of one sample is merged with the one before it.

    Batch normalization cannot compute a variance from one sample.

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


def _on_device(part: Part, device: torch.device, order: torch.memory_format) -> TensorPart:
    """Copy samples to a device, in a memory format."""
    inputs = torch.tensor(part.inputs, device=device).contiguous(memory_format=order)
    return TensorPart(inputs, torch.tensor(part.y, device=device), part.y)


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
        parts = [F.softmax(network(part).float(), dim=1) for part in torch.split(inputs, at_once)]
    network.train(was_training)
    return np.asarray(torch.cat(parts).cpu().numpy(), dtype=np.float32)


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor | None,
    settings: ResolvedTraining,
) -> tuple[float, int]:
    """Take one step of the optimizer; return the loss before it, and the number of correct samples."""
    if not network.training:  # going through all layers takes 8% of a step on a GPU
        network.train()
    optimizer.zero_grad()
    with computing_in(settings.precision, inputs.device):
        logits = network(inputs).float()
    loss = loss_of(logits, targets, weights, settings.augment.label_smoothing)
    loss.backward()
    optimizer.step()
    likely = targets if targets.ndim == 1 else targets.argmax(dim=1)  # of mixed samples
    correct = (logits.detach().argmax(dim=1) == likely).sum()
    numbers = torch.stack((loss.detach(), correct)).tolist()  # one wait for the device
    return float(numbers[0]), round(numbers[1])


def _quality(network: nn.Module, part: TensorPart | None, settings: ResolvedTraining) -> Quality | None:
    if part is None:
        return None
    with computing_in(settings.precision, part.inputs.device):
        return quality(probabilities(network, part.inputs), part.y)


def _check_batch_size(network: nn.Module, batch_size: int) -> None:
    normalizing = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    if batch_size == 1 and any(isinstance(layer, normalizing) for layer in network.modules()):
        raise InputError(
            "A network with batch normalization needs at least two samples per batch, got "
            "batch_size = 1. Use a larger batch_size, or 0 for all samples at once."
        )


def _smaller_batch(network: nn.Module, input_shape: tuple[int, ...], batch_size: int, free: int) -> str:
    """Advice on a batch size that would fit into the free memory."""
    fits = batch_that_fits(free, bytes_per_sample(network, input_shape), batch_size)
    if not fits:
        return "Even a batch of two does not fit. Choose a smaller network or a smaller mask."
    return (
        f"Set batch_size = {fits}, which would fit (it was {batch_size}), or choose a smaller network or a "
        "smaller mask."
    )


def _diverged(loss: float, epoch: int, batch: int, settings: ResolvedTraining) -> DivergedError:
    """Error with the epoch, the batch and the likely cause."""
    rate = settings.learning_rate
    return DivergedError(
        f"The loss must stay finite, but it became {loss} in epoch {epoch}, batch {batch}. The learning rate "
        f"is probably too high: lower learning_rate = {rate:g} to {rate / 10:g}"
        + (f", or momentum = {settings.momentum:g}." if settings.momentum else ".")
    )
