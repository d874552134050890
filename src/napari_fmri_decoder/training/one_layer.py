"""Predictions of a linear layer in NumPy, so that `linear` runs without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

WEIGHT, BIAS = "out.weight", "out.bias"

AT_ONCE = 2**22
"""Input values per step, to limit the memory."""


def layer_probabilities(
    state: Mapping[str, NDArray[Any]], inputs: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Softmax of one linear layer, or None if the weights are those of another network.

    Parameters
    ----------
    state : mapping of str to ndarray
        `out.weight` (classes, features) and `out.bias` (classes,), as torch names them.
    inputs : (n, features) float32 array

    Returns
    -------
    (n, classes) float32 array, or None

    Examples
    --------
    >>> state = {"out.weight": np.zeros((2, 3), np.float32), "out.bias": np.zeros(2, np.float32)}
    >>> layer_probabilities(state, np.ones((1, 3), np.float32)).tolist()
    [[0.5, 0.5]]
    """
    if set(state) != {WEIGHT, BIAS} or inputs.ndim != 2:
        return None
    weight, bias = state[WEIGHT].T.astype(np.float64), state[BIAS]
    probabilities = np.empty((len(inputs), len(bias)), dtype=np.float32)
    step = max(1, AT_ONCE // max(1, inputs.shape[1]))
    for start in range(0, len(inputs), step):
        # In float64, so that the order of sums, which depends on threads, does not change the results.
        with np.errstate(over="ignore", invalid="ignore"):  # infinite weights give NaN
            logits = inputs[start : start + step].astype(np.float64) @ weight + bias
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities[start : start + step] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
