"""Fit a decoder once per fold, and once on all samples for the model that is kept."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import (
    EpochDone,
    FitDone,
    FitEvent,
    FitStarted,
    FoldDone,
    FoldResult,
    FoldStarted,
    Note,
    Progress,
    TrainingEvent,
)
from napari_fmri_decoder.training.fit import fit, predict_proba
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.selecting import choose
from napari_fmri_decoder.training.store import TaskStore, read_samples
from napari_fmri_decoder.training.tasks import (
    Tasks,
    pack_fold,
    pack_model,
    task_name,
    unpack_fold,
    unpack_model,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.checkpoint import Checkpoint
    from napari_fmri_decoder.training.cluster import Pool
    from napari_fmri_decoder.training.config import TrainingConfig

PATIENCE_S = 30.0
"""Seconds that a file which a worker has written may take to be seen."""

Rows = NDArray[np.int64]


def cross_validate(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    *,
    permutation: int = 0,
    tasks: Tasks | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Fit on the training part of each split and predict its test part.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : TrainingConfig
    permutation : int
        Number of the permutation of labels that `samples` carries; 0 for the true ones.
    tasks : Tasks, optional
        Where folds of the true labels are kept: one that is done is read, not fitted again, and one
        that was stopped goes on from its checkpoint. With workers, each fold is a task of theirs.

    Yields
    ------
    TrainingEvent
        Per fold `FoldStarted`, the events of its fit, and `FoldDone`; each note once. Folds that
        are read, or come from workers (in any order), have no events of their fit; `Progress`
        comes while workers are waited for.
    """
    kept: dict[int, tuple[FoldResult, list[str]]] = {}
    if tasks is not None and permutation == 0:
        for fold, split in enumerate(splits):
            found = _read_fold(tasks.store, decoder, config, fold, split)
            if found is not None:
                kept[fold] = found
                _drop(_checkpoint(tasks.store, decoder, config, fold))
    by_workers = tasks.pool if tasks is not None and permutation == 0 else None
    told: set[str] = set()
    for fold, split in enumerate(splits):
        if by_workers is not None and fold not in kept:
            continue
        yield FoldStarted(fold, len(splits), split.name)
        if fold in kept:
            result, messages = kept[fold]
            yield from _untold(messages, told)
        else:
            store = tasks.store if tasks is not None and permutation == 0 else None
            seed = derive_seed(config.seed, fold, permutation)
            result, messages = yield from _fit_fold(decoder, samples, split, fold, config, seed, told, store)
        yield FoldDone(result)
    if tasks is not None and by_workers is not None:
        missing = [fold for fold in range(len(splits)) if fold not in kept]
        yield from _from_workers(by_workers, tasks.store, decoder, splits, config, missing, told)


def fold_task(folder: Path, decoder: Decoder, config: TrainingConfig, fold: int) -> int:
    """Fit one fold of the samples in a store, and keep it there: a task for a worker.

    Parameters
    ----------
    folder : Path
        Of the store.
    decoder : Decoder
    config : TrainingConfig
    fold : int

    Returns
    -------
    int
        The fold.
    """
    samples, splits = read_samples(folder)
    seed, store = derive_seed(config.seed, fold), TaskStore(folder)
    for _ in _fit_fold(decoder, samples, splits[fold], fold, config, seed, set(), store):
        pass
    return fold


