"""Estimate of a run: layers, memory, and time from the first batches of a real fit."""

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
from napari_fmri_decoder.training.averaging import voting_seeds
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitStarted
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.selecting import selecting, trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining

PROBE_S = 3.0
"""Seconds of training that the estimate is based on."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Estimate of a run without permutations and comparisons.

    Attributes
    ----------
    summary : Summary
        Of the network.
    memory : int
        Approximate bytes on the device: weights, gradients, the state of the optimizer, and the activations
        of one batch in each layer. 0 for a decoder that scikit-learn fits.
    epoch_s : float or None
        Seconds of one epoch with its evaluation; None for a decoder that scikit-learn fits.
    fits : int
        Folds for each seed, and the fits on all samples; each with the fits that `select` compares.
    total_s : float or None
        Seconds of all fits.
    """

    summary: Summary
    memory: int
    epoch_s: float | None
    fits: int
    total_s: float | None


def estimate_run(
    decoder: Decoder, samples: Samples, splits: Sequence[Split], config: ResolvedTraining
) -> RunEstimate:
    """Train a few batches of the first fold, and estimate the whole run.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : ResolvedTraining
        For options to be selected (`select`) all candidates are counted, each with its epochs; the time of an
        epoch is that of the options as they are set.

    Returns
    -------
    RunEstimate
        After about `PROBE_S` seconds.
    """
    settings = config.model_copy(update={"select": {}})
    summary = summarize(decoder, samples.space.input_shape(decoder.layout), len(samples.classes))
    fits, epochs = _fits(decoder, samples, config, np.arange(len(samples.y)))
    voting = len(voting_seeds(decoder, config))
    fits, epochs = voting * fits, voting * epochs
    for split in splits:
        n, of_split = _fits(decoder, samples, config, split.train)
        fits, epochs = fits + settings.seeds * n, epochs + settings.seeds * of_split
    if isinstance(decoder, EstimatorDecoder):
        return RunEstimate(summary, 0, None, fits, None)
    epoch_s = _epoch(decoder, samples, splits[0], settings)
    memory = _memory(summary, settings, len(splits[0].train))
    return RunEstimate(summary, memory, epoch_s, fits, epoch_s * epochs)


def _fits(
    decoder: Decoder, samples: Samples, config: ResolvedTraining, rows: NDArray[np.int64]
) -> tuple[int, float]:
    """Count the fits for one training set, and their epochs in units of one epoch over all of its rows."""
    config = selecting(decoder, config, samples.groups[rows])
    if not config.select:
        return 1, config.epochs
    options, folds = trials(decoder, config, samples.y[rows], samples.groups[rows])
    epochs = [settings.epochs for _, settings, _ in options]
    share = sum(len(train) for train, _ in folds) / len(rows)
    selected = fmean(epochs) if folds else epochs[0]  # the selected one is not known yet
    return len(options) * len(folds) + 1, sum(epochs) * share + selected


def _epoch(decoder: Decoder, samples: Samples, split: Split, settings: ResolvedTraining) -> float:
    """Seconds of an epoch: measured if one fits into the probe, else estimated from its batches."""
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
    # Before the first epoch all sets were predicted; after each epoch only the test set is.
    watched = len(split.test) / (len(split.test) + len(split.train))
    return n_batches * median(batches) + watched * first


def _memory(summary: Summary, settings: ResolvedTraining, n: int) -> int:
    """Bytes of float32: weights, gradients, state of the optimizer; activations and their gradients."""
    moments = {"adam": 2, "sgd": int(settings.momentum > 0)}[settings.optimizer]
    weights = summary.total + summary.trainable * (1 + moments)
    activations = math.prod(summary.input_shape) + 2 * sum(
        math.prod(row.output_shape) for row in summary.rows
    )
    return 4 * (weights + activations * min(settings.batch_size or n, n))
