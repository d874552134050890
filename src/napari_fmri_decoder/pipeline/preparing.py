"""From a recipe to samples, folds and audit findings: everything before training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import Steps, run_to_end
from napari_fmri_decoder.paths import expanded
from napari_fmri_decoder.pipeline.auditing import split_and_audit
from napari_fmri_decoder.pipeline.dataset import found_in_dataset
from napari_fmri_decoder.pipeline.events import AuditError, Prepared
from napari_fmri_decoder.pipeline.inputs import changed_inputs, found_again
from napari_fmri_decoder.pipeline.lags import Lagged, samples_at_lags
from napari_fmri_decoder.pipeline.pairing import pairing_of_runs, pairing_of_samples
from napari_fmri_decoder.pipeline.processing_note import treatment_of
from napari_fmri_decoder.pipeline.zmapping import zmap_progress
from napari_fmri_decoder.recipe import Recipe, read_images
from napari_fmri_decoder.samples.audit import blocking
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.mask_coverage import Coverage, coverage
from napari_fmri_decoder.samples.masks import make_mask, resample_mask
from napari_fmri_decoder.samples.nuisance import Nuisance, read_nuisance
from napari_fmri_decoder.samples.outside import KeepingVoxels, Outside
from napari_fmri_decoder.samples.prepare import clean_and_measure
from napari_fmri_decoder.samples.scrubbing import read_cleaning
from napari_fmri_decoder.samples.zmaps import find_runs, plan_zmaps
from napari_fmri_decoder.volumes.moments import (
    MeasuringVoxels,
    Moments,
    RunningMoments,
    moments,
    with_moments,
)

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.evaluation.lag_curve import LagCurve
    from napari_fmri_decoder.samples.pairing import PairingRow
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.scrubbing import Cleaning
    from napari_fmri_decoder.samples.zmaps import ZMapsConfig
    from napari_fmri_decoder.training.events import Progress
    from napari_fmri_decoder.volumes.volume import Volume

    Watch = Callable[[Volume], Volume]


@dataclass(frozen=True, slots=True, eq=False)
class _Labeled:
    """Volumes to decode (or z-maps made from them), with what is known about them before they are read.

    Attributes
    ----------
    series : Volume
    table : DataFrame
        One row per volume of the series.
    notes : tuple of str
    pairing : tuple of PairingRow
    mask : Volume or None
    moments : Moments or None
        Of the series, if making the mask needed them.
    cleaning : Cleaning or None
        None for z-maps, whose confounds are part of their model.
    nuisance : tuple of Nuisance
        See `Prepared`; none for z-maps.
    images : Volume or None
        For z-maps: the series that they were made from, with known moments, if there is a mask.
    """

    series: Volume
    table: pd.DataFrame
    notes: tuple[str, ...]
    pairing: tuple[PairingRow, ...]
    mask: Volume | None
    moments: Moments | None = None
    cleaning: Cleaning | None = None
    nuisance: tuple[Nuisance, ...] = ()
    images: Volume | None = None


def prepare_run(recipe: Recipe, base: Path, watch: Watch | None = None, *, refuse: bool = True) -> Prepared:
    """Run `prepare_steps` to its end."""
    return run_to_end(prepare_steps(recipe, base, watch, refuse=refuse))


def prepare_steps(
    recipe: Recipe, base: Path, watch: Watch | None = None, *, refuse: bool = True
) -> Steps[Progress, Prepared]:
    """Read, label, mask, clean, split and audit: everything before training.

    The series is read once; twice if the mask is computed from it, or if a slab is cropped in another way
    than its first volumes predict (see `read_voxels`).

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that its paths start from.
    watch : callable, optional
        Takes the images and returns them as they are to be read, so that reading can be followed, and
        ended by an exception.
    refuse : bool
        Whether errors of the audit that the recipe does not allow are raised. Otherwise they are only
        listed among the findings.

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
    recipe, moved = found_again(expanded(recipe), base)
    recipe, found = found_in_dataset(recipe, base)
    found = [*moved, *found, *changed_inputs(recipe, base)]
    opened = watch(open_series(recipe, base)) if watch else open_series(recipe, base)
    if recipe.zmaps is None:
        labeled = _label_volumes(recipe, opened, base)
    else:
        labeled = yield from _make_maps(recipe, recipe.zmaps, opened, base)
    made, lag, series_moments, outside = yield from _make_samples(recipe, labeled, base)
    samples = made.samples
    covered = _coverage(labeled, samples, series_moments, "slab" if recipe.slab else "images")
    splits, findings = split_and_audit(recipe, labeled.series, samples.of_last_lag, covered, outside)
    resolved = _resolved(recipe, labeled.series, samples)
    treatment = treatment_of(resolved, opened)
    prepared = Prepared(
        resolved,
        labeled.series,
        made.table,
        samples,
        made.splits or splits,
        findings,
        tuple(dict.fromkeys((treatment, *found, *opened.notes, *labeled.notes, *samples.notes))),
        treatment,
        labeled.pairing,
        series_moments,
        lag,
        labeled.nuisance,
    )
    if refuse and (errors := blocking(findings, recipe.audit.allow)):
        raise AuditError(errors, prepared)
    return prepared


