"""Many fits of one small network as one computation: the same samples with other labels and other seeds.

Permutations fit the same network to the same patterns many times. Full-batch gradient descent changes the
first weights only by sums of patterns, so that the outputs of the first layer, Z = X W, are updated with
K = X X^T alone, whatever the number of voxels, and all fits share each product. Each fit has its own seed:
its initial weights and dropout masks are those of a single fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from napari_fmri_decoder.decoders.base import Decoder, NetworkDecoder
from napari_fmri_decoder.errors import DivergedError
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.training.augment_config import NO_AUGMENT
from napari_fmri_decoder.training.torch.devices import choose_device
from napari_fmri_decoder.training.torch.environment import Environment
from napari_fmri_decoder.training.torch.precision import why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining

VALUES_AT_ONCE = 2**16
"""Hidden activations (samples x fits x units) in one batch, so that they fit in the CPU's cache."""


def can_batch(decoder: Decoder, samples: Samples, splits: Sequence[Split], config: ResolvedTraining) -> bool:
    """Whether `fit_batch` gives the results of `fit` for this decoder.

    It does for networks of Linear, ReLU, Dropout, Linear on a vector of voxels (`mlp`), trained by SGD on all
    samples at once, on the CPU, in float32, from random weights, with a constant learning rate, without a
    validation set, screening, whitening, balancing, augmentation or options to select.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : ResolvedTraining
    """
    if not isinstance(decoder, NetworkDecoder) or decoder.layout != "vector" or decoder.starts_from_samples:
        return False
    settings = config
    largest = max(len(split.train) for split in splits)
    full_batch = settings.batch_size == 0 or settings.batch_size >= largest
    if settings.augment != NO_AUGMENT:
        return False
    if settings.screening or settings.whiten or settings.balance != "none" or settings.select:
        return False  # the fits then differ in their samples or options
    if settings.validation != "none" or settings.schedule != "constant":
        return False  # each fit would end in a different epoch; learning rates are constant here
    device = choose_device(settings.device).torch
    if settings.optimizer != "sgd" or not full_batch or device.type != "cpu":
        return False
    if settings.precision != "float32" and not why_not(settings.precision, device):
        return False  # batches are float32
    with torch.device("meta"):
        network = decoder.build(samples.space.input_shape("vector"), len(samples.classes))
    return [type(layer) for layer in network] == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]


