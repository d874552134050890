"""Fits of estimators: scikit-learn's, which take one step instead of epochs."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

from napari_fmri_decoder.training.events import (
    BatchDone,
    EpochDone,
    FitEvent,
    FitStarted,
    FittedModel,
    Note,
    Quality,
)
from napari_fmri_decoder.training.predict import predict_arranged
from napari_fmri_decoder.training.quality import quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import EstimatorDecoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.scaling import Scaler
    from napari_fmri_decoder.training.fit_inputs import Part


def fit_estimator(
    decoder: EstimatorDecoder,
    train: Part,
    test: Part | None,
    n_classes: int,
    groups: NDArray[np.str_],
    scaler: Scaler,
    seed: int,
    *,
    balanced: bool,
) -> Steps[FitEvent, FittedModel]:
    """Fit by scikit-learn: one epoch, whose batches are the models fitted on the way.

    See `fit` and `EstimatorDecoder.solve` for the parameters.
    """
    input_shape, n_features = train.inputs.shape[1:], train.inputs.shape[1]
    yield FitStarted(1, decoder.steps(groups), (n_features + 1) * n_classes, None, None)
    solving = decoder.solve(
        train.inputs.astype(np.float64), train.y, n_classes, groups, seed, balanced=balanced
    )
    batch, pools = 0, _thread_pools(len(sys.modules))
    while True:
        try:
            # Products this small are fastest on one thread, and their sums are then reproducible.
            with pools.limit(limits=1, user_api="blas"):
                loss = next(solving)
        except StopIteration as stop:
            solution = stop.value
            break
        batch += 1
        yield BatchDone(1, batch, loss)
    for message in solution.notes:
        yield Note(message)
    model = FittedModel(decoder, input_shape, n_classes, solution.state, scaler)
    qualities: list[Quality | None] = [
        quality(predict_arranged(model, part.inputs), part.y) if part else None for part in (train, test)
    ]
    if qualities[0] is not None:
        yield EpochDone(1, qualities[0], qualities[1])
    return model


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """Find the libraries that compute on threads, again when more modules are loaded; it takes 10 ms."""
    return ThreadpoolController()
