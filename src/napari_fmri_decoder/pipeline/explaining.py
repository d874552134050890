"""Explain a trained model: its responses to a scan, or what it has learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.sample_rows import held_out_by, sample_rows
from napari_fmri_decoder.explain import (
    Explainer,
    Explanation,
    explain_samples,
    get_explainer,
    mean_explanation,
)
from napari_fmri_decoder.explain.pattern import Pattern
from napari_fmri_decoder.explain.weights import Weights
from napari_fmri_decoder.pipeline.predicting import features_of
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.pipeline.events import RunResult
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.bundle.bundle import Bundle
    from napari_fmri_decoder.training.events import FittedModel, FoldResult

Models = Literal["folds", "all"]
"""Models that are explained: those of the folds, or the one that was fitted on all samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Maps of a model or of several, and where they come from.

    Attributes
    ----------
    maps : Explanation
        `values` is (1, map, x, y, z); classes have their names.
    method : Explainer
    decoder : Decoder
    source : str
        Models and samples, as a clause.
    models : {"folds", "all"} or None
        None for a single volume.
    seen : bool
        Whether a model explains samples on which it was trained, although it should not.
    notes : tuple of str
    """

    maps: Explanation
    method: Explainer
    decoder: Decoder
    source: str
    models: Models | None
    seen: bool = False
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Decoder and method."""
        return f"{self.decoder.name} {self.method.title}"

    @property
    def volume(self) -> Volume:
        """All maps as one (x, y, z, map) image in scanner space."""
        values = np.moveaxis(self.maps.values[0], 0, -1)
        return Volume(values, self.maps.grid.affine, "stat", None, self.maps.names, self.title)


def explain_series(
    bundle: Bundle,
    series: Volume | None,
    options: dict[str, Any],
    *,
    volume: int | None = None,
    runs: tuple[int, ...] = (),
    home: Path | None = None,
) -> tuple[Volume, tuple[str, ...]]:
    """Compute the maps of one volume of a scan, or their mean over all volumes.

    Parameters
    ----------
    bundle, series, options, volume, runs, home
        See `explain_bundle`.

    Returns
    -------
    maps : Volume
        (x, y, z, map) float32 in scanner space, with the names of the maps.
    notes : tuple of str
    """
    explained = explain_bundle(bundle, series, options, volume=volume, runs=runs, home=home)
    return explained.volume, explained.notes


def explain_bundle(
    bundle: Bundle,
    series: Volume | None,
    options: dict[str, Any],
    *,
    volume: int | None = None,
    runs: tuple[int, ...] = (),
    home: Path | None = None,
) -> Explained:
    """Explain a model by one volume of a scan, or by all volumes.

    Parameters
    ----------
    bundle : Bundle
    series : Volume or None
        None for a method that reads the model alone, such as `weights`.
    options : dict
        `name` of the method, and its options, such as `layer`.
    volume : int, optional
        Index in the series, from 0; all volumes if None.
    runs : tuple of int
        Volumes of each run; see `features_of`.
    home : Path, optional
        Folder of the model's file; see `features_of`.

    Returns
    -------
    Explained

    Raises
    ------
    InputError
        If the method, its options or the scan do not fit the model.
    """
    method, model = get_explainer(options), bundle.model
    notes: tuple[str, ...] = ()
    if volume is not None:
        _check_single(method)
    X = np.zeros((0, bundle.space.n_features), dtype=np.float32)
    if series is not None and method.rows != "none":
        features = features_of(bundle, series, runs, home)
        X, notes = features.X, features.notes
    elif method.rows != "none":
        raise InputError(
            f"The method {method.name} needs a scan, because its maps are of samples. Give the scan."
        )
    source = _source_of_scan(method, len(X), volume)
    if volume is not None:
        if not 0 <= volume < len(X):
            raise InputError(f"The volume must be between 0 and {len(X) - 1}, got {volume}.")
        X = X[volume : volume + 1]
    maps = mean_explanation(method, model, X, bundle.space).named(bundle.classes)
    return Explained(maps, method, model.decoder, source, None if volume is not None else "all", notes=notes)


