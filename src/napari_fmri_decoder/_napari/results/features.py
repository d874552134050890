"""What a run predicted for each volume of the series, and which model belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.evaluation.sample_rows import sample_rows

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline.events import RunResult
    from napari_fmri_decoder.training.events import FittedModel


def prediction_features(result: RunResult) -> pd.DataFrame:
    """List the label of each volume, and what was predicted by the fold that held it out.

    Returns
    -------
    DataFrame of n rows
        `index` (the volume + 1, its value in the labels layer), `volume`, `run`, `fold`, `true`,
        `predicted`, `probability`; "" or None where a volume was not predicted; `subject` and
        `session` if there are any.
    """
    prepared = result.prepared
    table = prepared.table
    predictions = predictions_table(result.folds, prepared.samples).drop_duplicates("volume")
    predictions["probability"] = predictions[[f"p_{name}" for name in prepared.samples.classes]].max(axis=1)
    rows = sample_rows(table, prepared.samples, prepared.recipe.prepare)
    volumes = np.where(rows < 0, -1, prepared.samples.table["volume"].to_numpy()[rows])
    aligned = predictions.set_index("volume").reindex(volumes).reset_index(drop=True)
    known = aligned["predicted"].notna().to_numpy()
    features = pd.DataFrame({"index": table["volume"] + 1, "volume": table["volume"]})
    for column in ("subject", "session", "run"):
        if column == "run" or (table[column] != "").any():
            features[column] = table[column].to_numpy(dtype=object)
    folds = aligned["fold"].fillna(-1).astype(int)
    features["fold"] = pd.Series(
        [int(f) if k else None for f, k in zip(folds, known, strict=True)], dtype=object
    )
    features["true"] = table["label"].to_numpy(dtype=object)
    features["predicted"] = aligned["predicted"].fillna("").to_numpy(dtype=object)
    features["probability"] = aligned["probability"].to_numpy(dtype=float)
    return features


def model_for(result: RunResult, fold: int) -> FittedModel:
    """Return the model of a fold, or the model fitted on all samples for -1."""
    return result.folds[fold].model if fold >= 0 else result.model
