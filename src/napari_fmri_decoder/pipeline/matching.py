"""Checks that a model can predict a scan: kind of images, length of runs, coverage of the voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.features import box_of
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.bundle.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume

LEAST_OVERLAP = 0.5
"""Fraction of the model's voxels that a scan must cover."""
SAME_STEP = 0.01
"""Relative difference up to which two repetition times count as equal."""


def check_kind(bundle: Bundle, recipe: Recipe, series: Volume) -> list[str]:
    """Refuse maps for a model of time series, and the reverse; report a different TR.

    Returns
    -------
    list of str
        Notes.
    """
    known = bundle.step if recipe.data.tr is None else recipe.data.tr
    of_maps = recipe.zmaps is not None or bundle.step == 0
    if of_maps and series.step is not None:
        raise InputError(
            "The model decodes z-maps or other maps, but these images are a time series (a volume every "
            f"{series.step:g} s). Compute z-maps first, with the settings of the model (fmri-decoder zmaps), "
            "and use that folder."
        )
    if of_maps or not known:
        return []
    if series.step is None:
        found = "a stack of maps" if series.is_series else "a single image"
        raise InputError(
            f"The model decodes volumes of a time series (one every {known:g} s), but these images are "
            f"{found}. Use a 4-D BOLD series, or a model that was trained on maps."
        )
    if abs(series.step - known) > SAME_STEP * known:
        return [
            f"The scan has a volume every {series.step:g} s, the training data had one every {known:g} s: "
            "responses to an event occur at different volumes. Each volume is predicted as it is."
        ]
    return []


def check_lengths(recipe: Recipe, table: pd.DataFrame) -> None:
    """Refuse runs that are too short for the cleaning of the model's training data.

    Parameters
    ----------
    recipe : Recipe
    table : DataFrame
        `subject`, `session`, `run` of each volume.
    """
    prepare = recipe.prepare
    needed = 3 if prepare.detrend else 2 if prepare.standardize_runs or prepare.center_runs else 1
    shortest = int(table.groupby(["subject", "session", "run"]).size().min())
    if shortest < needed:
        done = [
            *(["detrended"] if prepare.detrend else []),
            *(["standardized"] if prepare.standardize_runs else ["centered"] if prepare.center_runs else []),
        ]
        raise InputError(
            f"The model's training data were {' and '.join(done)} run by run, so a run of the scan must have "
            f"at least {needed} volumes, found {shortest}. Use complete runs, and correct --runs."
        )


def covered(space: Space, series: Volume) -> NDArray[np.bool_]:
    """Find the voxels of a space that a scan has data for.

    Outside the centers of a scan's outermost voxels, interpolation returns 0, which is no measurement.

    Returns
    -------
    (features,) bool array
    """
    if box_of(space.grid, series.grid) is not None:
        return np.ones(space.n_features, dtype=bool)
    # rounded as in resampling, so that both agree about edges
    transform = (np.linalg.inv(series.affine) @ space.grid.affine).round(10)
    at = apply_affine(transform, np.argwhere(space.mask))
    last = np.array(series.shape[:3]) - 1
    return np.asarray(((at >= -1e-8) & (at <= last + 1e-8)).all(axis=1))


def check_cover(space: Space, inside: NDArray[np.bool_], series: Volume) -> list[str]:
    """Refuse a scan that covers too few of the model's voxels; report how many are missing.

    Parameters
    ----------
    space : Space
    inside : (features,) bool array
        From `covered`.
    series : Volume

    Returns
    -------
    list of str
        Notes.
    """
    n, outside = len(inside), int((~inside).sum())
    if not inside.any():
        raise InputError(
            f"The scan must cover at least {LEAST_OVERLAP:.0%} of the model's voxels, but none of {n} are "
            f"inside: the model's voxels are at {_range(_positions(space))}, the scan at "
            f"{_range(series.grid.corners)}. It is in another space; register it to the training scans."
        )
    if inside.mean() < LEAST_OVERLAP:
        raise InputError(
            f"The scan must cover at least {LEAST_OVERLAP:.0%} of the model's voxels, found "
            f"{inside.mean():.0%}: {outside} of {n} are outside. Register it to "
            "the space of the training scans first."
        )
    if not outside:
        return []
    return [
        f"{outside} of the model's {n} voxels are outside the scan ({outside / n:.1%}) and get the "
        "training mean."
    ]


def _positions(space: Space) -> NDArray[np.float64]:
    return apply_affine(space.grid.affine, np.argwhere(space.mask))


def _range(points: NDArray[np.float64]) -> str:
    """Range of (n, 3) points in mm, as text."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (
        ", ".join(f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("xyz", low, high, strict=True)) + " mm"
    )
