"""Other decoders on the folds of a run, and the spread of a score over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.evaluation.calibration import Calibration
    from napari_fmri_decoder.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """The headline score for each of several seeds; the first is the recipe's seed, shown in the report.

    `std` is the sample standard deviation (n - 1).
    """

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Another decoder on the same folds: its options, and means over folds."""

    decoder: dict[str, Any]
    accuracy: float
    balanced_accuracy: float
    loss: float
    train_accuracy: float
    accuracy_per_fold: tuple[float, ...]
    seeds: SeedSpread | None = None
    calibration: Calibration | None = None


def compare(decoder: Decoder, scores: Scores) -> Compared:
    """Summarize the scores of another decoder for comparison with those of the main one."""
    return Compared(
        decoder=decoder.model_dump(mode="json"),
        accuracy=scores.accuracy,
        balanced_accuracy=scores.balanced_accuracy,
        loss=scores.loss,
        train_accuracy=scores.train_accuracy,
        accuracy_per_fold=tuple(fold.accuracy for fold in scores.folds),
        seeds=scores.seeds,
        calibration=scores.calibration,
    )


def spread_of(seeds: Sequence[int], scores: Sequence[float]) -> SeedSpread:
    """Summarize the headline scores of several seeds.

    Examples
    --------
    >>> spread_of([0, 1, 2], [0.5, 0.6, 0.7]).std
    0.09999999999999998
    """
    return SeedSpread(tuple(seeds), tuple(scores), float(np.mean(scores)), float(np.std(scores, ddof=1)))
