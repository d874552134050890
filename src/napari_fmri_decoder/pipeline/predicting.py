"""Put a trained model to a scan that it has not seen: the same voxels, the same cleaning, one answer each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import parse_recipe
from napari_fmri_decoder.samples.bids import find_confounds, run_of
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.confounds import read_confounds
from napari_fmri_decoder.samples.features import extract
from napari_fmri_decoder.training.fit import predict_proba
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare import PrepareConfig
    from napari_fmri_decoder.training.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume

LEAST_OVERLAP = 0.5
"""Share of the model's voxels that a scan must cover."""


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


def features_of(bundle: Bundle, series: Volume, runs: tuple[int, ...] = ()) -> Features:
    """Read the model's voxels from a scan and clean them as the training data were.

    Parameters
    ----------
    bundle : Bundle
    series : Volume
        On any grid of the same space; on another grid than the model's it is resampled.
    runs : tuple of int, optional
        Volumes of each run, in order; each file is a run if empty.

    Raises
    ------
    InputError
        If the scan covers less than half of the model's voxels, or `runs` does not add up.
    """
    recipe = parse_recipe(bundle.recipe, "the model's recipe")
    if recipe.zmaps is not None and series.step is not None:
        raise InputError(
            "The model decodes z-maps, but these images are a series in time. Make z-maps of them first, by "
            "fmri-decoder zmaps with the model's settings, and give that folder."
        )
    notes = _check_overlap(bundle, series)
    if not bundle.space.grid.same_as(series.grid) and recipe.slab is None:
        notes.append("The scan lies on another grid than the model's and was resampled to it.")
    X = extract(
        series,
        bundle.space,
        smooth_mm=recipe.prepare.smooth_mm,
        interpolation=recipe.slab.interpolation if recipe.slab else "continuous",
    )
    missing = np.isnan(X)
    if missing.any():
        mean = np.zeros(X.shape[1], dtype=np.float32)  # of voxels that screening dropped nothing is asked
        mean[slice(None) if bundle.model.chosen is None else bundle.model.chosen] = bundle.model.scaler.mean
        X = np.where(missing, mean, X)
        notes.append(
            f"{int(missing.any(axis=0).sum())} of {X.shape[1]} voxels are NaN in some volume; there they "
            "count as the training mean."
        )
    table = _runs(series, runs)
    confounds, said = _confounds(recipe.prepare, series)
    notes += said
    X = clean_runs(
        X,
        table,
        detrend=bool(recipe.prepare.detrend),
        center=recipe.prepare.center_runs,
        standardize=bool(recipe.prepare.standardize_runs),
        confounds=confounds,
    )
    if recipe.prepare.average_blocks or recipe.prepare.average_runs:
        of = "classes within runs" if recipe.prepare.average_runs else "blocks"
        notes.append(f"The model was trained on averages of {of}; here each volume is predicted by itself.")
    return Features(X, table, tuple(notes))


def predict(
    bundle: Bundle, series: Volume, runs: tuple[int, ...] = ()
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Predict every volume of a scan.

    Returns
    -------
    table : DataFrame
        `volume`, `subject`, `session`, `run`, `predicted`, and `p_<class>` per class.
    notes : tuple of str
    """
    features = features_of(bundle, series, runs)
    probabilities = predict_proba(bundle.model, features.X, bundle.space)
    table = features.table.assign(predicted=np.array(bundle.classes)[probabilities.argmax(axis=1)])
    for i, name in enumerate(bundle.classes):
        table[f"p_{name}"] = probabilities[:, i]
    return table, features.notes


def _confounds(config: PrepareConfig, series: Volume) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Read the scan's own confounds, where the model was trained without those of its own scans."""
    if not config.confounds:
        return None, []
    if not all(find_confounds(Path(part.path)) for part in series.parts) or not series.parts:
        return None, [
            f"The model was trained after {', '.join(config.confounds)} had been regressed out; beside this "
            "scan lies no table of confounds, so nothing was regressed out of it."
        ]
    return read_confounds(config.confounds, (), series, Path.cwd())


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
        for part in series.parts:
            rows += [run_of(part.path)] * part.n_volumes
    table = pd.DataFrame(rows, columns=["subject", "session", "run"])
    table.insert(0, "volume", np.arange(n))
    return table


def _check_overlap(bundle: Bundle, series: Volume) -> list[str]:
    space = bundle.space
    mm = apply_affine(space.grid.affine, np.argwhere(space.mask))
    voxels = apply_affine(np.linalg.inv(series.affine), mm)
    inside = ((voxels > -0.5) & (voxels < np.array(series.shape[:3]) - 0.5)).all(axis=1).mean()
    if inside < LEAST_OVERLAP:
        raise InputError(
            f"The scan must cover at least {LEAST_OVERLAP:.0%} of the model's voxels, found {inside:.0%}. "
            "Register it to the space of the training scans first."
        )
    return [f"The scan covers {inside:.0%} of the model's voxels."] if inside < 1 else []
