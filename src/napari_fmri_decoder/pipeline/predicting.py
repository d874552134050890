"""Predictions of a trained model for a new scan, with the same voxels and the same cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.inputs import changed_scan, trained_scan
from napari_fmri_decoder.pipeline.matching import check_cover, check_kind, check_lengths, covered
from napari_fmri_decoder.recipe import parse_recipe
from napari_fmri_decoder.samples.bids.names import find_confounds, run_keys
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.features import extract
from napari_fmri_decoder.samples.scrubbing import Cleaning, read_cleaning
from napari_fmri_decoder.training.predict import predict_proba

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.training.bundle.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of a scan, prepared for a model.

    Attributes
    ----------
    X : (n, features) float32 array
        Prepared as in training, not yet scaled.
    table : DataFrame of n rows
        `volume`, `subject`, `session`, `run`.
    notes : tuple of str
    """

    X: NDArray[np.float32]
    table: pd.DataFrame
    notes: tuple[str, ...]


def features_of(
    bundle: Bundle, series: Volume, runs: tuple[int, ...] = (), home: Path | None = None
) -> Features:
    """Read the model's voxels from a scan and clean them as the training data were.

    Parameters
    ----------
    bundle : Bundle
    series : Volume
        On any grid in the same space; it is resampled to the model's grid. Voxels without a value (outside
        the scan, or NaN) get the training mean.
    runs : tuple of int, optional
        Volumes of each run, in order; each file is a run if empty.
    home : Path, optional
        Folder of the model file, used to find files that have changed since training.

    Raises
    ------
    InputError
        If the scan covers less than half of the model's voxels or has no finite value there, is a time
        series but the model decodes maps or the reverse, or has too short runs; or if `runs` does not add
        up to its volumes.
    """
    recipe = parse_recipe(bundle.recipe, "the model's recipe")
    notes = [*series.notes, *check_kind(bundle, recipe, series), *changed_scan(bundle, series, home)]
    notes += trained_scan(bundle, series)
    inside = covered(bundle.space, series)
    notes += check_cover(bundle.space, inside, series)
    table = _runs(series, runs)
    check_lengths(recipe, table)
    if not bundle.space.grid.same_as(series.grid) and recipe.slab is None:
        notes.append("The scan's grid differs from the model's, so the scan was resampled.")
    X = extract(
        series,
        bundle.space,
        smooth_mm=recipe.prepare.smooth_mm,
        interpolation=recipe.slab.interpolation if recipe.slab else "continuous",
    )
    X[:, ~inside] = np.nan
    missing = np.isnan(X)
    notes += _constant_notes(X[:, inside], table)
    notes += _missing_notes(missing[:, inside])
    X = _filled(X, missing, table)
    cleaning = _cleaning(recipe.prepare, series)
    notes += cleaning.notes
    kept = ~cleaning.scrubbed
    if not kept.all():
        notes.append("Predictions for scrubbed volumes are meaningless.")
    missing[~kept] = True
    X[kept] = clean_runs(
        X[kept],
        table[kept].reset_index(drop=True),
        detrend=bool(recipe.prepare.detrend),
        center=recipe.prepare.center_runs,
        standardize=bool(recipe.prepare.standardize_runs),
        confounds=None if cleaning.confounds is None else cleaning.confounds[kept],
    )
    mean = np.zeros(X.shape[1], dtype=np.float32)  # 0 for voxels removed by screening, which are not used
    mean[slice(None) if bundle.model.screened is None else bundle.model.screened] = bundle.model.scaler.mean
    X = np.where(missing, mean, X)
    if recipe.prepare.average_blocks or recipe.prepare.average_runs:
        of = "classes within runs" if recipe.prepare.average_runs else "blocks"
        notes.append(f"The model was trained on averages of {of}; here each volume is predicted separately.")
    return Features(X, table, tuple(notes))


