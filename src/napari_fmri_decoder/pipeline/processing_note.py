"""Text about how a run interpreted and processed its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.volumes.kind_and_tr import STATED

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.volumes.volume import Volume


def treatment_of(recipe: Recipe, series: Volume) -> str:
    """Describe how the data were processed.

    Parameters
    ----------
    recipe : Recipe
        Resolved, with the defaults that depend on the images.
    series : Volume
        The series that was read.

    Returns
    -------
    str
        Sentences for the report, the command and the window.
    """
    done, not_done = _steps(recipe)
    text = f"Data: {taken_for(series)}. Done: {'; '.join(done) or 'nothing'}."
    return text + (f" Not done: {', '.join(not_done)}." if not_done else "")


def taken_for(series: Volume) -> str:
    """Describe how a series was interpreted, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fmri_decoder.volumes.volume import Volume
    >>> taken_for(Volume(np.zeros((2, 2, 2, 5)), np.eye(4), "bold", 2.0, step_from="its header"))
    'a time series of 5 volumes, one every 2 s (TR from its header)'
    """
    if series.step is not None:
        source = (
            "as set by the user" if series.step_from == STATED else f"from {series.step_from or 'its header'}"
        )
        return f"a time series of {series.n_volumes} volumes, one every {series.step:g} s (TR {source})"
    by = series.kind_from
    why = " (as set by the user)" if by == STATED else f" (kind {series.kind} from {by})" if by else ""
    return f"{series.n_volumes} maps or images, not a time series{why}"


def _steps(recipe: Recipe) -> tuple[list[str], list[str]]:
    """List the processing steps in order, and the steps that were not done."""
    prepare, labels, done, not_done = recipe.prepare, recipe.labels, list[str](), list[str]()
    if recipe.zmaps is not None:
        maps = recipe.zmaps
        done.append(f"z-maps by a general linear model ({maps.estimate}, HRF {maps.hrf}, {maps.drift} drift)")
    if getattr(labels, "lag", 0):
        nested = "a lag that each training set chose"
        done.append(f"labels shifted by {nested if labels.lag == 'nested' else f'{labels.lag:g} s'}")
    elif recipe.zmaps is None:
        not_done.append("shift of the labels by the hemodynamic delay")
    if prepare.smooth_mm:
        done.append(f"smoothed by {prepare.smooth_mm:g} mm")
    else:
        not_done.append("smoothing")
    if recipe.slab is not None:
        done.append("a slab was cut")
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
