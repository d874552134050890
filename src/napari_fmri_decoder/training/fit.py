"""Fit one decoder on one training set."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders.base import Decoder, EstimatorDecoder, NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.scaling import Scaler, fit_scaler
from napari_fmri_decoder.training.balance import balanced_rows, class_weights
from napari_fmri_decoder.training.events import FitDone, FitEvent, FittedModel, Note
from napari_fmri_decoder.training.fit_estimator import fit_estimator
from napari_fmri_decoder.training.fit_inputs import Part
from napari_fmri_decoder.training.screening import screen
from napari_fmri_decoder.training.validation import split_validation
from napari_fmri_decoder.training.whitening import Whitening, fit_whitening, whitened

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint

Labeled = tuple[NDArray[np.float32], NDArray[np.int64]]


def fit(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    settings: ResolvedTraining,
    *,
    test: Labeled | None = None,
    seed: int,
    groups: NDArray[np.str_] | None = None,
    without_validation: bool = False,
    epochs: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Generator[FitEvent, None, None]:
    """Fit a decoder and report each step; closing the generator stops the fit.

    Parameters
    ----------
    decoder : Decoder
    X : (n, features) float32 array
        The training set as prepared, not scaled. The validation set is taken from it here; balancing,
        screening, scaling and whitening use the remaining samples alone.
    y : (n,) int64 array
        Classes from 0.
    n_classes : int
    space : Space
        Position of the features.
    settings : ResolvedTraining
    test : (X, y), optional
        The test set: evaluated, never trained on.
    seed : int
        Of initial weights, shuffling and dropout; see `derive_seed`.
    groups : (n,) str array, optional
        The run of each sample, for decoders that select a parameter by holding out runs, and for a
        validation set of runs.
    without_validation : bool
        Train on all of X, without a validation set.
    epochs : int, optional
        Stop after this number of epochs; the schedule stays that of the settings.
    checkpoint : Checkpoint, optional
        Where a network's state is saved during the fit. A fit that was stopped or killed resumes from it,
        and reports its earlier epochs again.

    Yields
    ------
    FitEvent
        Notes, `FitStarted`, then `BatchDone` and `EpochDone` (both count from 1), then `FitDone`.

    Raises
    ------
    InputError
        If the samples cannot be used for training.
    DivergedError
        If the loss is no longer finite.
    TrainingError
        If torch fails, for example out of memory.
    """
    started = time.perf_counter()
    _check(X, y, n_classes, space)
    training = _Training(X, y, groups)
    if settings.validation != "none" and not without_validation:
        training = yield from _hold_out_validation(decoder, training, settings)
    if settings.balance in ("undersample", "oversample"):
        training = training.rows(balanced_rows(training.y, settings.balance, seed))
    yield from map(Note, decoder.notes(space.input_shape(decoder.layout)))
    inputs = _Inputs.fitted_on(training, settings, decoder, space)
    model = yield from _fit_inputs(
        decoder, training, inputs, test, n_classes, settings, seed, epochs, checkpoint
    )
    model = replace(model, screened=inputs.screened)
    if inputs.whitening is not None:
        model = whitened(model, inputs.whitening)
    yield FitDone(model, time.perf_counter() - started)


def _fit_inputs(
    decoder: Decoder,
    training: _Training,
    inputs: _Inputs,
    test: Labeled | None,
    n_classes: int,
    settings: ResolvedTraining,
    seed: int,
    epochs: int | None,
    checkpoint: Checkpoint | None,
) -> Steps[FitEvent, FittedModel]:
    """Fit by torch or by scikit-learn, as the decoder needs."""
    train = inputs.part((training.X, training.y))
    held_out, validation = (inputs.part(part) if part else None for part in (test, training.validation))
    weights = class_weights(training.y, n_classes) if settings.balance == "weights" else None
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
            space=inputs.space,
            validation=validation,
            epochs=epochs,
            checkpoint=checkpoint,
        )
        input_shape = inputs.space.input_shape(decoder.layout)
        return FittedModel(decoder, input_shape, n_classes, state, inputs.scaler)
    if isinstance(decoder, EstimatorDecoder):
        runs = np.zeros(len(training.y), dtype=np.str_) if training.groups is None else training.groups
        return (
            yield from fit_estimator(
                decoder, train, held_out, n_classes, runs, inputs.scaler, seed, balanced=weights is not None
            )
        )
    raise TypeError(f"A decoder must be a NetworkDecoder or an EstimatorDecoder, got {type(decoder)}.")


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """Samples to train on, with the run of each; and the validation set that was taken from them."""

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    groups: NDArray[np.str_] | None
    validation: Labeled | None = None

    def rows(self, rows: NDArray[np.int64]) -> _Training:
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, X=self.X[rows], y=self.y[rows], groups=groups)


def _hold_out_validation(
    decoder: Decoder, training: _Training, settings: ResolvedTraining
) -> Steps[Note, _Training]:
    """Take the validation set from the samples to train on; an estimator needs none."""
    if not isinstance(decoder, NetworkDecoder):
        yield Note(
            f"{decoder.name} has no epochs to select from: it trains on the whole training set, and there is "
            "no validation set."
        )
        return training
    held = split_validation(training.y, training.groups, settings)
    yield from map(Note, held.notes)
    if not len(held.validated):
        return training
    validation = training.X[held.validated], training.y[held.validated]
    return replace(training.rows(held.learned), validation=validation)


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """How samples become inputs of a decoder: screened, scaled, whitened and arranged."""

    decoder: Decoder
    space: Space
    scaler: Scaler
    screened: NDArray[np.bool_] | None
    whitening: Whitening | None

    @classmethod
    def fitted_on(
        cls, training: _Training, settings: ResolvedTraining, decoder: Decoder, space: Space
    ) -> _Inputs:
        screened = screen(training.X, training.y, settings.screening) if settings.screening else None
        X = training.X if screened is None else training.X[:, screened]
        scaler = fit_scaler(X)
        whitening = fit_whitening(scaler.apply(X), training.y) if settings.whiten else None
        return cls(decoder, space.only(screened), scaler, screened, whitening)

    def part(self, samples: Labeled) -> Part:
        X, y = samples
        X = self.scaler.apply(X if self.screened is None else X[:, self.screened])
        X = X if self.whitening is None else self.whitening.apply(X)
        return Part(self.space.arrange(X, self.decoder.layout), y)


def _check(X: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, space: Space) -> None:
    """Refuse samples that cannot be used for training."""
    if len(X) != len(y) or X.shape[1:] != (space.n_features,):
        raise InputError(
            f"Samples must be one row of {space.n_features} features per label, got {X.shape} for "
            f"{len(y)} labels."
        )
    if not np.isfinite(X).all():
        rows = np.flatnonzero(~np.isfinite(X).all(axis=1))
        raise InputError(
            f"Samples must be finite, found NaN or infinity in {len(rows)} of {len(X)} "
            f"(first: row {rows[0]}). Mask the voxels without data, or exclude these volumes."
        )
    present = np.unique(y)
    if len(present) < 2:
        raise InputError(
            f"A training set must have at least two classes, found {len(present)} in {len(y)} samples. "
            "Change the split, or the excluded labels."
        )
    if present[0] < 0 or present[-1] >= n_classes:
        raise InputError(
            f"Classes must count from 0 to {n_classes - 1}, found {present[0]} to {present[-1]}. "
            "Check that every sample has a label that is not excluded."
        )