def _from_workers(
    pool: Pool,
    store: TaskStore,
    decoder: Decoder,
    splits: Sequence[Split],
    config: TrainingConfig,
    missing: Sequence[int],
    told: set[str],
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
                yield from _untold(found[1], told)
                yield FoldDone(found[0])
            yield Progress("folds", done, len(splits))


def _read_fold(
    store: TaskStore,
    decoder: Decoder,
    config: TrainingConfig,
    fold: int,
    split: Split,
    patience_s: float = 0.0,
) -> tuple[FoldResult, list[str]] | None:
    """Read a fold; on a disk of the network, what another machine wrote may take a while to be seen."""
    name = task_name("fold", decoder, config, fold=fold)
    until = time.monotonic() + patience_s
    while (arrays := store.read(name)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(0.1)
    return unpack_fold(arrays, fold, split, decoder)


def _untold(messages: Sequence[str], told: set[str]) -> Generator[Note, None, None]:
    for message in messages:
        if message not in told:
            told.add(message)
            yield Note(message)


def _fit_fold(
    decoder: Decoder,
    samples: Samples,
    split: Split,
    fold: int,
    config: TrainingConfig,
    seed: int,
    told: set[str],
    store: TaskStore | None,
) -> Generator[TrainingEvent, None, tuple[FoldResult, list[str]]]:
    """Fit one fold and keep it; notes that were told before are kept with it, but not told again."""
    heard: list[FitEvent] = []
    messages: list[str] = []
    checkpoint = None if store is None else _checkpoint(store, decoder, config, fold)
    fitting = _fit_rows(decoder, samples, split.train, split.test, config, seed, checkpoint=checkpoint)
    with closing(fitting) as events:
        for event in events:
            if isinstance(event, Note):
                messages.append(event.message)
                yield from _untold([event.message], told)
                continue
            if isinstance(event, (FitStarted, EpochDone, FitDone)):
                heard.append(event)
            yield event
    result = _result(fold, split, samples, config, heard)
    if store is not None:
        store.write(task_name("fold", decoder, config, fold=fold), pack_fold(result, messages))
        _drop(checkpoint)
    return result, messages


def _checkpoint(store: TaskStore, decoder: Decoder, config: TrainingConfig, fold: int) -> Checkpoint | None:
    """Where the fit of a fold, or of all samples after the last, keeps its state until it is done.

    None for an estimator, which has no state between two steps, and needs no torch.
    """
    if not isinstance(decoder, NetworkDecoder):
        return None
    from napari_fmri_decoder.training.checkpoint import Checkpoint

    return Checkpoint(store, task_name("checkpoint", decoder, config, fold=fold))


def _drop(checkpoint: Checkpoint | None) -> None:
    if checkpoint is not None:
        checkpoint.drop()


def refit(
    decoder: Decoder,
    samples: Samples,
    config: TrainingConfig,
    *,
    n_folds: int = 0,
    epochs: int | None = None,
    tasks: Tasks | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Fit on all samples: the model that is kept, which no sample is left to score, nor to validate.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    config : TrainingConfig
    n_folds : int
        Folds of the cross-validation before; this is the fold after the last of them.
    epochs : int, optional
        After how many to stop; see `epochs_of_refit`.
    tasks : Tasks, optional
        Where the model is kept once it is done, and its checkpoint until then.

    Yields
    ------
    TrainingEvent
        `FoldStarted`, then the events of the fit, the last of which carries the model.
    """
    yield FoldStarted(n_folds, n_folds, "all samples")
    seed = derive_seed(config.seed, n_folds)
    everything = np.arange(len(samples.X), dtype=np.int64)
    name = task_name("refit", decoder, config, fold=n_folds)
    checkpoint = None if tasks is None else _checkpoint(tasks.store, decoder, config, n_folds)
    if tasks is not None and (arrays := tasks.store.read(name)) is not None:
        _drop(checkpoint)
        model, messages = unpack_model(arrays, decoder)
        yield from map(Note, messages)
        yield FitDone(model, 0.0)
        return
    messages = []
    fitting = _fit_rows(
        decoder, samples, everything, None, config, seed, epochs=epochs, checkpoint=checkpoint
    )
    with closing(fitting) as events:
        for event in events:
            if isinstance(event, Note):
                messages.append(event.message)
            if isinstance(event, FitDone) and tasks is not None:
                tasks.store.write(name, pack_model(event.model, messages))
                _drop(checkpoint)
            yield event


def _fit_rows(
    decoder: Decoder,
    samples: Samples,
    train: Rows,
    test: Rows | None,
    config: TrainingConfig,
    seed: int,
    *,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[FitEvent, None, None]:
    X, y, groups = samples.X, samples.y, samples.groups[train]
    n_classes, space = len(samples.classes), samples.space
    if config.select:
        decoder, config = yield from choose(
            decoder, X[train], y[train], n_classes, space, config, groups, seed
        )
    yield from fit(
        decoder,
        X[train],
        y[train],
        n_classes,
        space,
        config,
        test=None if test is None else (X[test], y[test]),
        seed=seed,
        groups=groups,
        whole=test is None,
        epochs=epochs,
        checkpoint=checkpoint,
    )


def _result(
    fold: int, split: Split, samples: Samples, config: TrainingConfig, heard: Sequence[FitEvent]
) -> FoldResult:
    """Gather what a finished fit told, and predict both parts."""
    (started,) = (e for e in heard if isinstance(e, FitStarted))
    (done,) = (e for e in heard if isinstance(e, FitDone))
    of_test, of_train = (
        predict_proba(
            done.model, samples.X[rows], samples.space, device=config.device, threads=config.threads
        )
        for rows in (split.test, split.train)
    )
    return FoldResult(
        fold=fold,
        split=split,
        probabilities=of_test,
        train_probabilities=of_train,
        train=quality(of_train, samples.y[split.train]),
        test=quality(of_test, samples.y[split.test]),
        untrained_train=started.train,
        untrained_test=started.test,
        model=done.model,
        history=tuple(e for e in heard if isinstance(e, EpochDone)),
        untrained_validation=started.validation,
    )
