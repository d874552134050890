"""Cross-entropy and accuracy from probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.training.events import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray


def quality(probabilities: NDArray[np.floating], y: NDArray[np.int64]) -> Quality:
    """Score predictions.

    Parameters
    ----------
    probabilities : (n, classes) float array
        Clipped at the resolution of its type before the logarithm, as in scikit-learn.
    y : (n,) int64 array
        True classes.

    Returns
    -------
    Quality

    Examples
    --------
    >>> quality(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1])).accuracy
    1.0
    """
    of_truth = probabilities[np.arange(len(y)), y]
    clipped = np.clip(of_truth, np.finfo(probabilities.dtype).eps, 1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == y
    return Quality(loss=float(-np.log(clipped).mean()), accuracy=float(correct.mean()))