def fits_at_once(decoder: NetworkDecoder, samples: Samples, splits: Sequence[Split]) -> int:
    """Number of permutations in one batch.

    It depends on sizes alone, never on the machine, so that a permutation is always in the same batch and
    its sums are added in the same order, wherever it is computed.
    """
    with torch.device("meta"):
        network = decoder.build(samples.space.input_shape("vector"), len(samples.classes))
    hidden = _layers(network)[0].out_features
    return int(np.clip(VALUES_AT_ONCE // (hidden * max(len(s.train) for s in splits)), 1, 1000))


@dataclass(slots=True, eq=False)
class _Fits:
    """The state of P fits: outputs of the first layer for all samples, without bias, and other weights."""

    Z: torch.Tensor  # (P, n_all, h)
    b1: torch.Tensor  # (P, 1, h)
    W2: torch.Tensor  # (P, classes, h)
    b2: torch.Tensor  # (P, classes, 1)
    generators: list[torch.Generator]


def fit_batch(
    decoder: NetworkDecoder,
    samples: Samples,
    split: Split,
    labels: NDArray[np.int64],
    seeds: Sequence[int],
    config: ResolvedTraining,
) -> Steps[int, NDArray[np.float32]]:
    """Fit once per row of labels, and predict the test set by each fit.

    Parameters
    ----------
    decoder : NetworkDecoder
        One that `can_batch` accepts.
    samples : Samples
        Their own labels are not used.
    split : Split
    labels : (P, n) int64 array
        Classes of all samples, for each fit.
    seeds : sequence of P int
        Of initial weights and dropout, as in `fit`.
    config : ResolvedTraining
        Its `threads` are not used here.

    Yields
    ------
    int
        Number of completed epochs, as a place to stop.

    Returns
    -------
    (P, n_test, classes) float32 array
        Probabilities.

    Raises
    ------
    DivergedError
        If the outputs of a fit are not finite.
    """
    settings = config
    # Products this small are fastest on one thread.
    environment = Environment(0, 1, torch.device("cpu"))
    n = len(split.train)
    with environment.step():
        scaler = fit_scaler(samples.X[split.train])
        inputs = torch.tensor(scaler.apply(samples.X[np.concatenate([split.train, split.test])]))
        fits, dropout = _start(decoder, inputs, len(samples.classes), seeds)
        step = _Step(inputs, n, torch.tensor(labels[:, split.train]), len(samples.classes), settings)
    for epoch in range(1, settings.epochs + 1):
        with environment.step():
            step(fits, dropout)
        yield epoch
    with environment.step():
        logits = _out(fits, torch.relu(fits.Z[:, n:] + fits.b1))
        if not torch.isfinite(logits).all():
            raise DivergedError(
                "The loss must stay finite, but with permuted labels it did not. The learning rate is "
                f"probably too high: lower learning_rate = {settings.learning_rate:g}."
            )
        return np.asarray(F.softmax(logits, dim=1).transpose(1, 2).numpy(), dtype=np.float32)


def _start(
    decoder: NetworkDecoder, inputs: torch.Tensor, n_classes: int, seeds: Sequence[int]
) -> tuple[_Fits, float]:
    """Draw initial weights as each single fit would, and keep the state of its random numbers.

    The second value is the dropout probability.
    """
    Z, b1, W2, b2, generators = [], [], [], [], []
    for seed in seeds:
        with Environment(seed, 1, inputs.device).step(), torch.no_grad():
            network = decoder.build((inputs.shape[1],), n_classes)
            generators.append(torch.Generator().set_state(torch.get_rng_state()))
        first, dropout, last = _layers(network)
        Z.append((inputs @ first.weight.T).detach())
        b1.append(first.bias.detach()[None])
        W2.append(last.weight.detach())
        b2.append(last.bias.detach()[:, None])
    stacked = _Fits(torch.stack(Z), torch.stack(b1), torch.stack(W2), torch.stack(b2), generators)
    return stacked, dropout.p


def _layers(network: nn.Sequential) -> tuple[nn.Linear, nn.Dropout, nn.Linear]:
    first, _, dropout, last = network
    if not (isinstance(first, nn.Linear) and isinstance(dropout, nn.Dropout) and isinstance(last, nn.Linear)):
        raise TypeError(f"Only networks that can_batch accepts can be batched, got {network}.")
    return first, dropout, last


class _Step:
    """One step of gradient descent for all fits, with momentum and weight decay as in torch's SGD.

    Axes are ordered so that each product and sum is contiguous in memory: (P, n, h) and (P, classes, n).
    """

    def __init__(
        self,
        inputs: torch.Tensor,
        n: int,
        y: torch.Tensor,
        n_classes: int,
        settings: ResolvedTraining,
    ) -> None:
        self.n, self.settings = n, settings
        self.target = F.one_hot(y, n_classes).transpose(1, 2).to(inputs.dtype).contiguous()
        exact = inputs.to(torch.float64)
        few = 2 * inputs.shape[1] < n
        self.factors = (
            [inputs[:n].T.contiguous(), inputs] if few else [(exact @ exact[:n].T).to(inputs.dtype)]
        )
        self.velocity: dict[str, torch.Tensor] = {}
        self.mask: torch.Tensor | None = None

    def __call__(self, fits: _Fits, dropout: float) -> None:
        hidden = torch.relu_(fits.Z[:, : self.n] + fits.b1)
        if dropout:
            mask = self._draw(fits, hidden, 1 - dropout)
            hidden *= mask
        slope = F.softmax(_out(fits, hidden), dim=1).sub_(self.target).div_(self.n)
        back = torch.bmm(slope.transpose(1, 2), fits.W2)
        if dropout:
            back *= mask
        back = back.masked_fill_(hidden <= 0, 0.0)
        self._descend("W2", fits.W2, torch.bmm(slope, hidden))
        self._descend("b2", fits.b2, slope.sum(dim=2, keepdim=True))
        self._descend("b1", fits.b1, back.sum(dim=1, keepdim=True))
        self._descend_rows(fits.Z, back)

    def _draw(self, fits: _Fits, hidden: torch.Tensor, keep: float) -> torch.Tensor:
        """Draw the mask of each fit from its own random numbers, as in torch's dropout."""
        if self.mask is None:
            self.mask = torch.empty_like(hidden)
        for mask, generator in zip(self.mask, fits.generators, strict=True):
            mask.bernoulli_(keep, generator=generator)
        return self.mask.div_(keep)

    def _descend(self, name: str, weights: torch.Tensor, gradient: torch.Tensor) -> None:
        gradient = gradient.add_(weights, alpha=self.settings.weight_decay)
        if self.settings.momentum:
            known = self.velocity.get(name)
            gradient = gradient if known is None else gradient.add_(known, alpha=self.settings.momentum)
            self.velocity[name] = gradient
        weights.sub_(gradient, alpha=self.settings.learning_rate)

    def _descend_rows(self, Z: torch.Tensor, back: torch.Tensor) -> None:
        """Z = X W changes by X X^T times the backpropagated gradient, as W changes by X^T times it."""
        for factor in self.factors[:-1]:
            back = factor @ back
        last = self.factors[-1].expand(len(Z), -1, -1)
        if self.settings.momentum:
            self._descend("Z", Z, torch.bmm(last, back))
            return
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        Z.baddbmm_(last, back, beta=1 - rate * decay, alpha=-rate)


def _out(fits: _Fits, hidden: torch.Tensor) -> torch.Tensor:
    """Logits (P, classes, n) of (P, n, h) hidden activations."""
    return torch.baddbmm(fits.b2, fits.W2, hidden.transpose(1, 2))
