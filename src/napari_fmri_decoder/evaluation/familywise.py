"""Family-wise p values by the largest score under permuted labels (Nichols and Holmes 2002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.05
"""Centers with a family-wise p up to this level are significant."""
_SAME = 1e-9
"""Scores that differ by less are equal."""


def familywise_p(scores: NDArray[np.float64], maxima: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute p = (b + 1) / (n + 1), where b of the n largest null scores are at least as large as a score.

    Parameters
    ----------
    scores : (m,) float64 array
        NaN gives NaN.
    maxima : (n,) float64 array
        Largest score of all centers under each permutation.

    Examples
    --------
    >>> familywise_p(np.array([0.9, 0.5, np.nan]), np.array([0.6, 0.7, 0.5])).tolist()
    [0.25, 1.0, nan]
    """
    ordered = np.sort(maxima)
    above = len(ordered) - np.searchsorted(ordered, scores - _SAME)
    return np.where(np.isnan(scores), np.nan, (above + 1) / (len(ordered) + 1))


def familywise_threshold(maxima: NDArray[np.float64], level: float = LEVEL) -> float:
    """Largest null score that a score must exceed to be significant; infinite if none can be.

    Examples
    --------
    >>> familywise_threshold(np.arange(19) / 19.0)
    0.9473684210526315
    >>> familywise_threshold(np.arange(5.0))
    inf
    """
    allowed = int(np.floor(level * (len(maxima) + 1) + _SAME)) - 1  # null scores that may be as large
    return float(np.sort(maxima)[-1 - allowed]) if 0 <= allowed < len(maxima) else float("inf")
