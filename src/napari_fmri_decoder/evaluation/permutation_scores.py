"""Scores of a decoder under permuted labels: one permutation at a time, in batches, or by workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.evaluation.measures import confusion
from napari_fmri_decoder.evaluation.scores import confusion_score, headline_of
from napari_fmri_decoder.generators import Steps, map_events, run_to_end
from napari_fmri_decoder.training.averaging import mean_probabilities, voting_seeds
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.tasks.store import TaskStore, read_samples
from napari_fmri_decoder.training.tasks.tasks import task_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.tasks import Tasks

TASK_S = 2.0
"""Seconds of work per task of a worker."""
STORE_S = 5.0
"""Seconds of work after which finished permutations are written to the task store."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPermutations:
    """Finished permutations: their numbers, from 1, and headline scores."""

    numbers: NDArray[np.int64]
    scores: NDArray[np.float64]


def is_batched(
    decoder: Decoder, samples: Samples, splits: Sequence[Split], config: ResolvedTraining
) -> TypeGuard[NetworkDecoder]:
    """Whether many permutations are fitted as one computation; torch is loaded only for networks."""
    if not isinstance(decoder, NetworkDecoder):
        return False
    from napari_fmri_decoder.training.batched import can_batch

    return can_batch(decoder, samples, splits, config)


def permuted_scores(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    numbers: Sequence[int],
) -> Steps[None, NDArray[np.float64]]:
    """Repeat all fits under each of some permutations.

    Yields
    ------
    None
        Wherever the work can stop.

    Returns
    -------
    (len(numbers),) float64 array
        Headline scores; whether these are balanced follows from the true labels.
    """
    if not numbers:
        return np.empty(0)
    measure = headline_of(samples)
    permutations = [permuted(samples, config.seed, number) for number in numbers]
    labels = np.stack([relabeled.y for relabeled in permutations])
    counts: list[list[NDArray[np.int64]]] = [[] for _ in numbers]
    voting = voting_seeds(decoder, config)
    if is_batched(decoder, samples, splits, config):
        from napari_fmri_decoder.training.batched import fit_batch

        for fold, split in enumerate(splits):
            by_seed = []
            for first in voting:
                seeds = [derive_seed(first, fold, number) for number in numbers]
                fits = fit_batch(decoder, samples, split, labels, seeds, config)
                by_seed.append((yield from map_events(fits, lambda _epoch: None)))
            for i, probabilities in enumerate(mean_probabilities(by_seed)):
                counts[i].append(confusion(labels[i, split.test], probabilities))
    else:
        for i, (number, relabeled) in enumerate(zip(numbers, permutations, strict=True)):
            of_folds: list[list[NDArray[np.float32]]] = [[] for _ in splits]
            for seed in voting:
                of_seed = config.model_copy(
                    update={"seed": seed, "calibrate": "none"}
                )  # the score is the same
                for event in cross_validate(decoder, relabeled, splits, of_seed, permutation=number):
                    if isinstance(event, FoldDone):
                        of_folds[event.result.fold].append(event.result.probabilities)
                    yield
            for split, found in zip(splits, of_folds, strict=True):
                counts[i].append(confusion(labels[i, split.test], mean_probabilities(found)))
    return np.array([confusion_score(folds, measure) for folds in counts])


