"""The fit on all samples after the cross-validation: the model that a run saves."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.training.events import FitDone, FoldStarted, Note, TrainingEvent
from napari_fmri_decoder.training.fit_fold import checkpoint_of, drop, fit_rows
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.tasks.tasks import Tasks, pack_model, task_name, unpack_model

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.config import ResolvedTraining


def refit(
    decoder: Decoder,
    samples: Samples,
    config: ResolvedTraining,
    *,
    n_folds: int = 0,
    epochs: int | None = None,
    tasks: Tasks | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Fit on all samples. No sample is held out, so this model has no score and no validation set.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    config : ResolvedTraining
    n_folds : int
        Number of folds of the cross-validation; this fit is the fold after the last.
    epochs : int, optional
        Number of epochs; see `epochs_of_refit`.
    tasks : Tasks, optional
        Where the model is stored, and its checkpoint during the fit.

    Yields
    ------
    TrainingEvent
        `FoldStarted`, then the events of the fit; the last has the model.
    """
    yield FoldStarted(n_folds, n_folds, "all samples")
    seed = derive_seed(config.seed, n_folds)
    everything = np.arange(len(samples.X), dtype=np.int64)
    name = task_name("refit", decoder, config, fold=n_folds)
    checkpoint = None if tasks is None else checkpoint_of(tasks.store, decoder, config, n_folds)
    if tasks is not None and (arrays := tasks.store.read(name)) is not None:
        drop(checkpoint)
        model, messages = unpack_model(arrays, decoder)
        yield from map(Note, messages)
        yield FitDone(model, 0.0)
        return
    messages = []
    fitting = fit_rows(decoder, samples, everything, None, config, seed, epochs=epochs, checkpoint=checkpoint)
    with closing(fitting) as events:
        for event in events:
            if isinstance(event, Note):
                messages.append(event.message)
            if isinstance(event, FitDone) and tasks is not None:
                tasks.store.write(name, pack_model(event.model, messages))
                drop(checkpoint)
            yield event
