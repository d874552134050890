"""Fit one decoder on one training part, and predict with it."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from napari_fmri_decoder.decoders.base import Decoder, EstimatorDecoder, NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.scaling import Scaler, fit_scaler
from napari_fmri_decoder.training.balance import balanced_rows, class_weights
from napari_fmri_decoder.training.events import (
    BatchDone,
    EpochDone,
    FitDone,
    FitEvent,
    FitStarted,
    FittedModel,
    Note,
    Quality,
)
from napari_fmri_decoder.training.one_layer import layer_probabilities
from napari_fmri_decoder.training.parts import Part
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.screening import screen
from napari_fmri_decoder.training.validation import hold_back

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch
    from torch import nn

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.checkpoint import Checkpoint
    from napari_fmri_decoder.training.config import TrainingConfig

Labelled = tuple[NDArray[np.float32], NDArray[np.int64]]


def fit(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    config: TrainingConfig,
    *,
    test: Labelled | None = None,
    seed: int,
    groups: NDArray[np.str_] | None = None,
    whole: bool = False,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[FitEvent, None, None]:
    """Fit a decoder, telling each step; closing the generator stops it at any of them.

    Parameters
    ----------
    decoder : Decoder
    X : (n, features) float32 array
        The training part as prepared, not scaled: the validation part is taken from it here, and
        balancing, screening and the scaler are done on what is left alone.
    y : (n,) int64 array
        Classes from 0.
    n_classes : int
    space : Space
        Where the features lie.
    config : TrainingConfig
    test : (X, y), optional
        The held-out part: watched, never learned from.
    seed : int
        Of first weights, shuffling and dropout; see `derive_seed`.
    groups : (n,) str array, optional
        The run of each sample, for decoders that choose a parameter by leaving out runs, and for a
        validation part of runs.
    whole : bool
        Learn from all of X, without a validation part.
    epochs : int, optional
        Stop after so many of the config's epochs, whose schedule stays.
    checkpoint : Checkpoint, optional
        Where a network's state is kept on the way: a fit that was stopped or killed goes on from it,
        and tells its earlier epochs again.

    Yields
    ------
    FitEvent
        Notes, `FitStarted`, then `BatchDone` and `EpochDone` (both count from 1), then `FitDone`.

    Raises
    ------
    InputError
        If the samples cannot be learned from.
    DivergedError
        If the loss is no longer finite.
    TrainingError
        If torch gives up.
    """
    started = time.perf_counter()
    _check(X, y, n_classes, space)
    settings = config.resolved(decoder)
    validation: Labelled | None = None
    if settings.validation != "none" and not whole:
        if isinstance(decoder, NetworkDecoder):
            held = hold_back(y, groups, settings)
            yield from map(Note, held.notes)
            if len(held.validated):
                validation = X[held.validated], y[held.validated]
                rows = held.learned
                X, y, groups = X[rows], y[rows], None if groups is None else groups[rows]
        else:
            yield Note(
                f"{decoder.name} has no epochs to choose from: it learns from the whole training part, and "
                "no validation part is held back."
            )
    if settings.balance in ("undersample", "oversample"):
        rows = balanced_rows(y, settings.balance, seed)
        X, y, groups = X[rows], y[rows], None if groups is None else groups[rows]
    input_shape = space.input_shape(decoder.layout)
    for message in decoder.notes(input_shape):
        yield Note(message)
    chosen = screen(X, y, settings.screening) if settings.screening else None
    if chosen is not None:
        X, space = X[:, chosen], space.only(chosen)
        input_shape = space.input_shape(decoder.layout)
    scaler = fit_scaler(X)

    def arranged(part: Labelled | None) -> Part | None:
        """As the training part is, by what was fitted on it."""
        if part is None:
            return None
        seen = part[0] if chosen is None else part[0][:, chosen]
        return Part(space.arrange(scaler.apply(seen), decoder.layout), part[1])

    train = Part(space.arrange(scaler.apply(X), decoder.layout), y)
    held_out = arranged(test)
    weights = class_weights(y, n_classes) if settings.balance == "weights" else None
    if isinstance(decoder, NetworkDecoder):
        from napari_fmri_decoder.training.fit_network import fit_network

        state = yield from fit_network(
            decoder,
            train,
            held_out,
            n_classes,
            settings,
            seed,
            weights,
            validation=arranged(validation),
            epochs=epochs,
            checkpoint=checkpoint,
        )
        model = FittedModel(decoder, input_shape, n_classes, state, scaler, chosen)
    elif isinstance(decoder, EstimatorDecoder):
        runs = np.zeros(len(y), dtype=np.str_) if groups is None else groups
        model = yield from _fit_estimator(decoder, train, held_out, n_classes, runs, scaler, seed, weights)
        model = replace(model, chosen=chosen)
    else:
        raise TypeError(f"A decoder must be a NetworkDecoder or an EstimatorDecoder, got {type(decoder)}.")
    yield FitDone(model, time.perf_counter() - started)


def _fit_estimator(
    decoder: EstimatorDecoder,
    train: Part,
    test: Part | None,
    n_classes: int,
    groups: NDArray[np.str_],
    scaler: Scaler,
    seed: int,
    weights: NDArray[np.float64] | None,
) -> Generator[FitEvent, None, FittedModel]:
    """Let scikit-learn fit: one epoch, whose batches are the models fitted on the way."""
    input_shape, n_features = train.inputs.shape[1:], train.inputs.shape[1]
    yield FitStarted(1, decoder.steps(groups), (n_features + 1) * n_classes, None, None)
    solving = decoder.solve(
        train.inputs.astype(np.float64), train.y, n_classes, groups, seed, balanced=weights is not None
    )
    batch, pools = 0, _thread_pools(len(sys.modules))
    while True:
        try:
            # Products this small are fastest on one thread, and then their sums never vary.
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
        quality(_of_arranged(model, part.inputs), part.y) if part else None for part in (train, test)
    ]
    if qualities[0] is not None:
        yield EpochDone(1, qualities[0], qualities[1])
    return model


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """Find the libraries that compute on threads, anew once more modules are loaded; it takes 10 ms."""
    return ThreadpoolController()


def module_of(model: FittedModel) -> nn.Sequential:
    """Rebuild the network of a fitted model, in eval mode on the processor.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    nn.Sequential
        Takes scaled, arranged (n, *input_shape) inputs and gives (n, classes) logits.
    """
    import torch

    with torch.device("meta"):  # no first weights are drawn, so no random number is used up
        network = model.decoder.build(model.input_shape, model.n_classes)
    state: dict[str, Any] = {name: torch.tensor(value) for name, value in model.state.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def network_inputs(model: FittedModel, X: NDArray[np.float32], space: Space) -> torch.Tensor:
    """Scale and arrange (n, features) samples as the network of `model` takes them."""
    import torch

    return torch.tensor(_arranged(model, X, space))


def _arranged(model: FittedModel, X: NDArray[np.float32], space: Space) -> NDArray[np.float32]:
    if model.chosen is not None:
        X, space = X[:, model.chosen], space.only(model.chosen)
    return space.arrange(model.scaler.apply(X), model.decoder.layout)


def _of_arranged(model: FittedModel, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predict with an estimator; torch is loaded only for one that is more than a linear layer."""
    found = layer_probabilities(model.state, inputs)
    if found is not None:
        return found
    import torch

    from napari_fmri_decoder.training.network import probabilities

    return probabilities(module_of(model), torch.tensor(inputs))


