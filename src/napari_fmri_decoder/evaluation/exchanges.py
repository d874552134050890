"""Exchanged labels: which there are, and what a decoder scores under them, one by one or many at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from math import factorial, prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.evaluation.measures import accuracy, balanced_accuracy, confusion
from napari_fmri_decoder.evaluation.scores import headline_of
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.steps import returned
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.store import TaskStore, read_samples
from napari_fmri_decoder.training.tasks import task_name

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import TypeGuard

    import pandas as pd
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.training.tasks import Tasks

TASK_S = 2.0
"""Seconds of work that one task of a worker should hold."""
KEEP_S = 5.0
"""Seconds of work after which what is done is kept on disk."""


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


def permuted(samples: Samples, seed: int, number: int) -> Samples:
    """Give the samples the labels of permutation `number` (from 1), the same for all folds."""
    rng = np.random.default_rng(derive_seed(seed, 0, number))
    return samples.relabelled(permute_labels(samples.table, rng))


def permuted_scores(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    numbers: Sequence[int],
) -> Generator[None, None, NDArray[np.float64]]:
    """Fit everything again under each of some permutations.

    Yields
    ------
    None
        At each place to stop.

    Returns
    -------
    (len(numbers),) float64 array
        Headline scores; the measure is that of the true labels.
    """
    if not numbers:
        return np.empty(0)
    measure = headline_of(samples)
    exchanged = [permuted(samples, config.seed, number) for number in numbers]
    labels = np.stack([one.y for one in exchanged])
    counts: list[list[NDArray[np.int64]]] = [[] for _ in numbers]
    if batches(decoder, samples, splits, config):
        from napari_fmri_decoder.training.batched import fit_batch

        for fold, split in enumerate(splits):
            seeds = [derive_seed(config.seed, fold, number) for number in numbers]
            with closing(fit_batch(decoder, samples, split, labels, seeds, config)) as fits:
                while True:
                    try:
                        next(fits)
                    except StopIteration as end:
                        found = end.value
                        break
                    yield
            for i, probabilities in enumerate(found):
                counts[i].append(confusion(labels[i, split.test], probabilities))
    else:
        for i, (number, shuffled) in enumerate(zip(numbers, exchanged, strict=True)):
            for event in cross_validate(decoder, shuffled, splits, config, permutation=number):
                if isinstance(event, FoldDone):
                    result = event.result
                    counts[i].append(confusion(labels[i, result.split.test], result.probabilities))
                yield
    if measure == "balanced_accuracy":
        return np.array([balanced_accuracy(np.sum(folds, axis=0)) for folds in counts])
    return np.array([np.mean([accuracy(fold) for fold in folds]) for folds in counts])


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Permutations that are done: their numbers, from 1, and headline scores."""

    numbers: NDArray[np.int64]
    scores: NDArray[np.float64]


def scored_permutations(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    n: int,
    tasks: Tasks | None,
) -> Iterator[Scored | None]:
    """Score permutations 1 to n: those that are kept, then the others, here or by workers.

    Yields
    ------
    Scored or None
        None at places to stop where nothing new is done.
    """
    batch = 0
    if batches(decoder, samples, splits, config):
        from napari_fmri_decoder.training.batched import fits_at_once

        batch = fits_at_once(decoder, samples, splits)
    missing = np.ones(n + 1, dtype=bool)
    missing[0] = False
    for kept in _kept(tasks.store, decoder, config) if tasks else ():
        known = kept.numbers <= n
        missing[kept.numbers[known]] = False
        yield Scored(kept.numbers[known], kept.scores[known])
    chunks = _Chunks(np.flatnonzero(missing), batch, n)
    if tasks is not None and tasks.pool is not None:
        chunks.workers = max(1, tasks.pool.workers)
        calls = ((tasks.store.folder, decoder, config, numbers) for numbers in chunks)
        with closing(tasks.pool.imap(permutation_task, calls)) as results:
            for result in results:
                if result is not None:
                    done, seconds = result
                    chunks.learn(len(done.numbers), seconds)
                    yield done
                else:
                    yield None
        return
    unkept: list[Scored] = []
    since = time.perf_counter()
    try:
        for numbers in chunks.one_by_one():
            with closing(permuted_scores(decoder, samples, splits, config, numbers)) as steps:
                while True:
                    try:
                        next(steps)
                    except StopIteration as end:
                        unkept.append(Scored(np.array(numbers), end.value))
                        break
                    yield None
            yield unkept[-1]
            if tasks is not None and time.perf_counter() - since > KEEP_S:
                _keep(tasks.store, decoder, config, unkept)
                unkept, since = [], time.perf_counter()
    finally:
        if tasks is not None:
            _keep(tasks.store, decoder, config, unkept)


