"""Whether a model can be put to a scan: what it shows, and how much of the model's voxels it covers."""

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
    from napari_fmri_decoder.training.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume

LEAST_OVERLAP = 0.5
"""Share of the model's voxels that a scan must cover."""
SAME_STEP = 0.01
"""How far, as a fraction, two repetition times may differ and still be called the same."""


def check_kind(bundle: Bundle, recipe: Recipe, series: Volume) -> list[str]:
    """Refuse maps for a model of a series in time, and the reverse; tell another TR.

    Returns
    -------
    list of str
        Notes.
    """
    known = bundle.step if recipe.data.tr is None else recipe.data.tr
    of_maps = recipe.zmaps is not None or bundle.step == 0
    if of_maps and series.step is not None:
        raise InputError(
            "The model decodes z-maps or other maps, but these images are a series in time (a volume every "
            f"{series.step:g} s). Make z-maps of them first, by fmri-decoder zmaps with the model's "
            "settings, and give that folder."
        )
    if of_maps or not known:
        return []
    if series.step is None:
        what = "a stack of maps" if series.is_series else "a single image"
        raise InputError(
            f"The model decodes volumes of a series in time (one every {known:g} s), but these images are "
            f"{what}. Give a 4-D BOLD series, or a model that was trained on maps."
        )
    if abs(series.step - known) > SAME_STEP * known:
        return [
            f"The scan has a volume every {series.step:g} s, the training one every {known:g} s: what "
            "follows an event comes at other volumes. Each volume is predicted as it is."
        ]
    return []


def check_lengths(recipe: Recipe, table: pd.DataFrame) -> None:
    """Refuse runs that are too short for the cleaning that the model's training data had.

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
            *(["standardised"] if prepare.standardize_runs else ["centred"] if prepare.center_runs else []),
        ]
        raise InputError(
            f"The model's training data were {' and '.join(done)} run by run, so a run of the scan must have "
            f"at least {needed} volumes, found {shortest}. Give whole runs, and mend --runs."
        )


def covered(space: Space, series: Volume) -> NDArray[np.bool_]:
    """Find the voxels of a space that a scan has data for.

    Beyond the centres of a scan's outermost voxels interpolation gives 0, which is no measurement.

    Returns
    -------
    (features,) bool array
    """
    if box_of(space.grid, series.grid) is not None:
        return np.ones(space.n_features, dtype=bool)
    # Rounded as resampling does it, so that an edge is on the same side for both.
    transform = (np.linalg.inv(series.affine) @ space.grid.affine).round(10)
    at = apply_affine(transform, np.argwhere(space.mask))
    last = np.array(series.shape[:3]) - 1
    return np.asarray(((at >= -1e-8) & (at <= last + 1e-8)).all(axis=1))


def check_cover(space: Space, inside: NDArray[np.bool_], series: Volume) -> list[str]:
    """Refuse a scan that has too few of the model's voxels; tell how many it lacks.

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
            f"The scan must cover at least {LEAST_OVERLAP:.0%} of the model's voxels, but not one of its {n} "
            f"lies within it: the model's lie at {_range(_places(space))}, the scan at "
            f"{_range(series.grid.corners)}. It is in another space; register it to the training scans."
        )
    if inside.mean() < LEAST_OVERLAP:
        raise InputError(
            f"The scan must cover at least {LEAST_OVERLAP:.0%} of the model's voxels, found "
            f"{inside.mean():.0%}: {outside} of {n} lie outside. Register it to "
            "the space of the training scans first."
        )
    if not outside:
        return []
    return [
        f"{outside} of the model's {n} voxels lie outside the scan ({outside / n:.1%}); there they count "
        "as the training mean."
    ]


def _places(space: Space) -> NDArray[np.float64]:
    return apply_affine(space.grid.affine, np.argwhere(space.mask))


def _range(points: NDArray[np.float64]) -> str:
    """Say from where to where (n, 3) points in mm go."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (
        ", ".join(f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("xyz", low, high, strict=True)) + " mm"
    )
