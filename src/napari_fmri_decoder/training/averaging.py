"""Networks of several seeds that vote as one model: its probabilities are the mean of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.seeds import seeds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FittedModel, FoldResult


def voting_seeds(decoder: Decoder, config: ResolvedTraining) -> list[int]:
    """Seeds of the networks of one model: all, if they are averaged, otherwise the first."""
    averaged = config.average and isinstance(decoder, NetworkDecoder)
    return seeds_of(config.seed, config.seeds if averaged else 1)


def mean_probabilities(found: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean of the probabilities of several networks, each (n, classes)."""
    mean = found[0] if len(found) == 1 else np.mean(found, axis=0, dtype=np.float64)
    return np.asarray(mean, dtype=np.float32)


def vote(models: Sequence[FittedModel]) -> FittedModel:
    """Combine fitted models into one, which predicts the mean of their probabilities."""
    return replace(models[0], others=tuple(models[1:]))


def averaged_folds(by_seed: Sequence[Sequence[FoldResult]], y: NDArray[np.int64]) -> list[FoldResult]:
    """Combine the folds of several seeds.

    Parameters
    ----------
    by_seed : sequence of sequence of FoldResult
        For each seed, the same folds in the same order.
    y : (n,) int64 array
        Classes of all samples.

    Returns
    -------
    list of FoldResult
        Probabilities, qualities and model of all networks together; history and untrained qualities of the
        first.
    """
    averaged = []
    for results in zip(*by_seed, strict=True):
        first = results[0]
        test = mean_probabilities([result.probabilities for result in results])
        train = mean_probabilities([result.train_probabilities for result in results])
        averaged.append(
            replace(
                first,
                probabilities=test,
                train_probabilities=train,
                train=quality(train, y[first.split.train]),
                test=quality(test, y[first.split.test]),
                model=vote([result.model for result in results]),
            )
        )
    return averaged