def permutation_task(
    folder: Path, decoder: Decoder, config: TrainingConfig, numbers: Sequence[int]
) -> tuple[Scored, float]:
    """Score some permutations of the samples in a store, and keep them there: a task for a worker.

    Parameters
    ----------
    folder : Path
        Of the store.
    decoder : Decoder
    config : TrainingConfig
    numbers : sequence of int
        Of the permutations, from 1.

    Returns
    -------
    Scored
    float
        Seconds that it took.
    """
    samples, splits = read_samples(folder)
    started = time.perf_counter()
    done = Scored(np.array(numbers), returned(permuted_scores(decoder, samples, splits, config, numbers)))
    _keep(TaskStore(folder), decoder, config, [done])
    return done, time.perf_counter() - started


def batches(
    decoder: Decoder, samples: Samples, splits: Sequence[Split], config: TrainingConfig
) -> TypeGuard[NetworkDecoder]:
    """Whether many permutations are fitted as one computation; asked of networks alone, which load torch."""
    if not isinstance(decoder, NetworkDecoder):
        return False
    from napari_fmri_decoder.training.batched import can_batch

    return can_batch(decoder, samples, splits, config)


class _Chunks:
    """Cuts the permutations that are left into tasks.

    Where they are batched, of a fixed grid, so that each always stands in the same batch; else of as
    many as take a task's time, as far as is known.
    """

    def __init__(self, missing: NDArray[np.int64], batch: int, n: int) -> None:
        self._missing, self._batch, self._n = missing.tolist(), batch, n
        self._each_s: float | None = None
        self.workers = 1

    def learn(self, n: int, seconds: float) -> None:
        """Take note of how long some permutations took."""
        self._each_s = seconds / max(n, 1)

    def one_by_one(self) -> Iterator[list[int]]:
        """The batches, or single permutations."""
        yield from self._batches() if self._batch else ([number] for number in self._missing)

    def __iter__(self) -> Iterator[list[int]]:
        if self._batch:
            yield from self._batches()
            return
        left = self._missing
        while left:
            fair = -(-len(left) // (2 * self.workers))
            size = 1 if self._each_s is None else round(TASK_S / max(self._each_s, 1e-6))
            size = max(1, min(size, fair))
            yield left[:size]
            left = left[size:]

    def _batches(self) -> Iterator[list[int]]:
        wanted = {(number - 1) // self._batch for number in self._missing}
        for start in sorted(i * self._batch for i in wanted):
            yield list(range(start + 1, min(start + self._batch, self._n) + 1))


def _kept(store: TaskStore, decoder: Decoder, config: TrainingConfig) -> Iterator[Scored]:
    for name in store.names(task_name("permutations", decoder, config, permutation="")):
        arrays = store.read(name)
        if arrays is not None:
            yield Scored(arrays["numbers"], arrays["scores"])


def _keep(store: TaskStore, decoder: Decoder, config: TrainingConfig, parts: Sequence[Scored]) -> None:
    if not parts:
        return
    numbers = np.concatenate([part.numbers for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    # There may be gaps where some were kept before: the numbers themselves are inside.
    span = f"{numbers.min():06d}-{numbers.max():06d}"
    name = task_name("permutations", decoder, config, permutation=span)
    store.write(name, {"numbers": numbers, "scores": scores})


def _blocks(
    table: pd.DataFrame,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Give, for each run, its rows, the first row of each block in them, and the block of each row."""
    groups, blocks = group_keys(table), table["block"].to_numpy()
    for group in dict.fromkeys(groups.tolist()):
        rows = np.flatnonzero(groups == group)
        _, first, block = np.unique(blocks[rows], return_index=True, return_inverse=True)
        yield rows, first, block
