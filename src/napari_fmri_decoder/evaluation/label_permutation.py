"""Block labels permuted within runs."""

from __future__ import annotations

from collections import Counter
from math import factorial, prod
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.samples.samples import LAG_COLUMN, group_keys
from napari_fmri_decoder.training.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Samples


def permute_labels(table: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.str_]:
    """Permute the labels of whole blocks within each run.

    Parameters
    ----------
    table : DataFrame of n rows
        Columns `label`, `block`, `subject`, `session`, `run`.
    rng : Generator

    Returns
    -------
    (n,) str array
        Each block has one label, and each run has as many blocks of each label as before.

    Notes
    -----
    The volumes of a block are correlated, so they are not exchangeable units: permuting single volumes
    makes far too many null data sets significant.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"label": list("aabb"), "block": [0, 0, 1, 1]}).assign(
    ...     subject="", session="", run="1")
    >>> permute_labels(table, np.random.default_rng(3)).tolist()
    ['b', 'b', 'a', 'a']
    """
    labels = table["label"].to_numpy(dtype=str)
    permuted_labels = labels.copy()
    for rows, first, block in _blocks_by_run(table):
        permuted_labels[rows] = rng.permutation(labels[rows][first])[block]
    return permuted_labels


def n_permutations(table: pd.DataFrame) -> int:
    """Count the different labelings that `permute_labels` can return, including the true one."""
    labels = table["label"].to_numpy(dtype=str)
    possible = 1
    for rows, first, _ in _blocks_by_run(table):
        sizes = Counter(labels[rows][first].tolist())
        possible *= factorial(len(first)) // prod(factorial(n) for n in sizes.values())
    return possible


def permuted(samples: Samples, seed: int, number: int) -> Samples:
    """Return samples with the labels of permutation `number` (from 1), the same for all folds."""
    rng = np.random.default_rng(derive_seed(seed, 0, number))
    return samples.relabeled(permute_labels(samples.table, rng))


def permuted_labels(samples: Samples, seed: int, numbers: Sequence[int]) -> NDArray[np.int64]:
    """Labels of many permutations, as those of `permuted`, without a table for each.

    Returns
    -------
    (len(numbers), n) int64 array
        Positions in the classes of the samples.
    """
    blocks, y = list(_blocks_by_run(samples.table)), samples.y
    labels = np.tile(y, (len(numbers), 1))
    for of_number, number in zip(labels, numbers, strict=True):
        rng = np.random.default_rng(derive_seed(seed, 0, number))
        for rows, first, block in blocks:
            of_number[rows] = rng.permutation(y[rows][first])[block]
    return labels


def _blocks_by_run(
    table: pd.DataFrame,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield for each run its rows, the first of these rows in each block, and the block of each row."""
    groups, blocks = group_keys(table), table["block"].to_numpy()
    if LAG_COLUMN in table:
        groups = np.char.add(np.char.add(groups, "\n"), table[LAG_COLUMN].to_numpy(dtype=str))
    for group in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == group)
        _, first, block = np.unique(blocks[rows], return_index=True, return_inverse=True)
        yield rows, first, block
