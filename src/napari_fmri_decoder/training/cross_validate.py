"""Cross-validation: a decoder is fitted once per fold, and predicts the samples held out of it."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import (
    FitEvent,
    FoldDone,
    FoldResult,
    FoldStarted,
    Note,
    Progress,
    TrainingEvent,
)
from napari_fmri_decoder.training.fit_fold import checkpoint_of, drop, fit_fold
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.tasks.store import TaskStore, read_samples
from napari_fmri_decoder.training.tasks.tasks import Tasks, task_name, unpack_fold

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.pool import Pool

PATIENCE_S = 30.0
"""Seconds until a file that a worker has written must be visible."""

FoldFit = tuple[FoldResult, list[str]]
"""The result of a fold, and its notes."""


def cross_validate(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    *,
    permutation: int = 0,
    tasks: Tasks | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Fit on the training set of each split and predict its test set.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : ResolvedTraining
    permutation : int
        Number of the permutation of the labels in `samples`; 0 for the true labels.
    tasks : Tasks, optional
        Where folds of the true labels are stored. A completed fold is read, not fitted again, and one that
        was stopped resumes from its checkpoint. With workers, each fold is one of their tasks.

    Yields
    ------
    TrainingEvent
        Per fold `FoldStarted`, the events of its fit, and `FoldDone`; each note once. Folds that are
        read, or come from workers (in any order), have no events of their fit; `Progress` is reported
        while waiting for workers.
    """
    store = tasks.store if tasks is not None and permutation == 0 else None
    pool = tasks.pool if tasks is not None and permutation == 0 else None
    completed: dict[int, FoldFit] = {}
    if store is not None:
        for fold, split in enumerate(splits):
            found = _read_fold(store, decoder, config, fold, split)
            if found is not None:
                completed[fold] = found
                drop(checkpoint_of(store, decoder, config, fold))
    reported: set[str] = set()
    for fold, split in enumerate(splits):
        if pool is not None and fold not in completed:
            continue
        yield FoldStarted(fold, len(splits), split.name)
        if fold in completed:
            result, notes = completed[fold]
            yield from _new_notes(notes, reported)
        else:
            seed = derive_seed(config.seed, fold, permutation)
            fitting = fit_fold(decoder, samples, split, fold, config, seed, store)
            result, _ = yield from _each_note_once(fitting, reported)
        yield FoldDone(result)
    if store is not None and pool is not None:
        missing = [fold for fold in range(len(splits)) if fold not in completed]
        yield from _from_workers(pool, store, decoder, splits, config, missing, reported)


def fold_task(folder: Path, decoder: Decoder, config: ResolvedTraining, fold: int) -> int:
    """Fit one fold of the samples in a store, and store its result: a task for a worker.

    Parameters
    ----------
    folder : Path
        Of the store.
    decoder : Decoder
    config : ResolvedTraining
    fold : int

    Returns
    -------
    int
        The fold.
    """
    samples, splits = read_samples(folder)
    seed, store = derive_seed(config.seed, fold), TaskStore(folder)
    for _ in fit_fold(decoder, samples, splits[fold], fold, config, seed, store):
        pass
    return fold


def _from_workers(
    pool: Pool,
    store: TaskStore,
    decoder: Decoder,
    splits: Sequence[Split],
    config: ResolvedTraining,
    missing: Sequence[int],
    reported: set[str],
) -> Generator[TrainingEvent, None, None]:
    done = len(splits) - len(missing)
    calls = [(store.folder, decoder, config, fold) for fold in missing]
    yield Progress("folds", done, len(splits))
    with closing(pool.imap(fold_task, calls)) as results:
        for fold in results:
            if fold is not None:
                found = _read_fold(store, decoder, config, fold, splits[fold], patience_s=PATIENCE_S)
                if found is None:
                    raise InputError(
                        f"Workers must write to the run folder, but fold {fold} is not in "
                        f"{store.folder}. Put the run on a disk that all machines share under the same path."
                    )
                done += 1
                yield FoldStarted(fold, len(splits), splits[fold].name)
                yield from _new_notes(found[1], reported)
                yield FoldDone(found[0])
            yield Progress("folds", done, len(splits))


def _read_fold(
    store: TaskStore,
    decoder: Decoder,
    config: ResolvedTraining,
    fold: int,
    split: Split,
    patience_s: float = 0.0,
) -> FoldFit | None:
    """Read a fold; on a network disk, a file of another machine may take a while to become visible."""
    name = task_name("fold", decoder, config, fold=fold)
    until = time.monotonic() + patience_s
    while (arrays := store.read(name)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(0.1)
    return unpack_fold(arrays, fold, split, decoder)


def _new_notes(messages: Sequence[str], reported: set[str]) -> Generator[Note, None, None]:
    """Report notes that were not reported before."""
    for message in messages:
        if message not in reported:
            reported.add(message)
            yield Note(message)


def _each_note_once(events: Steps[FitEvent, FoldFit], reported: set[str]) -> Steps[FitEvent, FoldFit]:
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                fitted: FoldFit = end.value
                return fitted
            if isinstance(event, Note):
                yield from _new_notes([event.message], reported)
            else:
                yield event
