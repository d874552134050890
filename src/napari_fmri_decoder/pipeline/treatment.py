"""In words: what a run took its images for, and what it did to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.volumes.settling import STATED

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.volumes.volume import Volume


def treatment_of(recipe: Recipe, series: Volume) -> str:
    """Say what was done to the data.

    Parameters
    ----------
    recipe : Recipe
        Resolved: with what `prepare` left to the images.
    series : Volume
        As it was read.

    Returns
    -------
    str
        Sentences for the report, the command and the window.
    """
    done, not_done = _steps(recipe)
    said = f"Data: {taken_for(series)}. Done: {'; '.join(done) or 'nothing'}."
    return said + (f" Not done: {', '.join(not_done)}." if not_done else "")


def taken_for(series: Volume) -> str:
    """Say what a series was taken for, and by what.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fmri_decoder.volumes.volume import Volume
    >>> taken_for(Volume(np.zeros((2, 2, 2, 5)), np.eye(4), "bold", 2.0, step_from="its header"))
    '5 volumes in time, one every 2 s (the TR by its header)'
    """
    if series.step is not None:
        said = "stated" if series.step_from == STATED else f"by {series.step_from or 'its header'}"
        return f"{series.n_volumes} volumes in time, one every {series.step:g} s (the TR {said})"
    by = series.kind_from
    why = " (as stated)" if by == STATED else f" (kind {series.kind} by {by})" if by else ""
    return f"{series.n_volumes} maps or images, not a series in time{why}"


def _steps(recipe: Recipe) -> tuple[list[str], list[str]]:
    """List what was done to the volumes, in its order, and what was not."""
    prepare, labels, done, not_done = recipe.prepare, recipe.labels, list[str](), list[str]()
    if recipe.zmaps is not None:
        maps = recipe.zmaps
        done.append(
            f"z-maps made by a general linear model ({maps.estimate}, HRF {maps.hrf}, {maps.drift} drift)"
        )
    if getattr(labels, "lag", 0):
        done.append(f"labels shifted by {labels.lag:g} s")
    elif recipe.zmaps is None:
        not_done.append("shift of the labels for the hemodynamic delay")
    if prepare.smooth_mm:
        done.append(f"smoothed by {prepare.smooth_mm:g} mm")
    else:
        not_done.append("smoothing")
    if recipe.slab is not None:
        done.append("a slab cut out")
    for on, name in (
        (prepare.detrend, "detrended in each run"),
        (bool(prepare.confounds), f"confounds regressed out in each run ({', '.join(prepare.confounds)})"),
    ):
        if on:
            done.append(name)
        else:
            not_done.append("detrending" if name.startswith("detrended") else "regression of confounds")
    if prepare.standardize_runs:
        done.append("standardized in each run")
    elif prepare.center_runs:
        done.append("centered in each run")
    else:
        not_done.append("standardizing in runs")
    if prepare.average_blocks:
        done.append("averaged over blocks")
    if prepare.average_runs:
        done.append("averaged over each class in each run")
    return done, not_done
