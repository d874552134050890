"""What a finished run lays over the anatomy: its predictions, and what its filters answered.

Both have one entry per volume of the series, so that one slider moves scan and results. A volume
is shown by the fold that left it out; where there is none, by the network that was fitted on all
samples, and then what is seen was seen in training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder._napari.palette import class_colors
from napari_fmri_decoder.evaluation.scores import predictions_table
from napari_fmri_decoder.explain.activations import activations, hidden_layers, layer_grid
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.volumes.series import VolumeStack

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import Prepared, RunResult
    from napari_fmri_decoder.training.events import FittedModel
    from napari_fmri_decoder.volumes.frames import Affine
    from napari_fmri_decoder.volumes.volume import ArrayLike, Kind

Part = Literal["test", "training"]

PREDICTIONS = "predictions"
"""Name of the layer of predictions."""

ANSWERS: dict[str, Any] = {
    "name": "answers",
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
"""The colours of "inferno", whose dark end is clear: a filter that does not answer hides nothing."""

_BUDGET = 128 * 2**20  # bytes of maps kept per layer
_FEW = 4  # samples that contrast and listening units are found by
_SAME = 1e-6  # of the largest answer: rounding


@dataclass(frozen=True, slots=True, eq=False)
class ResultVolume:
    """Voxels (x, y, z, n) or (x, y, z, n, filter) of a result, and how a layer is to show them.

    Attributes
    ----------
    data : array-like
        Computed when it is sliced.
    affine : (4, 4) array
        Voxels to scanner millimetres.
    kind : {"atlas", "stat"}
    step : float or None
        That of the series.
    name : str
        Of the layer.
    seen : (n,) bool array
        Volumes whose entry comes from a network that was trained on them.
    meta : dict
        What napari's layer is to have.
    """

    data: ArrayLike
    affine: Affine
    kind: Kind
    step: float | None
    name: str
    seen: NDArray[np.bool_]
    meta: dict[str, Any] = field(default_factory=dict)


def result_volumes(result: RunResult) -> list[ResultVolume]:
    """Make all that a run lays over the anatomy, lowest layer first.

    Parameters
    ----------
    result : RunResult

    Returns
    -------
    list of ResultVolume
        One per hidden convolution, then the predictions.
    """
    return [*(filter_answers(result, name) for name in hidden_layers(result.model)), predictions(result)]


def predictions(result: RunResult) -> ResultVolume:
    """Lay the predictions into the voxels that were decoded.

    Returns
    -------
    ResultVolume
        Labels (x, y, z, n): inside the mask volume v holds v + 1, whose row of the `features`
        says what was predicted, and whose colour is that of the predicted class.
    """
    space, series = result.prepared.samples.space, result.prepared.series
    mask = space.mask.astype(np.int32)
    data = VolumeStack(lambda v: mask * np.int32(v + 1), (*mask.shape, series.n_volumes), mask.dtype)
    features = prediction_features(result)
    colors = class_colors(result.scores.classes)
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


def prediction_features(result: RunResult) -> pd.DataFrame:
    """Say of each volume what it shows and what was predicted by the fold that left it out.

    Returns
    -------
    DataFrame of n rows
        `index` (the volume + 1, its value in the labels), `volume`, `run`, `fold`, `true`,
        `predicted`, `probability`; "" and None where a volume was not predicted; `subject` and
        `session` where there are any.
    """
    prepared = result.prepared
    table = prepared.table
    told = predictions_table(result.folds, prepared.samples).drop_duplicates("volume")
    told["probability"] = told[[f"p_{name}" for name in prepared.samples.classes]].max(axis=1)
    rows = sample_rows(prepared)
    volumes = np.where(rows < 0, -1, prepared.samples.table["volume"].to_numpy()[rows])
    there = told.set_index("volume").reindex(volumes).reset_index(drop=True)
    known = there["predicted"].notna().to_numpy()
    features = pd.DataFrame({"index": table["volume"] + 1, "volume": table["volume"]})
    for column in ("subject", "session", "run"):
        if column == "run" or (table[column] != "").any():
            features[column] = table[column].to_numpy(dtype=object)
    folds = there["fold"].fillna(-1).astype(int)
    features["fold"] = pd.Series(
        [int(f) if k else None for f, k in zip(folds, known, strict=True)], dtype=object
    )
    features["true"] = table["label"].to_numpy(dtype=object)
    features["predicted"] = there["predicted"].fillna("").to_numpy(dtype=object)
    features["probability"] = there["probability"].to_numpy(dtype=float)
    return features


def filter_answers(result: RunResult, layer: str) -> ResultVolume:
    """Lay what the filters of a hidden convolution answer to each volume where its units lie.

    Parameters
    ----------
    result : RunResult
    layer : str
        One of `hidden_layers`, such as "conv1".

    Returns
    -------
    ResultVolume
        (x, y, z, n, filter) float32 on `layer_grid`, computed and kept volume by volume; 0 where
        a volume is no sample, and where units see no voxel that was decoded.
    """
    prepared = result.prepared
    samples, n = prepared.samples, prepared.series.n_volumes
    grid = layer_grid(result.model, layer, samples.space)
    rows, folds = sample_rows(prepared), left_out_by(result)
    few = np.linspace(0, len(samples.X) - 1, _FEW).astype(int)
    known = activations(result.model, samples.X[few], samples.space, layer)
    # Units that see no decoded voxel answer the same to everything: outside of the head, their bias.
    listening = (np.ptp(known, axis=0) > _SAME * np.abs(known).max()).any(axis=0)

    def compute(row: int) -> NDArray[np.float32]:
        model = model_for(result, int(folds[row]))
        (values,) = activations(model, samples.X[row : row + 1], samples.space, layer)
        return np.where(listening, values, np.float32(0))

    maps = lru_cache(maxsize=max(8, min(512, _BUDGET // known[0].nbytes)))(compute)

    def read(volume: int, one: int) -> NDArray[np.float32]:
        row = int(rows[volume])
        return np.zeros(grid.shape, dtype=np.float32) if row < 0 else maps(row)[one]

    top = float(np.percentile(np.stack([maps(int(row)) for row in few])[:, :, listening], 99.5))
    return ResultVolume(
        VolumeStack(read, (*grid.shape, n, known.shape[1]), np.dtype(np.float32)),
        grid.affine,
        "stat",
        prepared.series.step,
        f"{result.model.decoder.name} {layer}",
        (rows >= 0) & (folds[rows] < 0),
        {
            "contrast_limits": (0.0, top if top > 0 else 1.0),
            "colormap": ANSWERS,
            "interpolation2d": "nearest",
        },
    )


def sample_rows(prepared: Prepared) -> NDArray[np.int64]:
    """Find the sample that each volume went into.

    Returns
    -------
    (n,) int64 array
        Rows of the samples, one per volume of the series; -1 for what was left out. Where blocks
        or classes within runs were averaged, all volumes that went into one share it.
    """
    rows = np.full(len(prepared.table), -1, dtype=np.int64)
    volumes = prepared.samples.table["volume"].to_numpy()
    rows[volumes] = np.arange(len(volumes))
    if prepared.recipe.prepare.average_runs:
        keys = (pd.Series(group_keys(prepared.table)) + "\n" + prepared.table["label"]).to_numpy()
        for row, volume in enumerate(volumes):
            rows[keys == keys[volume]] = row
    elif prepared.recipe.prepare.average_blocks:
        block = prepared.table["block"].to_numpy()
        for row, volume in enumerate(volumes):
            rows[block == block[volume]] = row
    return rows


def left_out_by(result: RunResult) -> NDArray[np.int64]:
    """Find the fold that left each sample out.

    Returns
    -------
    (n_samples,) int64 array
        Positions in ``result.folds``, the first of several; -1 for samples that each fold
        trained on.
    """
    found = np.full(len(result.prepared.samples.X), -1, dtype=np.int64)
    for i, fold in reversed(list(enumerate(result.folds))):
        found[fold.split.test] = i
    return found


def model_for(result: RunResult, fold: int) -> FittedModel:
    """Give the network of a fold, or that of all samples for -1."""
    return result.folds[fold].model if fold >= 0 else result.model


def volumes_in_cell(result: RunResult, part: Part, true: str, predicted: str) -> list[tuple[int, str]]:
    """List the samples that a cell of a confusion matrix counts.

    Parameters
    ----------
    result : RunResult
    part : {"test", "training"}
    true, predicted : str
        Classes.

    Returns
    -------
    list of (int, str)
        Volume (of an averaged block the first) and name of the fold, in the order of folds.
    """
    samples = result.prepared.samples
    volumes, y = samples.table["volume"].to_numpy(), samples.y
    was, said = samples.classes.index(true), samples.classes.index(predicted)
    found = []
    for fold in result.folds:
        test = part == "test"
        rows = fold.split.test if test else fold.split.train
        answers = (fold.probabilities if test else fold.train_probabilities).argmax(axis=1)
        here = rows[(y[rows] == was) & (answers == said)]
        found += [(int(volume), fold.split.name) for volume in volumes[here]]
    return found
