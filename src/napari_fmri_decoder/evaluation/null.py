"""What a score is worth: the dummy and linear baselines, and permutation of the blocks' labels.

Both are generators of small events, so that they show progress and stop between two steps; the last
event carries the result.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import factorial, prod
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.scores import Permutation, headline_of, score_folds
from napari_fmri_decoder.samples.samples import Samples, group_keys
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult, Note
from napari_fmri_decoder.training.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig

BASELINES: dict[str, dict[str, str]] = {
    "dummy": {"name": "dummy"},
    "linear": {"name": "linear", "loss": "logistic", "C": "nested"},
}
"""What stands beside every network; C is chosen inside each training part, by whole runs."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A place to stop: `done` of `total` steps of `what` are behind."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class BaselinesDone:
    """The headline score of "dummy" and "linear"."""

    scores: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class PermutationsDone:
    """What the exchanged labels gave: (n,) float64 scores, beside that of the true labels."""

    scores: NDArray[np.float64]
    observed: float
    summary: Permutation


def baselines(samples: Samples, splits: Sequence[Split], config: TrainingConfig) -> dict[str, float]:
    """Score "dummy" and "linear" in the same folds; see `baseline_events`, which this runs to its end."""
    scores: dict[str, float] = {}
    for event in baseline_events(samples, splits, config):
        if isinstance(event, BaselinesDone):
            scores = event.scores
    return scores


def baseline_events(
    samples: Samples, splits: Sequence[Split], config: TrainingConfig
) -> Iterator[Progress | Note | BaselinesDone]:
    """Score a guess that looks at no voxel, and a logistic regression, in the same folds.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    config : TrainingConfig
        Of the decoder that they stand beside: seed and threads are taken from it.

    Yields
    ------
    Progress, Note
    BaselinesDone
        Last. Scores are the headline one: the balanced accuracy where classes differ in size.

    Notes
    -----
    The penalty of the regression is chosen in each fold inside the training part, by whole runs, so
    that the samples left out have no say in it (Varoquaux et al. 2017,
    doi:10.1016/j.neuroimage.2016.10.038).
    """
    measure = headline_of(samples)
    scores = {}
    for i, (name, options) in enumerate(BASELINES.items()):
        here = Progress("baselines", i, len(BASELINES))
        results = yield from _run(get_decoder(options), samples, splits, config, here)
        scores[name] = score_folds(results, samples).by_name(measure)
    yield Progress("baselines", len(BASELINES), len(BASELINES))
    yield BaselinesDone(scores)


def permute_labels(table: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.str_]:
    """Exchange the labels of whole blocks within each run.

    Parameters
    ----------
    table : DataFrame of n rows
        Columns `label`, `block`, `subject`, `session`, `run`.
    rng : Generator

    Returns
    -------
    (n,) str array
        Each block keeps one label, and each run as many blocks of each label as it had.

    Notes
    -----
    Volumes of one block are alike for many reasons, so that they are no free units: shuffling them
    one by one calls far too many null data sets significant.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"label": list("aabb"), "block": [0, 0, 1, 1]}).assign(
    ...     subject="", session="", run="1")
    >>> permute_labels(table, np.random.default_rng(3)).tolist()
    ['b', 'b', 'a', 'a']
    """
    labels = table["label"].to_numpy(dtype=str)
    exchanged = labels.copy()
    for rows, first, block in _blocks(table):
        exchanged[rows] = rng.permutation(labels[rows][first])[block]
    return exchanged


def n_exchanges(table: pd.DataFrame) -> int:
    """Count the different labellings that `permute_labels` can give, the true one among them."""
    labels = table["label"].to_numpy(dtype=str)
    ways = 1
    for rows, first, _ in _blocks(table):
        sizes = Counter(labels[rows][first].tolist())
        ways *= factorial(len(first)) // prod(factorial(n) for n in sizes.values())
    return ways


def permutation_test(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    *,
    permutations: int,
    observed: float,
) -> Iterator[Progress | Note | PermutationsDone]:
    """Fit everything again under exchanged labels, many times.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
        With the true labels.
    splits : sequence of Split
    config : TrainingConfig
    permutations : int
        How often.
    observed : float
        Headline score under the true labels.

    Yields
    ------
    Progress, Note
    PermutationsDone
        Last; p = (b + 1) / (n + 1), b of the n permutations scoring at least as well as the true
        labels (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585). Labels are exchanged once per
        permutation for all folds (Etzel and Braver 2013, doi:10.1109/PRNI.2013.44).

    Raises
    ------
    InputError
        If no run has blocks of two labels, so that nothing can be exchanged.
    """
    ways = n_exchanges(samples.table)
    if ways == 1:
        raise InputError(
            "A permutation test needs at least one run with blocks of two labels, found none: nothing can be "
            "exchanged within runs. Set permutations = 0, or give runs that hold more than one label."
        )
    if ways < permutations:
        yield Note(
            f"Only {ways} labellings of the blocks are possible, fewer than the {permutations} permutations: "
            f"p cannot fall far below {1 / ways:.3g}."
        )
    measure = headline_of(samples)
    scores = np.empty(permutations)
    for i in range(permutations):
        rng = np.random.default_rng(derive_seed(config.seed, 0, i + 1))
        shuffled = samples.relabelled(permute_labels(samples.table, rng))
        here = Progress("permutations", i, permutations)
        results = yield from _run(decoder, shuffled, splits, config, here, permutation=i + 1)
        scores[i] = score_folds(results, shuffled).by_name(measure)
    yield Progress("permutations", permutations, permutations)
    yield PermutationsDone(scores, observed, summarise(scores, observed))


def summarise(scores: NDArray[np.float64], observed: float) -> Permutation:
    """Give n, p and mean of null scores; equal scores count as at least as good.

    Examples
    --------
    >>> summarise(np.array([0.5, 0.6, 0.4]), 0.6).p
    0.5
    """
    as_good = int((scores >= observed - 1e-9).sum())
    n = len(scores)
    return Permutation(n=n, p=(as_good + 1) / (n + 1), mean=float(scores.mean()))


def _run(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    here: Progress,
    permutation: int = 0,
) -> Generator[Progress, None, list[FoldResult]]:
    """Cross-validate, with a place to stop at every event."""
    results = []
    for event in cross_validate(decoder, samples, splits, config, permutation=permutation):
        if isinstance(event, FoldDone):
            results.append(event.result)
        yield here
    return results


def _blocks(
    table: pd.DataFrame,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Give, for each run, its rows, the first row of each block in them, and the block of each row."""
    groups, blocks = group_keys(table), table["block"].to_numpy()
    for group in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == group)
        _, first, block = np.unique(blocks[rows], return_index=True, return_inverse=True)
        yield rows, first, block
