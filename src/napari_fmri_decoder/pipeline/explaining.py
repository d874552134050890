"""Explain a trained model's responses to a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.sample_rows import held_out_by, sample_rows
from napari_fmri_decoder.explain import Explanation, explain_samples, get_explainer, mean_explanation
from napari_fmri_decoder.pipeline.predicting import features_of
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.pipeline.events import RunResult
    from napari_fmri_decoder.training.bundle.bundle import Bundle


def explain_series(
    bundle: Bundle,
    series: Volume,
    options: dict[str, Any],
    *,
    volume: int | None = None,
    runs: tuple[int, ...] = (),
    home: Path | None = None,
) -> tuple[Volume, tuple[str, ...]]:
    """Compute the maps of one volume, or their mean over all volumes.

    Parameters
    ----------
    bundle : Bundle
    series : Volume
    options : dict
        `name` of the method, and its options, such as `layer`.
    volume : int, optional
        Index in the series, from 0; the mean over all volumes if None.
    runs : tuple of int
        Volumes of each run; see `features_of`.
    home : Path, optional
        Folder of the model's file; see `features_of`.

    Returns
    -------
    maps : Volume
        (x, y, z, map) float32 in scanner space, with the names of the maps.
    notes : tuple of str

    Raises
    ------
    InputError
        If the method, its options or the scan do not fit the model.
    """
    method = get_explainer(options)
    features = features_of(bundle, series, runs, home)
    n = len(features.X)
    if volume is not None and not 0 <= volume < n:
        raise InputError(f"The volume must be between 0 and {n - 1}, got {volume}.")
    rows = slice(None) if volume is None else slice(volume, volume + 1)
    mean = mean_explanation(method, bundle.model, features.X[rows], bundle.space).named(bundle.classes)
    maps = np.moveaxis(mean.values[0], 0, -1)
    name = f"{bundle.model.decoder.name} {method.title}"
    return Volume(maps, mean.grid.affine, "stat", None, mean.names, name), features.notes


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedRun:
    """Maps of a run's model.

    Attributes
    ----------
    maps : Explanation
        Of one sample, or of the mean of all: `values` is (1, map, x, y, z).
    title : str
        Decoder and method.
    seen : bool
        Whether the model was trained on what is explained.
    """

    maps: Explanation
    title: str
    seen: bool


def explain_run(result: RunResult, options: dict[str, Any], volume: int | None = None) -> ExplainedRun:
    """Explain a volume of a run by the model that held it out, or the mean of all samples.

    The mean is that of the model fitted on all samples: hidden units of the models of two folds do not
    correspond to each other.

    Parameters
    ----------
    result : RunResult
    options : dict
        `name` of the method, and its options.
    volume : int, optional
        Index in the series, from 0; the mean over all samples if None.

    Raises
    ------
    InputError
        If the method cannot explain the model, or the volume was not decoded.
    """
    method = get_explainer(options)
    prepared, model, seen = result.prepared, result.model, True
    samples = prepared.samples
    title = f"{model.decoder.name} {method.title}"
    if volume is None:
        maps = mean_explanation(method, model, samples.X, samples.space)
        return ExplainedRun(maps.named(samples.classes), title, seen)
    rows = sample_rows(prepared.table, samples, prepared.recipe.prepare)
    row = int(rows[volume]) if 0 <= volume < len(rows) else -1
    if row < 0:
        raise InputError(f"Only volumes that were decoded can be explained, but volume {volume} was not.")
    fold = int(held_out_by(samples, result.folds)[row])
    if fold >= 0:
        model, seen = result.folds[fold].model, False
    maps = explain_samples(method, model, samples.X[row : row + 1], samples.space)
    return ExplainedRun(maps.named(samples.classes), title, seen)