def explain_run(
    result: RunResult, options: dict[str, Any], volume: int | None = None, models: Models = "all"
) -> Explained:
    """Explain a volume of a run by the model that held it out, or explain the models of the run.

    Parameters
    ----------
    result : RunResult
    options : dict
        `name` of the method, and its options.
    volume : int, optional
        Index in the series, from 0; all samples if None.
    models : {"all", "folds"}
        Without a volume: the model of all samples, or the mean over the models of the folds. The model of a
        fold explains the samples that it held out, or, if the method reads training samples, those.

    Raises
    ------
    InputError
        If the method cannot explain the model, the volume was not decoded, or the maps of different models
        cannot be averaged.
    """
    method, samples = get_explainer(options), result.prepared.samples
    if volume is not None:
        return _explain_volume(method, result, volume)
    if models == "folds":
        return _explain_folds(method, result.folds, samples)
    return explain_all(method, result.model, samples)


def explain_all(method: Explainer, model: FittedModel, samples: Samples) -> Explained:
    """Explain the model that was fitted on all samples; see `explain_run`."""
    X = samples.X[:0] if method.rows == "none" else samples.X
    maps = mean_explanation(method, model, X, samples.space).named(samples.classes)
    n = len(samples.X)
    seen = method.rows == "test"
    source = f"the model fitted on all {n} samples"
    if seen:
        source = f"mean over {n} samples, by the model that was trained on them"
    return Explained(maps, method, model.decoder, source, "all", seen)


def linear_maps(model: FittedModel, samples: Samples) -> list[Explained]:
    """Weights and pattern of the linear model that was fitted on all samples; none of other models."""
    methods = [Weights(), Pattern()]
    return [explain_all(method, model, samples) for method in methods if not method.unavailable(model)]


def _explain_volume(method: Explainer, result: RunResult, volume: int) -> Explained:
    _check_single(method)
    prepared, samples, model = result.prepared, result.prepared.samples, result.model
    rows = sample_rows(prepared.table, samples, prepared.recipe.prepare)
    row = int(rows[volume]) if 0 <= volume < len(rows) else -1
    if row < 0:
        raise InputError(f"Only volumes that were decoded can be explained, but volume {volume} was not.")
    number = int(held_out_by(samples, result.folds)[row])
    source = f"volume {volume}, by the model of all samples, which was trained on it"
    if number >= 0:
        model = result.folds[number].model
        source = f"volume {volume}, by the model of fold {result.folds[number].fold}, which held it out"
    maps = explain_samples(method, model, samples.X[row : row + 1], samples.space).named(samples.classes)
    return Explained(maps, method, model.decoder, source, None, seen=number < 0)


def _explain_folds(method: Explainer, folds: Sequence[FoldResult], samples: Samples) -> Explained:
    if not method.over_folds:
        raise InputError(
            f"The maps of {method.name} cannot be averaged over folds, because hidden units of two models do "
            "not correspond to each other. Choose the model of all samples."
        )
    total: NDArray[np.float64] | None = None
    held_out = [len(fold.split.test) if method.per_sample else 1 for fold in folds]
    for fold, n in zip(folds, held_out, strict=True):
        nothing = fold.split.test[:0]
        rows = {"test": fold.split.test, "train": fold.split.train, "none": nothing}[method.rows]
        maps = mean_explanation(method, fold.model, samples.X[rows], samples.space)
        total = n * maps.values.astype(np.float64) if total is None else total + n * maps.values
    if total is None:
        raise InputError("The run must have at least one fold, found none. Train again.")
    values = (total / sum(held_out)).astype(np.float32)
    source = f"mean over the models of {len(folds)} folds"
    if method.per_sample:
        source = f"mean over {sum(held_out)} samples, each by the model that held it out"
    maps = replace(maps, values=values).named(samples.classes)
    return Explained(maps, method, folds[0].model.decoder, source, "folds")


def _check_single(method: Explainer) -> None:
    if not method.per_sample:
        raise InputError(
            f"The maps of {method.name} are of a model, not of a single volume. Explain the model of all "
            "samples, or the models of the folds."
        )


def _source_of_scan(method: Explainer, n: int, volume: int | None) -> str:
    if volume is not None:
        return f"volume {volume} of the scan"
    if method.per_sample:
        return f"mean over all {n} volumes of the scan"
    return "the model" if method.rows == "none" else f"the model and all {n} volumes of the scan"
