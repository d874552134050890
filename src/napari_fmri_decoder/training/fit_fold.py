"""The fit of one fold, or of any other rows of the samples, with its checkpoint."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.training.events import (
    EpochDone,
    FitDone,
    FitEvent,
    FitStarted,
    FoldResult,
    Note,
)
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.selecting import select_options, selecting
from napari_fmri_decoder.training.tasks.tasks import pack_fold, task_name
from napari_fmri_decoder.training.temperature import held_out_temperature, with_temperature

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint
    from napari_fmri_decoder.training.tasks.store import TaskStore

Rows = NDArray[np.int64]


def fit_fold(
    decoder: Decoder,
    samples: Samples,
    split: Split,
    fold: int,
    config: ResolvedTraining,
    seed: int,
    store: TaskStore | None,
) -> Steps[FitEvent, tuple[FoldResult, list[str]]]:
    """Fit one fold, and store its result.

    Parameters
    ----------
    decoder, samples, config
        See `cross_validate`.
    split : Split
    fold : int
        Number of the fold, from 0.
    seed : int
        Of this fit; see `derive_seed`.
    store : TaskStore or None
        Where the result is stored, and the checkpoint during the fit; nowhere if None.

    Yields
    ------
    FitEvent
        Those of the fit.

    Returns
    -------
    result : FoldResult
    notes : list of str
    """
    events: list[FitEvent] = []
    checkpoint = None if store is None else checkpoint_of(store, decoder, config, fold)
    fitting = fit_rows(decoder, samples, split.train, split.test, config, seed, checkpoint=checkpoint)
    with closing(fitting):
        for event in fitting:
            if isinstance(event, (FitStarted, EpochDone, FitDone, Note)):
                events.append(event)
            yield event
    notes = [event.message for event in events if isinstance(event, Note)]
    result = _result(fold, split, samples, config, events)
    if store is not None:
        store.write(task_name("fold", decoder, config, fold=fold), pack_fold(result, notes))
        drop(checkpoint)
    return result, notes


def checkpoint_of(
    store: TaskStore, decoder: Decoder, config: ResolvedTraining, fold: int
) -> Checkpoint | None:
    """Checkpoint of the fit of a fold; the refit on all samples is the fold after the last.

    None for an estimator, which has no state between two steps, and needs no torch.
    """
    if not isinstance(decoder, NetworkDecoder):
        return None
    from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint

    return Checkpoint(store, task_name("checkpoint", decoder, config, fold=fold))


def drop(checkpoint: Checkpoint | None) -> None:
    """Delete a checkpoint, if there is one: the result of the fit is stored."""
    if checkpoint is not None:
        checkpoint.drop()


def fit_rows(
    decoder: Decoder,
    samples: Samples,
    train: Rows,
    test: Rows | None,
    config: ResolvedTraining,
    seed: int,
    *,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[FitEvent, None, None]:
    """Fit on some rows of the samples; options and temperature are selected inside them if requested.

    Parameters
    ----------
    decoder, samples, config, seed
        See `fit_fold`.
    train, test : (n,) int64 array
        Rows; without `test` the fit is that of all samples, which has no validation set.
    epochs, checkpoint
        See `fit`.
    """
    X, y, groups = samples.X, samples.y, samples.groups[train]
    n_classes, space = len(samples.classes), samples.space
    config = selecting(decoder, config, groups)
    if config.select:
        decoder, config = yield from select_options(
            decoder, X[train], y[train], n_classes, space, config, groups, seed
        )
    temperature = 1.0
    if config.calibrate == "temperature":
        temperature = yield from held_out_temperature(
            decoder, X[train], y[train], n_classes, space, config, groups=groups, seed=seed, epochs=epochs
        )
    fitting = fit(
        decoder,
        X[train],
        y[train],
        n_classes,
        space,
        config,
        test=None if test is None else (X[test], y[test]),
        seed=seed,
        groups=groups,
        without_validation=test is None,
        epochs=epochs,
        checkpoint=checkpoint,
    )
    with closing(fitting):
        for event in fitting:
            if isinstance(event, FitDone) and temperature != 1:
                yield replace(event, model=with_temperature(event.model, temperature))
            else:
                yield event


def _result(
    fold: int, split: Split, samples: Samples, config: ResolvedTraining, events: Sequence[FitEvent]
) -> FoldResult:
    """Collect the events of a finished fit, and predict the training and test sets."""
    (started,) = (e for e in events if isinstance(e, FitStarted))
    (done,) = (e for e in events if isinstance(e, FitDone))
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
        history=tuple(e for e in events if isinstance(e, EpochDone)),
        untrained_validation=started.validation,
    )
