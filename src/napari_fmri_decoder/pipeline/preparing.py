"""From a recipe to samples, folds and findings: everything before training."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.null import check_exchanges
from napari_fmri_decoder.pipeline.dataset import check_repetition_time, found_in_dataset
from napari_fmri_decoder.pipeline.events import AuditError, Prepared
from napari_fmri_decoder.pipeline.zmapping import told_steps
from napari_fmri_decoder.recipe import Recipe, read_images
from napari_fmri_decoder.samples.audit import audit, blocking
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.masks import make_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.scrubbing import read_cleaning
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.samples.steps import returned
from napari_fmri_decoder.samples.zmaps import find_runs, plan_zmaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.training.events import Progress
    from napari_fmri_decoder.volumes.volume import Volume

    Watch = Callable[[Volume], Volume]

RESPONSE_S = 10.0
"""Seconds within which two volumes share a haemodynamic response."""


def prepare_run(recipe: Recipe, base: Path, watch: Watch | None = None) -> Prepared:
    """Read, label, mask, cut, clean, split and audit; see `prepare_steps`, which this runs to its end."""
    return returned(prepare_steps(recipe, base, watch))


def prepare_steps(
    recipe: Recipe, base: Path, watch: Watch | None = None
) -> Generator[Progress, None, Prepared]:
    """Read, label, mask, cut, clean, split and audit: everything before training.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that its paths start from.
    watch : callable, optional
        Takes the images and gives them as they are to be read, so that the reading can be
        followed, and ended by an exception.

    Yields
    ------
    Progress
        While z-maps are made: places to stop.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        If anything does not fit.
    AuditError
        If the audit finds an error that the recipe does not allow.
    """
    recipe, found = found_in_dataset(recipe, base)
    series = open_series(recipe, base)
    series = series if watch is None else watch(series)
    cleaning = None
    if recipe.zmaps is None:
        table, notes = label_table(recipe.labels, series, base)
        cleaning = read_cleaning(recipe.prepare, series, base)
        notes = [*notes, *cleaning.notes]
    else:
        _check_of_maps(recipe)
        runs, notes = find_runs(recipe.labels, series, base)
        plan_zmaps(series, runs, recipe.zmaps, base)
    notes = [*found, *notes]
    mask = None
    if recipe.data.mask is not None:
        mask, mask_notes = make_mask(recipe.data.mask, series, base)
        notes = [*notes, *mask_notes]
    if recipe.zmaps is not None:
        made = yield from told_steps(series, runs, recipe.zmaps, mask, base)
        series, table, notes = made.maps, made.labels, [*notes, *made.notes]
    samples = prepare(
        series,
        table,
        recipe.prepare,
        mask=mask,
        slab=recipe.slab,
        exclude=recipe.labels.excluded(table["label"]),
        confounds=cleaning.confounds if cleaning else None,
        scrubbed=cleaning.scrubbed if cleaning else None,
    )
    splits = tuple(make_splits(recipe.split, samples.table))
    if recipe.null.permutations:
        check_exchanges(samples)
    findings = tuple(
        audit(
            samples,
            splits,
            allow=recipe.audit.allow,
            neighbours=_neighbours(series.step),
            mask=recipe.data.mask,
            recording=_recording(series),
        )
    )
    if stopping := blocking(findings, recipe.audit.allow):
        raise AuditError(stopping)
    stated = {
        "prepare": recipe.prepare.resolved(series),
        "training": recipe.training.resolved(recipe.decoder),
        "slab": recipe.slab.resolved(samples.space.grid) if recipe.slab else None,
    }
    resolved = recipe.model_copy(update=stated)
    return Prepared(resolved, series, table, samples, splits, findings, (*notes, *samples.notes))


def _check_of_maps(recipe: Recipe) -> None:
    """Refuse to clean z-maps as if they were volumes, which would be passed over without a word."""
    asked = [name for name in ("confounds", "scrub_mm") if getattr(recipe.prepare, name)]
    if asked:
        raise InputError(
            f"Confounds of z-maps must be in their model, but {' and '.join(asked)} of [prepare] are for "
            "volumes. "
            'Set confounds in [zmaps] instead; "outliers" there takes each marked volume out of the model.'
        )


def open_series(recipe: Recipe, base: Path) -> Volume:
    """Open the images of a recipe, with the seconds between volumes that it, or their header, states.

    Parameters
    ----------
    recipe : Recipe
        That names its images; see `found_in_dataset`.
    base : Path
        Folder that its paths start from.

    Raises
    ------
    InputError
        If an image cannot be read, or the TR of a header is not that of its JSON file.
    """
    series = read_images(recipe.data.images, base)
    if recipe.data.tr is not None:
        return replace(series, step=recipe.data.tr)
    check_repetition_time(series)
    return series


def _neighbours(step: float | None) -> int:
    """How many volumes share one haemodynamic response; none of a stack of maps."""
    return 0 if step is None else math.ceil(RESPONSE_S / step)


def _recording(series: Volume) -> NDArray[np.int64]:
    """Number of the file that each volume came from."""
    lengths = [part.n_volumes for part in series.parts]
    if sum(lengths) != series.n_volumes:
        lengths = [series.n_volumes]
    return np.repeat(np.arange(len(lengths)), lengths)
