"""Put a trained model to a scan that it has not seen: the same voxels, the same cleaning, one answer each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.inputs import changed_scan
from napari_fmri_decoder.pipeline.matching import check_cover, check_kind, check_lengths, covered
from napari_fmri_decoder.recipe import parse_recipe
from napari_fmri_decoder.samples.bids import find_confounds, run_keys
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.features import extract
from napari_fmri_decoder.samples.scrubbing import Cleaning, read_cleaning
from napari_fmri_decoder.training.fit import predict_proba

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare import PrepareConfig
    from napari_fmri_decoder.training.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A scan as a model takes it.

    Attributes
    ----------
    X : (n, features) float32 array
        Prepared as in the training, not yet scaled.
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
        On any grid of the same space; on another grid than the model's it is resampled. What has no
        value, outside of the scan or NaN, counts as the training mean.
    runs : tuple of int, optional
        Volumes of each run, in order; each file is a run if empty.
    home : Path, optional
        Folder of the model's file: with it files that have changed since the training are known.

    Raises
    ------
    InputError
        If the scan covers less than half of the model's voxels or holds no finite value there, is a
        series where the model decodes maps or the reverse, or has too short runs; or `runs` does not
        add up.
    """
    recipe = parse_recipe(bundle.recipe, "the model's recipe")
    notes = [*series.notes, *check_kind(bundle, recipe, series), *changed_scan(bundle, series, home)]
    inside = covered(bundle.space, series)
    notes += check_cover(bundle.space, inside, series)
    table = _runs(series, runs)
    check_lengths(recipe, table)
    if not bundle.space.grid.same_as(series.grid) and recipe.slab is None:
        notes.append("The scan lies on another grid than the model's and was resampled to it.")
    X = extract(
        series,
        bundle.space,
        smooth_mm=recipe.prepare.smooth_mm,
        interpolation=recipe.slab.interpolation if recipe.slab else "continuous",
    )
    X[:, ~inside] = np.nan
    missing = np.isnan(X)
    notes += _say_constant(X[:, inside], table)
    notes += _say_missing(missing[:, inside])
    X = _bridged(X, missing, table)
    cleaning = _cleaning(recipe.prepare, series)
    notes += cleaning.notes
    kept = ~cleaning.scrubbed
    if not kept.all():
        notes.append("What is predicted for the scrubbed volumes says nothing.")
    missing[~kept] = True
    X[kept] = clean_runs(
        X[kept],
        table[kept].reset_index(drop=True),
        detrend=bool(recipe.prepare.detrend),
        center=recipe.prepare.center_runs,
        standardize=bool(recipe.prepare.standardize_runs),
        confounds=None if cleaning.confounds is None else cleaning.confounds[kept],
    )
    mean = np.zeros(X.shape[1], dtype=np.float32)  # of voxels that screening dropped nothing is asked
    mean[slice(None) if bundle.model.chosen is None else bundle.model.chosen] = bundle.model.scaler.mean
    X = np.where(missing, mean, X)
    if recipe.prepare.average_blocks or recipe.prepare.average_runs:
        of = "classes within runs" if recipe.prepare.average_runs else "blocks"
        notes.append(f"The model was trained on averages of {of}; here each volume is predicted by itself.")
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
        As `features_of` does; and if the model gives a probability that is not finite.
    """
    features = features_of(bundle, series, runs, home)
    probabilities = predict_proba(bundle.model, features.X, bundle.space)
    if lost := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise InputError(
            f"The model must give finite probabilities, but of {lost} of {len(probabilities)} volumes it "
            "gives NaN: its weights, or the values of the scan, are too large to be reckoned with. Check the "
            "scan's values, take another copy of the model, or train again."
        )
    table = features.table.assign(predicted=np.array(bundle.classes)[probabilities.argmax(axis=1)])
    for i, name in enumerate(bundle.classes):
        table[f"p_{name}"] = probabilities[:, i]
    return table, features.notes


def _cleaning(config: PrepareConfig, series: Volume) -> Cleaning:
    """Read the scan's own confounds, where the model was trained without those of its own scans."""
    config = config.model_copy(update={"confounds_files": ()})
    asked = [*config.confounds, *(["framewise displacement"] if config.scrub_mm else [])]
    if not asked or (series.parts and all(find_confounds(Path(part.path)) for part in series.parts)):
        return read_cleaning(config, series, Path.cwd())
    note = (
        f"The model's training data were cleaned by {', '.join(asked)}; this scan has no table of confounds "
        "next to it, so nothing was regressed out of it and no volume was scrubbed."
    )
    return Cleaning(None, np.zeros(series.n_volumes, dtype=bool), (note,))


def _runs(series: Volume, runs: tuple[int, ...]) -> pd.DataFrame:
    n = series.n_volumes
    if runs and sum(runs) != n:
        raise InputError(
            f"The runs must add up to the {n} volumes of the scan, got {sum(runs)}. Mend --runs."
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


def _say_constant(X: NDArray[np.float32], table: pd.DataFrame) -> list[str]:
    """Tell of runs, (n, features) values each, in which nothing changes from volume to volume."""
    runs = table.groupby(["subject", "session", "run"], sort=False).indices
    still = [key for key, rows in runs.items() if len(rows) > 1 and bool((X[rows] == X[rows[0]]).all())]
    if not still:
        return []
    where = (
        "all volumes are the same"
        if len(still) == len(runs)
        else (f"all volumes of {len(still)} of {len(runs)} runs are the same")
    )
    return [f"In the model's voxels {where}: what is predicted for them says nothing. Check the image."]


def _say_missing(missing: NDArray[np.bool_]) -> list[str]:
    """Tell (n, features) values that are not finite; refuse a scan that has no others."""
    if missing.all():
        raise InputError(
            "The scan must have finite values where the model looks, but all of them are NaN or infinite. "
            "Check the image."
        )
    notes = []
    if empty := int(missing.all(axis=1).sum()):
        notes.append(
            f"{empty} of {len(missing)} volumes are NaN throughout; what is predicted for them says nothing."
        )
    if some := int(missing[~missing.all(axis=1)].any(axis=0).sum()):
        notes.append(
            f"{some} of {missing.shape[1]} voxels are NaN in some volume; there they count as the "
            "training mean."
        )
    return notes


def _bridged(X: NDArray[np.float32], missing: NDArray[np.bool_], table: pd.DataFrame) -> NDArray[np.float32]:
    """Put the mean of a voxel's run where it has no value, so that the run can be cleaned; else 0."""
    if not missing.any():
        return X
    X = X.copy()
    for rows in table.groupby(["subject", "session", "run"], sort=False).indices.values():
        gone = missing[rows]
        filled = np.where(gone, 0, X[rows])
        means = filled.sum(axis=0, dtype=np.float64) / np.maximum((~gone).sum(axis=0), 1)
        X[rows] = np.where(gone, means.astype(np.float32), filled)
    return X