def predict_proba(
    model: FittedModel,
    X: NDArray[np.float32],
    space: Space,
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Predict the probability of each class.

    Parameters
    ----------
    model : FittedModel
    X : (n, features) float32 array
        As prepared, not scaled.
    space : Space
        Where the features lie.
    device : str
        See `choose_device`.
    threads : int, optional
        Torch's own number by default.

    Returns
    -------
    (n, classes) float32 array
        Each row sums to 1.
    """
    if not len(X):
        return np.empty((0, model.n_classes), dtype=np.float32)
    if isinstance(model.decoder, EstimatorDecoder):
        return _of_arranged(model, _arranged(model, X, space))
    from napari_fmri_decoder.training.fit_network import predict_on

    return predict_on(
        lambda: module_of(model), lambda: network_inputs(model, X, space), device=device, threads=threads
    )


def _check(X: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, space: Space) -> None:
    """Refuse samples that nothing can be learned from."""
    if len(X) != len(y) or X.shape[1:] != (space.n_features,):
        raise InputError(
            f"Samples must be one row of {space.n_features} features per label, got {X.shape} for "
            f"{len(y)} labels."
        )
    if not np.isfinite(X).all():
        rows = np.flatnonzero(~np.isfinite(X).all(axis=1))
        raise InputError(
            f"Samples must be finite, found NaN or infinity in {len(rows)} of {len(X)} "
            f"(first: row {rows[0]}). Mask the voxels that have no data, or leave out these volumes."
        )
    present = np.unique(y)
    if len(present) < 2:
        raise InputError(
            f"A training part must hold at least two classes, found {len(present)} in {len(y)} samples. "
            "Change the split, or what is excluded."
        )
    if present[0] < 0 or present[-1] >= n_classes:
        raise InputError(
            f"Classes must count from 0 to {n_classes - 1}, found {present[0]} to {present[-1]}. "
            "Check that every sample has a label that is not excluded."
        )
