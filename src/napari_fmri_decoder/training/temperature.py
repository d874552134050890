"""Temperature scaling: one number that makes the probabilities of a model fit its accuracy.

The logits are divided by a temperature, which changes no prediction (Guo et al. 2017, arXiv:1706.04599). It
is part of the weights of the last layer, so that models are saved, exported and used as without it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import FitDone, FittedModel, Note, Progress
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.validation import split_validation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.config import ResolvedTraining

LIMITS = (0.05, 20.0)
"""Smallest and largest temperature."""
LAST = ("out.weight", "out.bias")


def fit_temperature(probabilities: NDArray[np.floating], y: NDArray[np.int64]) -> float:
    """Find the temperature with the smallest cross-entropy.

    Parameters
    ----------
    probabilities : (n, classes) float array
        Of samples that the model was not trained on.
    y : (n,) int64 array
        True classes.

    Returns
    -------
    float
        Above 1 if the model is too confident, between 0.05 and 20.

    Examples
    --------
    >>> sure = np.array([[0.99, 0.01]] * 4)
    >>> round(fit_temperature(sure, np.array([0, 0, 0, 1])), 2)  # right in 3 of 4 cases: log 99 / log 3
    4.18
    """
    from scipy.optimize import minimize_scalar  # loaded only where they are needed
    from scipy.special import logsumexp

    logits = np.log(np.clip(probabilities.astype(np.float64), np.finfo(np.float32).tiny, 1))
    rows = np.arange(len(y))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[rows, y]))

    low, high = (float(np.log(limit)) for limit in LIMITS)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def with_temperature(model: FittedModel, temperature: float) -> FittedModel:
    """Divide the logits of a model by a temperature.

    Raises
    ------
    InputError
        If the last layer of the network is not a linear layer `out`.
    """
    if not set(LAST) <= set(model.state):
        raise InputError(
            f"calibrate = temperature needs a network whose last layer is a linear layer `out`, but "
            f"{model.decoder.name} has none. Set calibrate = none."
        )
    scaled = {name: (model.state[name] / temperature).astype(model.state[name].dtype) for name in LAST}
    return replace(model, state={**model.state, **scaled})


def held_out_temperature(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    settings: ResolvedTraining,
    *,
    groups: NDArray[np.str_],
    seed: int,
    epochs: int | None = None,
) -> Steps[Progress | Note, float]:
    """Find the temperature inside a training set: fit on its first runs, predict its last.

    Parameters
    ----------
    decoder, X, y, n_classes, space, settings, groups, seed, epochs
        See `fit`. About `validation_size` of the samples are predicted.

    Yields
    ------
    Progress, Note

    Returns
    -------
    float
        1 if the training set is a single run.
    """
    held = split_validation(y, groups, settings.model_copy(update={"validation": "runs"}))
    learned = held.learned
    tested = held.validated[np.isin(y[held.validated], y[learned])]
    if not len(tested):
        yield Note("Probabilities are not calibrated: no run of the training set could be held out.")
        return 1.0
    fitting = fit(
        decoder, X[learned], y[learned], n_classes, space, settings,
        seed=seed, groups=groups[learned], epochs=epochs,
    )  # fmt: skip
    temperature = 1.0
    with closing(fitting):
        for event in fitting:
            yield Progress("calibration", 0, 1)
            if isinstance(event, FitDone):
                found = predict_proba(
                    event.model, X[tested], space, device=settings.device, threads=settings.threads
                )
                temperature = fit_temperature(found, y[tested])
    yield Note(
        f"Temperature {temperature:.3g}, from {len(tested)} samples of the last runs of the training set."
    )
    return temperature
