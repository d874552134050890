"""Learning curves of several folds together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def mean_curves(folds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Average curves over folds, epoch by epoch.

    A fold that ended early counts in the epochs that it went through and in none after: its last
    values are not carried on. Where folds drop out, the mean is that of those that are left, and can
    jump. What is not a number (a fold without a part that is watched) does not count either.

    Parameters
    ----------
    folds : sequence of (epochs, 1 + k) array
        Of each fold the epochs, in any order and with gaps, and k values at each.

    Returns
    -------
    (epochs, 1 + k) array
        Every epoch that any fold has, ascending; NaN where no fold has a value.

    Examples
    --------
    >>> long, short = np.array([[0, 3.0], [1, 2.0], [2, 1.0]]), np.array([[0, 1.0], [1, 1.0]])
    >>> mean_curves([long, short]).tolist()
    [[0.0, 2.0], [1.0, 1.5], [2.0, 1.0]]
    """
    rows = np.concatenate([np.asarray(fold, dtype=float) for fold in folds])
    epochs, which = np.unique(rows[:, 0], return_inverse=True)
    known = np.isfinite(rows[:, 1:])
    total = np.zeros((len(epochs), rows.shape[1] - 1))
    count = np.zeros_like(total)
    np.add.at(total, which, np.where(known, rows[:, 1:], 0.0))
    np.add.at(count, which, known)
    return np.column_stack(
        [epochs, np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)]
    )