def _make_samples(
    recipe: Recipe, labeled: _Labeled, base: Path
) -> Steps[Progress, tuple[Lagged, LagCurve | None, Moments | None, Outside | None]]:
    """Read and clean all volumes, and make samples at the given lag of the labels, or at the chosen ones."""
    kept, confounds = _kept(labeled), labeled.cleaning.confounds if labeled.cleaning else None
    cleaned, series_moments = clean_and_measure(
        labeled.series if kept is None else replace(labeled.series, data=kept),
        labeled.table,
        recipe.prepare,
        mask=labeled.mask,
        slab=recipe.slab,
        confounds=confounds,
        scrubbed=labeled.cleaning.scrubbed if labeled.cleaning else None,
        moments=labeled.moments,
        measure=bool(recipe.report.formats) or labeled.mask is not None,
    )
    lagged, lag = yield from samples_at_lags(recipe, labeled.series, labeled.table, cleaned, base)
    outside = kept.outside(cleaned, labeled.table, confounds) if kept else None
    return lagged, lag, series_moments, outside


def _kept(labeled: _Labeled) -> KeepingVoxels | None:
    """Keep some of the voxels outside the mask; None without a mask."""
    if labeled.mask is None:
        return None
    inside, _ = resample_mask(labeled.mask, labeled.series.grid)
    return None if inside.all() else KeepingVoxels(labeled.series, inside)


def _label_volumes(recipe: Recipe, series: Volume, base: Path) -> _Labeled:
    """Label the volumes of the series, find their confounds, and make the mask."""
    table, notes = label_table(recipe.labels, series, base)
    cleaning = read_cleaning(recipe.prepare, series, base)
    pairing = pairing_of_samples(recipe, series, table, base)
    mask, known, more = _recipe_mask(recipe, series, base)
    nuisance, missing = read_nuisance(recipe.prepare, series, base)
    notes = [*notes, *cleaning.notes, *more, *missing]
    return _Labeled(series, table, tuple(notes), pairing, mask, known, cleaning, tuple(nuisance))


def _make_maps(recipe: Recipe, config: ZMapsConfig, series: Volume, base: Path) -> Steps[Progress, _Labeled]:
    """Make the mask, and z-maps of the events in each run."""
    _check_of_maps(recipe)
    runs, notes = find_runs(recipe.labels, series, base)
    plans, _ = plan_zmaps(series, runs, config, base)
    pairing = pairing_of_runs(recipe, series, runs, plans, base)
    mask, known, more = _recipe_mask(recipe, series, base)
    running = RunningMoments()  # of the volumes that the maps are made from
    measuring = replace(series, data=MeasuringVoxels(series.data, running))
    made = yield from zmap_progress(series if known else measuring, runs, config, mask, base)
    images = None if mask is None else with_moments(series, known or running.result())
    return _Labeled(made.maps, made.labels, (*notes, *more, *made.notes), pairing, mask, images=images)


def _recipe_mask(
    recipe: Recipe, series: Volume, base: Path
) -> tuple[Volume | None, Moments | None, list[str]]:
    """Make the recipe's mask; also return the moments of the series if the mask needs them."""
    config = recipe.data.mask
    if config is None:
        return None, None, []
    known = moments(series) if config.drawn_from_series() else None
    mask, notes = make_mask(config, series if known is None else with_moments(series, known), base)
    return mask, known, notes


def _coverage(labeled: _Labeled, samples: Samples, measured: Moments | None, part: str) -> Coverage | None:
    """Compare the mask with the voxels that have signal; None without a mask."""
    if labeled.mask is None:
        return None
    images = labeled.images
    if images is None and measured is not None:
        images = with_moments(labeled.series, measured)
    return None if images is None else coverage(samples.space, images, part=part)


def _resolved(recipe: Recipe, series: Volume, samples: Samples) -> Recipe:
    """State in the recipe all options that depend on the data."""
    stated = {
        "prepare": recipe.prepare.resolved(series),
        "slab": recipe.slab.resolved(samples.space.grid) if recipe.slab else None,
    }
    return recipe.with_training_resolved().model_copy(update=stated)


def _check_of_maps(recipe: Recipe) -> None:
    """Refuse options of [prepare] that would be ignored for z-maps."""
    unused = [name for name in ("confounds", "scrub_mm") if getattr(recipe.prepare, name)]
    if unused:
        raise InputError(
            f"The confounds of z-maps belong to their model, but {' and '.join(unused)} in [prepare] apply "
            'to volumes. Set confounds in [zmaps] instead; "outliers" there excludes each marked volume from '
            "the model."
        )


def open_series(recipe: Recipe, base: Path) -> Volume:
    """Open the images of a recipe, with the TR from the recipe or from their headers.

    Parameters
    ----------
    recipe : Recipe
        With a list of images; see `found_in_dataset`.
    base : Path
        Folder that its paths start from.

    Raises
    ------
    InputError
        If an image cannot be read, or its TR is missing or differs from that in its JSON file.
    """
    data = recipe.data
    return read_images(data.images, base, kind=data.kind, tr=data.tr)