def predict(
    bundle: Bundle, series: Volume, runs: tuple[int, ...] = (), home: Path | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Predict every volume of a scan; see `features_of`.

    Returns
    -------
    table : DataFrame
        `volume`, `subject`, `session`, `run`, `predicted`, and `p_<class>` per class.
    notes : tuple of str

    Raises
    ------
    InputError
        As in `features_of`; or if the model returns a probability that is not finite.
    """
    features = features_of(bundle, series, runs, home)
    return predictions_of(bundle, features), features.notes


def predictions_of(bundle: Bundle, features: Features) -> pd.DataFrame:
    """Predict every volume from its features; see `predict`."""
    probabilities = predict_proba(bundle.model, features.X, bundle.space)
    if lost := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise InputError(
            f"The model must return finite probabilities, but returned NaN for {lost} of "
            f"{len(probabilities)} volumes: its weights or the values of the scan are too large. Check the "
            "scan's values, use another copy of the model, or train again."
        )
    table = features.table.assign(predicted=np.array(bundle.classes)[probabilities.argmax(axis=1)])
    for i, name in enumerate(bundle.classes):
        table[f"p_{name}"] = probabilities[:, i]
    return table


def _cleaning(config: PrepareConfig, series: Volume) -> Cleaning:
    """Read the confounds of the scan, if the model was trained with confounds."""
    config = config.model_copy(update={"confounds_files": ()})
    asked = [*config.confounds, *(["framewise displacement"] if config.scrub_mm else [])]
    if not asked or (series.parts and all(find_confounds(Path(part.path)) for part in series.parts)):
        return read_cleaning(config, series, Path.cwd())
    note = (
        f"The model's training data were cleaned with {', '.join(asked)}, but this scan has no table of "
        "confounds next to it: no confounds were regressed out and no volumes were scrubbed."
    )
    return Cleaning(None, np.zeros(series.n_volumes, dtype=bool), (note,))


def _runs(series: Volume, runs: tuple[int, ...]) -> pd.DataFrame:
    n = series.n_volumes
    if runs and sum(runs) != n:
        raise InputError(
            f"The runs must add up to the {n} volumes of the scan, got {sum(runs)}. Correct --runs."
        )
    rows = []
    if runs or len(series.parts) < 2:
        for i, length in enumerate(runs or (n,)):
            rows += [("", "", str(i + 1))] * length
    else:
        keys = run_keys([part.path for part in series.parts])
        for part, key in zip(series.parts, keys, strict=True):
            rows += [key] * part.n_volumes
    table = pd.DataFrame(rows, columns=["subject", "session", "run"])
    table.insert(0, "volume", np.arange(n))
    return table


def _constant_notes(X: NDArray[np.float32], table: pd.DataFrame) -> list[str]:
    """Report runs, (n, features) values each, whose volumes are all equal."""
    runs = table.groupby(["subject", "session", "run"], sort=False).indices
    still = [key for key, rows in runs.items() if len(rows) > 1 and bool((X[rows] == X[rows[0]]).all())]
    if not still:
        return []
    found = (
        "all volumes are the same"
        if len(still) == len(runs)
        else (f"all volumes of {len(still)} of {len(runs)} runs are the same")
    )
    return [f"In the model's voxels, {found}; their predictions are meaningless. Check the image."]


def _missing_notes(missing: NDArray[np.bool_]) -> list[str]:
    """Report (n, features) values that are not finite; refuse a scan without finite values."""
    if missing.all():
        raise InputError(
            "The scan must have finite values in the model's voxels, but all of them are NaN or infinite. "
            "Check the image."
        )
    notes = []
    if empty := int(missing.all(axis=1).sum()):
        notes.append(
            f"{empty} of {len(missing)} volumes contain only NaN; their predictions are meaningless."
        )
    if some := int(missing[~missing.all(axis=1)].any(axis=0).sum()):
        notes.append(
            f"{some} of {missing.shape[1]} voxels are NaN in some volumes and get the training mean there."
        )
    return notes


def _filled(X: NDArray[np.float32], missing: NDArray[np.bool_], table: pd.DataFrame) -> NDArray[np.float32]:
    """Replace missing values by the voxel's mean in its run, or 0, so that runs can be cleaned."""
    if not missing.any():
        return X
    X = X.copy()
    for rows in table.groupby(["subject", "session", "run"], sort=False).indices.values():
        absent = missing[rows]
        filled = np.where(absent, 0, X[rows])
        means = filled.sum(axis=0, dtype=np.float64) / np.maximum((~absent).sum(axis=0), 1)
        X[rows] = np.where(absent, means.astype(np.float32), filled)
    return X
