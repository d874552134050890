"""What training will take: layers, memory, and time from the first batches of a real fit."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders.base import EstimatorDecoder
from napari_fmri_decoder.decoders.summary import Summary, summarize
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitStarted
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.selecting import trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining, TrainingConfig

PROBE_S = 3.0
"""Seconds of training that are enough to judge by."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run will take, without permutations and comparisons.

    Attributes
    ----------
    summary : Summary
        Of the network.
    memory : int
        Bytes of the device, about: weights, gradients, the optimiser's state, and what one batch
        leaves in each layer. 0 for a decoder that scikit-learn fits.
    epoch_s : float or None
        Seconds of one epoch with its evaluation; None for a decoder that scikit-learn fits.
    fits : int
        Folds for each seed, and the fit on all samples; with each those by which `select` chooses.
    total_s : float or None
        Of all of them.
    """

    summary: Summary
    memory: int
    epoch_s: float | None
    fits: int
    total_s: float | None


def look_ahead(
    decoder: Decoder, samples: Samples, splits: Sequence[Split], config: TrainingConfig
) -> Outlook:
    """Train a few batches of the first fold, and foretell what the whole takes.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : TrainingConfig
        Of options to be chosen (`select`) all candidates are counted, each with its epochs; how long an
        epoch takes is that of the options as they stand.

    Returns
    -------
    Outlook
        After some `PROBE_S` seconds.
    """
    settings = config.resolved(decoder).model_copy(update={"select": {}})
    summary = summarize(decoder, samples.space.input_shape(decoder.layout), len(samples.classes))
    fits, epochs = _fits(decoder, samples, config, np.arange(len(samples.y)))
    for split in splits:
        n, of_split = _fits(decoder, samples, config, split.train)
        fits, epochs = fits + settings.seeds * n, epochs + settings.seeds * of_split
    if isinstance(decoder, EstimatorDecoder):
        return Outlook(summary, 0, None, fits, None)
    epoch_s = _epoch(decoder, samples, splits[0], settings)
    memory = _memory(summary, settings, len(splits[0].train))
    return Outlook(summary, memory, epoch_s, fits, epoch_s * epochs)


def _fits(
    decoder: Decoder, samples: Samples, config: TrainingConfig, rows: NDArray[np.int64]
) -> tuple[int, float]:
    """Count the fits for one training part, and their epochs in units of one through all of its rows."""
    if not config.select:
        return 1, config.resolved(decoder).epochs
    options, folds = trials(decoder, config, samples.y[rows], samples.groups[rows])
    epochs = [settings.resolved(candidate).epochs for candidate, settings, _ in options]
    share = sum(len(train) for train, _ in folds) / len(rows)
    chosen = fmean(epochs) if folds else epochs[0]  # which one it will be is not known
    return len(options) * len(folds) + 1, sum(epochs) * share + chosen


def _epoch(decoder: Decoder, samples: Samples, split: Split, settings: ResolvedTraining) -> float:
    """Seconds of an epoch: of whole ones where some fit into the probe, else from its batches."""
    began = batch_began = epoch_began = perf_counter()
    first, n_batches = 0.0, 1
    batches: list[float] = []
    epochs: list[float] = []
    events = fit(
        decoder,
        samples.X[split.train],
        samples.y[split.train],
        len(samples.classes),
        samples.space,
        settings,
        test=(samples.X[split.test], samples.y[split.test]),
        seed=settings.seed,
        groups=samples.groups[split.train],
    )
    with closing(events):
        for event in events:
            now = perf_counter()
            if isinstance(event, FitStarted):
                first, n_batches = now - began, event.batches
                began = epoch_began = now
            elif isinstance(event, BatchDone):
                batches.append(now - batch_began)
            elif isinstance(event, EpochDone):
                epochs.append(now - epoch_began)
                epoch_began = now
            batch_began = now
            if batches and now - began >= PROBE_S:
                break
    if epochs:
        return median(epochs)
    # Before the first epoch all parts were predicted, after each one only those that are watched are.
    watched = len(split.test) / (len(split.test) + len(split.train))
    return n_batches * median(batches) + watched * first


def _memory(summary: Summary, settings: ResolvedTraining, n: int) -> int:
    """Bytes of float32: weights, gradients, what the optimiser remembers; answers and their gradients."""
    remembered = {"adam": 2, "sgd": int(settings.momentum > 0)}[settings.optimizer]
    weights = summary.total + summary.trainable * (1 + remembered)
    answers = math.prod(summary.input_shape) + 2 * sum(math.prod(row.output_shape) for row in summary.rows)
    return 4 * (weights + answers * min(settings.batch_size or n, n))
