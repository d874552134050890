"""The result layers of a finished run: its predictions and the activations of its filters.

Both have one entry per volume of the series, so that one slider moves scan and results. Each volume is
shown with the network of the fold that held it out, or, if there is none, with the network that was fitted
on all samples, including this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder._napari.results.features import model_for, prediction_features
from napari_fmri_decoder._napari.results.roles import PREDICTIONS
from napari_fmri_decoder.evaluation.palette import class_colors
from napari_fmri_decoder.evaluation.sample_rows import held_out_by, sample_rows
from napari_fmri_decoder.explain.activations import activations, hidden_layers, layer_grid
from napari_fmri_decoder.volumes.series import VolumeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel
    from napari_fmri_decoder.volumes.frames import Affine
    from napari_fmri_decoder.volumes.volume import ArrayLike, Kind, Volume

ACTIVATION_COLORS: dict[str, Any] = {
    "name": "activations",
    "colors": [
        [0.0, 0.0, 0.02, 0.0],
        [0.16, 0.04, 0.33, 0.6],
        [0.40, 0.08, 0.43, 0.9],
        [0.65, 0.17, 0.36, 1.0],
        [0.87, 0.32, 0.23, 1.0],
        [0.98, 0.56, 0.04, 1.0],
        [0.97, 0.82, 0.30, 1.0],
        [0.99, 1.0, 0.64, 1.0],
    ],
    "controls": [0.0, 0.08, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0],
}
"""The colors of "inferno" with a transparent dark end, so that zero activation hides nothing."""

_BUDGET = 128 * 2**20  # bytes of cached maps per layer
_N_PROBES = 4  # samples from which contrast limits and responsive units are found
_TOLERANCE = 1e-6  # relative to the largest activation


@dataclass(frozen=True, slots=True, eq=False)
class ResultVolume:
    """Voxels (x, y, z, n) or (x, y, z, n, filter) of a result, with the settings of their layer.

    Attributes
    ----------
    data : array-like
        Computed when it is sliced.
    affine : (4, 4) array
        Voxels to scanner millimeters.
    kind : {"atlas", "stat"}
    step : float or None
        Repetition time of the series.
    name : str
        Name of the layer.
    seen : (n,) bool array
        Whether the network of each volume was trained on it.
    meta : dict
        Further settings of napari's layer.
    """

    data: ArrayLike
    affine: Affine
    kind: Kind
    step: float | None
    name: str
    seen: NDArray[np.bool_]
    meta: dict[str, Any] = field(default_factory=dict)


def result_volumes(result: RunResult) -> list[ResultVolume]:
    """Make all result layers of a run, lowest layer first.

    Parameters
    ----------
    result : RunResult

    Returns
    -------
    list of ResultVolume
        One per hidden convolution, then the predictions.
    """
    return [*(filter_activations(result, name) for name in hidden_layers(result.model)), predictions(result)]


def predictions(result: RunResult) -> ResultVolume:
    """Make the layer of predictions.

    Returns
    -------
    ResultVolume
        Labels (x, y, z, n): volume v holds v + 1 inside the mask. The row of `features` with this
        index has the prediction; its color is that of the predicted class.
    """
    prepared = result.prepared
    return labels_of_predictions(
        prepared.samples.space, prepared.series, prediction_features(result), result.scores.classes
    )


def labels_of_predictions(
    space: Space, series: Volume, features: pd.DataFrame, classes: Sequence[str]
) -> ResultVolume:
    """Make a layer of predictions; see `predictions`.

    Parameters
    ----------
    space : Space
        The decoded voxels.
    series : Volume
    features : DataFrame
        With the columns "index" (volume + 1) and "predicted" ("" for none), and others to show.
    classes : sequence of str
    """
    mask = space.mask.astype(np.int32)
    data = VolumeStack(lambda v: mask * np.int32(v + 1), (*mask.shape, series.n_volumes), mask.dtype)
    colors = class_colors(classes)
    return ResultVolume(
        data,
        space.grid.affine,
        "atlas",
        series.step,
        PREDICTIONS,
        np.zeros(series.n_volumes, dtype=bool),
        {
            "features": features,
            "colors": {
                int(value): colors[name]
                for value, name in zip(features["index"], features["predicted"], strict=True)
                if name
            },
        },
    )


def filter_activations(result: RunResult, layer: str) -> ResultVolume:
    """Make the layer of the filter activations of a hidden convolution, at the positions of its units.

    Parameters
    ----------
    result : RunResult
    layer : str
        One of `hidden_layers`, such as "conv1".

    Returns
    -------
    ResultVolume
        (x, y, z, n, filter) float32 on `layer_grid`, computed and cached volume by volume; 0 for
        volumes that are no samples, and for units whose receptive field has no decoded voxel.
    """
    prepared = result.prepared
    samples = prepared.samples
    rows, folds = (
        sample_rows(prepared.table, samples, prepared.recipe.prepare),
        held_out_by(samples, result.folds),
    )
    found = activation_maps(
        result.model,
        layer,
        samples.X,
        samples.space,
        rows,
        prepared.series.step,
        lambda row: model_for(result, int(folds[row])),
    )
    return replace(found, seen=(rows >= 0) & (folds[rows] < 0))


def activation_maps(
    model: FittedModel,
    layer: str,
    X: NDArray[np.float32],
    space: Space,
    rows: NDArray[np.int64],
    step: float | None,
    model_of: Callable[[int], FittedModel],
) -> ResultVolume:
    """Make a layer of the filter activations of some samples; see `filter_activations`.

    Parameters
    ----------
    model : FittedModel
        Determines the grid, the colors, and which units respond.
    layer : str
    X : (samples, features) float32 array
    space : Space
    rows : (n,) int64 array
        Sample of each volume; -1 for none.
    step : float or None
        Repetition time of the series.
    model_of : callable
        Takes a sample, returns the model that it is shown with.
    """
    grid = layer_grid(model, layer, space)
    probes = np.linspace(0, len(X) - 1, _N_PROBES).astype(int)
    known = activations(model, X[probes], space, layer)
    # Units without a decoded voxel respond with their bias to every sample.
    responsive = (np.ptp(known, axis=0) > _TOLERANCE * np.abs(known).max()).any(axis=0)

    def compute(row: int) -> NDArray[np.float32]:
        (values,) = activations(model_of(row), X[row : row + 1], space, layer)
        return np.where(responsive, values, np.float32(0))

    maps = lru_cache(maxsize=max(8, min(512, _BUDGET // known[0].nbytes)))(compute)

    def read(volume: int, filter_index: int) -> NDArray[np.float32]:
        row = int(rows[volume])
        return np.zeros(grid.shape, dtype=np.float32) if row < 0 else maps(row)[filter_index]

    shown = np.stack([maps(int(row)) for row in probes])[:, :, responsive]
    top = float(np.percentile(shown, 99.5)) if shown.size else 0.0
    return ResultVolume(
        VolumeStack(read, (*grid.shape, len(rows), known.shape[1]), np.dtype(np.float32)),
        grid.affine,
        "stat",
        step,
        f"{model.decoder.name} {layer}",
        np.zeros(len(rows), dtype=bool),
        {
            "contrast_limits": (0.0, top if top > 0 else 1.0),
            "colormap": ACTIVATION_COLORS,
            "interpolation2d": "nearest",
        },
    )
