"""Classes of unequal size: weights for the loss, or resampling; in the training set alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.training.config import Balance


def class_weights(y: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Class weights as in scikit-learn's ``class_weight="balanced"``: n / (classes present * count).

    Returns
    -------
    (n_classes,) float64 array
        0 for a class without samples.

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 2]), 3).round(2).tolist()
    [0.67, 0.0, 2.0]
    """
    counts = np.bincount(y, minlength=n_classes)
    weights = np.zeros(n_classes)
    weights[counts > 0] = len(y) / ((counts > 0).sum() * counts[counts > 0])
    return weights


def balanced_rows(y: NDArray[np.int64], balance: Balance, seed: int) -> NDArray[np.int64]:
    """Resample so that each class has as many samples as the smallest, or as the largest.

    Parameters
    ----------
    y : (n,) int64 array
    balance : {"none", "weights", "undersample", "oversample"}
        "undersample" drops samples of the larger classes at random; "oversample" keeps all samples, and
        repeats some of the smaller classes; the others change nothing.
    seed : int

    Returns
    -------
    (m,) int64 array
        Indices into y, in increasing order.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 1])
    >>> [np.bincount(y[balanced_rows(y, how, 0)]).tolist() for how in ("undersample", "oversample")]
    [[1, 1], [3, 3]]
    """
    everything = np.arange(len(y), dtype=np.int64)
    if balance not in ("undersample", "oversample"):
        return everything
    rng = np.random.default_rng(seed)
    of_class = [everything[y == c] for c in np.unique(y)]
    sizes = [len(rows) for rows in of_class]
    if balance == "undersample":
        drawn = [rng.choice(rows, min(sizes), replace=False) for rows in of_class]
    else:
        drawn = [np.concatenate([rows, rng.choice(rows, max(sizes) - len(rows))]) for rows in of_class]
    return np.sort(np.concatenate(drawn))
