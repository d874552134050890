"""Fit a decoder once per fold, and once on all samples for the model that is kept."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.training.events import (
    EpochDone,
    FitDone,
    FitEvent,
    FitStarted,
    FoldDone,
    FoldResult,
    FoldStarted,
    Note,
    TrainingEvent,
)
from napari_fmri_decoder.training.fit import fit, predict_proba
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig

Rows = NDArray[np.int64]


def cross_validate(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    *,
    permutation: int = 0,
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

    Yields
    ------
    TrainingEvent
        Per fold `FoldStarted`, the events of its fit, and `FoldDone`; each note once.
    """
    told: set[str] = set()
    for fold, split in enumerate(splits):
        yield FoldStarted(fold, len(splits), split.name)
        seed = derive_seed(config.seed, fold, permutation)
        heard: list[FitEvent] = []
        with closing(_fit_rows(decoder, samples, split.train, split.test, config, seed)) as events:
            for event in events:
                if isinstance(event, Note) and event.message in told:
                    continue
                if isinstance(event, Note):
                    told.add(event.message)
                if isinstance(event, (FitStarted, EpochDone, FitDone)):
                    heard.append(event)
                yield event
        yield FoldDone(_result(fold, split, samples, config, heard))


def refit(
    decoder: Decoder, samples: Samples, config: TrainingConfig, *, n_folds: int = 0
) -> Generator[TrainingEvent, None, None]:
    """Fit on all samples: the model that is kept, which no sample is left to score.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    config : TrainingConfig
    n_folds : int
        Folds of the cross-validation before; this is the fold after the last of them.

    Yields
    ------
    TrainingEvent
        `FoldStarted`, then the events of the fit, the last of which carries the model.
    """
    yield FoldStarted(n_folds, n_folds, "all samples")
    seed = derive_seed(config.seed, n_folds)
    everything = np.arange(len(samples.X), dtype=np.int64)
    yield from _fit_rows(decoder, samples, everything, None, config, seed)


def _fit_rows(
    decoder: Decoder, samples: Samples, train: Rows, test: Rows | None, config: TrainingConfig, seed: int
) -> Generator[FitEvent, None, None]:
    X, y = samples.X, samples.y
    return fit(
        decoder,
        X[train],
        y[train],
        len(samples.classes),
        samples.space,
        config,
        test=None if test is None else (X[test], y[test]),
        seed=seed,
        groups=samples.groups[train],
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
    )
