"""Linear decoders as one torch layer `out`: its network, its weights, and its probabilities in NumPy."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

ABSENT = -1e4
"""Logit of a class that is not in the training set."""


def one_layer(input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
    """Build one linear layer `out` for (features,) inputs; see `Decoder.build`."""
    from torch import nn

    (n_features,) = input_shape
    return nn.Sequential(OrderedDict(out=nn.Linear(n_features, n_classes)))


def layer_state(
    coef: NDArray[Any], intercept: NDArray[Any], classes: NDArray[np.int64], n_classes: int
) -> dict[str, NDArray[np.float32]]:
    """Weights of the layer `out`; a class that is not in the training set gets no probability.

    Parameters
    ----------
    coef : (classes, features) array
        Or (1, features) for two classes, of which the difference of logits is given, as by scikit-learn.
    intercept : (classes,) array
        Or (1,).
    classes : (classes,) int64 array
        The class of each row.
    n_classes : int

    Returns
    -------
    dict
        `out.weight` (n_classes, features) and `out.bias` (n_classes,), as torch names them.
    """
    if len(coef) == 1 and len(classes) == 2:
        coef, intercept = np.vstack([-coef, coef]) / 2, np.hstack([-intercept, intercept]) / 2
    weight = np.zeros((n_classes, coef.shape[1]), dtype=np.float32)
    bias = np.full(n_classes, ABSENT, dtype=np.float32)
    weight[classes], bias[classes] = coef, intercept
    return {"out.weight": weight, "out.bias": bias}


def both_logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, classes) logits from decision values; for two classes scikit-learn gives the difference alone."""
    return np.hstack([-scores, scores]) / 2 if scores.shape[1] == 1 else scores


def log_loss(logits: NDArray[np.float64], y: NDArray[np.int64], classes: NDArray[np.int64]) -> float:
    """Mean cross-entropy in nats, clipped at the resolution of float64.

    Parameters
    ----------
    logits : (n, classes) float64 array
    y : (n,) int64 array
    classes : (classes,) int64 array
        The class of each column, in increasing order.
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    of_truth = powers[np.arange(len(y)), np.searchsorted(classes, y)] / powers.sum(axis=1)
    return float(-np.log(np.clip(of_truth, np.finfo(np.float64).eps, 1)).mean())