def scored_permutations(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    n: int,
    tasks: Tasks | None,
) -> Iterator[ScoredPermutations | None]:
    """Score permutations 1 to n: first those in the task store, then the others, here or by workers.

    Yields
    ------
    ScoredPermutations or None
        None where the work can stop but nothing new is finished.
    """
    batch = 0
    if is_batched(decoder, samples, splits, config):
        from napari_fmri_decoder.training.batched import fits_at_once

        batch = fits_at_once(decoder, samples, splits)
    missing = np.ones(n + 1, dtype=bool)
    missing[0] = False
    for stored in stored_permutations(tasks.store, decoder, config) if tasks else ():
        known = stored.numbers <= n
        missing[stored.numbers[known]] = False
        yield ScoredPermutations(stored.numbers[known], stored.scores[known])
    chunks = _Chunks(np.flatnonzero(missing), batch, n)
    if tasks is not None and tasks.pool is not None:
        chunks.workers = max(1, tasks.pool.workers)
        calls = ((tasks.store.folder, decoder, config, numbers) for numbers in chunks)
        with closing(tasks.pool.imap(permutation_task, calls)) as results:
            for result in results:
                if result is not None:
                    scored, seconds = result
                    chunks.learn(len(scored.numbers), seconds)
                    yield scored
                else:
                    yield None
        return
    unsaved: list[ScoredPermutations] = []
    since = time.perf_counter()
    try:
        for numbers in chunks.one_by_one():
            scores = yield from permuted_scores(decoder, samples, splits, config, numbers)
            unsaved.append(ScoredPermutations(np.array(numbers), scores))
            yield unsaved[-1]
            if tasks is not None and time.perf_counter() - since > STORE_S:
                _save(tasks.store, decoder, config, unsaved)
                unsaved, since = [], time.perf_counter()
    finally:
        if tasks is not None:
            _save(tasks.store, decoder, config, unsaved)


def permutation_task(
    folder: Path, decoder: Decoder, config: ResolvedTraining, numbers: Sequence[int]
) -> tuple[ScoredPermutations, float]:
    """Score some permutations of the samples in a task store, and save them there: a task for a worker.

    Parameters
    ----------
    folder : Path
        Of the task store.
    decoder : Decoder
    config : ResolvedTraining
    numbers : sequence of int
        Of the permutations, from 1.

    Returns
    -------
    ScoredPermutations
    float
        Duration in seconds.
    """
    samples, splits = read_samples(folder)
    started = time.perf_counter()
    scores = run_to_end(permuted_scores(decoder, samples, splits, config, numbers))
    scored = ScoredPermutations(np.array(numbers), scores)
    _save(TaskStore(folder), decoder, config, [scored])
    return scored, time.perf_counter() - started


class _Chunks:
    """Divides the missing permutations into tasks.

    Batches follow a fixed grid, so that each permutation is always computed in the same batch. Without
    batches, a task has as many permutations as fill its time, once their duration is known.
    """

    def __init__(self, missing: NDArray[np.int64], batch: int, n: int) -> None:
        self._missing, self._batch, self._n = missing.tolist(), batch, n
        self._seconds_each: float | None = None
        self.workers = 1

    def learn(self, n: int, seconds: float) -> None:
        """Note how long some permutations took."""
        self._seconds_each = seconds / max(n, 1)

    def one_by_one(self) -> Iterator[list[int]]:
        """The batches, or single permutations."""
        yield from self._batches() if self._batch else ([number] for number in self._missing)

    def __iter__(self) -> Iterator[list[int]]:
        if self._batch:
            yield from self._batches()
            return
        remaining = self._missing
        while remaining:
            fair = -(-len(remaining) // (2 * self.workers))
            size = 1 if self._seconds_each is None else round(TASK_S / max(self._seconds_each, 1e-6))
            size = max(1, min(size, fair))
            yield remaining[:size]
            remaining = remaining[size:]

    def _batches(self) -> Iterator[list[int]]:
        needed = {(number - 1) // self._batch for number in self._missing}
        for start in sorted(i * self._batch for i in needed):
            yield list(range(start + 1, min(start + self._batch, self._n) + 1))


def stored_permutations(
    store: TaskStore, decoder: Decoder, config: ResolvedTraining
) -> Iterator[ScoredPermutations]:
    """Read the permutations of a decoder that are in a task store."""
    for name in store.names(task_name("permutations", decoder, config, permutation="")):
        arrays = store.read(name)
        if arrays is not None:
            yield ScoredPermutations(arrays["numbers"], arrays["scores"])


def _save(
    store: TaskStore, decoder: Decoder, config: ResolvedTraining, parts: Sequence[ScoredPermutations]
) -> None:
    if not parts:
        return
    numbers = np.concatenate([part.numbers for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    # Numbers can be missing in between if they were saved before, so the file lists them.
    span = f"{numbers.min():06d}-{numbers.max():06d}"
    name = task_name("permutations", decoder, config, permutation=span)
    store.write(name, {"numbers": numbers, "scores": scores})
