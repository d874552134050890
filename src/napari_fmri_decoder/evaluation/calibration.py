"""Calibration: whether samples that were predicted with a probability of 0.8 are right in 8 of 10 cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.training.quality import quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.events import FoldResult

BINS = 10
"""Bins of equal width from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The predictions whose confidence is above `low` and at most `high`; empty bins are not listed.

    The confidence is the probability of the predicted class; `confidence` and `accuracy` are means.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of the predictions of all test sets together.

    Attributes
    ----------
    ece : float
        Expected calibration error: the mean over predictions of the difference between confidence and
        accuracy of their bin (Guo et al. 2017, arXiv:1706.04599); 0 is best.
    log_loss : float
        Mean cross-entropy in nats.
    bins : tuple of ReliabilityBin
    """

    ece: float
    log_loss: float
    bins: tuple[ReliabilityBin, ...]


def calibration(y: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Calibration:
    """Compare the confidence of predictions with their accuracy.

    Parameters
    ----------
    y : (n,) int64 array
        True classes.
    probabilities : (n, classes) float array

    Returns
    -------
    Calibration

    Examples
    --------
    >>> sure, unsure = [0.9, 0.1], [0.4, 0.6]
    >>> found = calibration(np.array([0, 0, 1, 1]), np.array([sure, sure, unsure, sure]))
    >>> round(found.ece, 3), [(b.n, round(b.accuracy, 2)) for b in found.bins]
    (0.275, [(1, 1.0), (3, 0.67)])
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == y
    edges = np.linspace(0, 1, BINS + 1)
    number = np.clip(np.searchsorted(edges, confidence) - 1, 0, BINS - 1)
    bins = tuple(
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n=int((number == i).sum()),
            confidence=float(confidence[number == i].mean()),
            accuracy=float(correct[number == i].mean()),
        )
        for i in np.unique(number)
    )
    error = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(y)
    return Calibration(error, quality(probabilities, y).loss, bins)


def calibration_of(results: Sequence[FoldResult], samples: Samples) -> Calibration:
    """Calibration over the test sets of all folds together."""
    y = np.concatenate([samples.y[result.split.test] for result in results])
    return calibration(y, np.concatenate([result.probabilities for result in results]))
