"""One seed for each fit, so that window, command and cluster give the same numbers in any order."""

from __future__ import annotations

import numpy as np


def derive_seed(seed: int, fold: int = 0, permutation: int = 0) -> int:
    """Derive the seed of one fit.

    Parameters
    ----------
    seed : int
        Of the recipe, at least 0.
    fold : int
        From 0; the refit on all samples has the number `n_folds`.
    permutation : int
        0 for the true labels, then from 1.

    Returns
    -------
    int
        Below 2**32, as scikit-learn requires.

    Examples
    --------
    >>> derive_seed(0, fold=1) == derive_seed(0, fold=1) != derive_seed(1, fold=0)
    True
    """
    return int(np.random.SeedSequence([seed, fold, permutation]).generate_state(1)[0])


def seeds_of(seed: int, n: int) -> list[int]:
    """Count up from a seed, below 2**32.

    Examples
    --------
    >>> seeds_of(2**32 - 1, 2)
    [4294967295, 0]
    """
    return [(seed + i) % 2**32 for i in range(n)]
