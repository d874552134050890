"""Sentences on the data: what was decoded, its labels, and what was done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.pipeline.methods.settings import counted, listed, settings
from napari_fmri_decoder.pipeline.methods.statement import Written, statement

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe


@statement("Data preprocessing")
def images(recipe: Recipe, scores: Scores) -> Written:
    """What was measured."""
    data = scores.data
    if data is None:
        return ""
    kind = f"{data.n_volumes} maps"
    if data.tr is not None:
        kind = f"a time series of {data.n_volumes} volumes (TR {data.tr:g} s)"
    return f"The data were {kind} of {counted(data.n_subjects, 'subject')} in {counted(data.n_runs, 'run')}."


@statement("Target values", "labels")
def labels(recipe: Recipe, scores: Scores) -> Written:
    """Where the labels come from."""
    stated = settings(recipe.labels, leave=("source", "exclude", "lag"))
    return f"Each volume got its label from {recipe.labels.source}{listed(stated, ' with ')}."


@statement("Target values", "labels.lag")
def lag(recipe: Recipe, scores: Scores) -> Written:
    """Shift of the labels."""
    seconds = getattr(recipe.labels, "lag", 0.0)
    if not seconds:
        return "Labels were not shifted by the hemodynamic delay."
    if seconds == "nested":
        return "The lag of the labels was chosen for each fold inside its training set."
    return f"Labels were shifted by {seconds:g} s for the hemodynamic delay."


@statement("Target values", "labels.exclude")
def classes(recipe: Recipe, scores: Scores) -> Written:
    """How many samples of each class there were."""
    counts = ", ".join(f"{row.name} {row.n}" for row in scores.per_class)
    excluded = recipe.labels.exclude
    without = f"; volumes labeled {', '.join(excluded)} were excluded" if excluded else ""
    return (
        f"{scores.n_samples} samples of {len(scores.classes)} classes were decoded (held out, by class: "
        f"{counts}){without}."
    )


@statement("Data preprocessing", "zmaps")
def zmaps(recipe: Recipe, scores: Scores) -> Written:
    """How z-maps were made."""
    if recipe.zmaps is None:
        return ""
    stated = settings(recipe.zmaps, defaults=True)
    return f"Z-maps of a general linear model were decoded ({', '.join(stated)}).", ("Abraham2014",)


@statement("Data preprocessing", "prepare.smooth_mm")
def smoothing(recipe: Recipe, scores: Scores) -> Written:
    """Spatial smoothing."""
    width = recipe.prepare.smooth_mm
    if not width:
        return "Images were not smoothed."
    return f"Images were smoothed with a Gaussian of {width:g} mm full width at half maximum."


@statement("Features extraction and dimension reduction", "data.mask")
def mask(recipe: Recipe, scores: Scores) -> Written:
    """Which voxels were used, and how many."""
    config, data = recipe.data.mask, scores.data
    how = "No mask was used"
    if config is not None:
        how = f"Voxels were selected by a mask ({listed([config.strategy, *settings(config)])})"
    if data is None:
        return f"{how}."
    size = " x ".join(f"{mm:.3g}" for mm in data.voxel_mm)
    return f"{how}: {data.n_voxels} voxels of {size} mm, {data.volume_mm3:.0f} mm³ in all."


@statement("Features extraction and dimension reduction", "slab")
def slab(recipe: Recipe, scores: Scores) -> Written:
    """Rotation and planes of the slab."""
    if recipe.slab is None:
        return ""
    stated = settings(recipe.slab, leave=("resolved_shape", "resolved_affine"))
    return f"The images were cut to a slab{listed(stated, ' (', ')')}."


@statement(
    "Data preprocessing",
    *(f"prepare.{name}" for name in ("confounds", "confounds_files")),
)
def confounds(recipe: Recipe, scores: Scores) -> Written:
    """Confounds that were regressed out."""
    columns = recipe.prepare.confounds
    if not columns:
        return "No confounds were regressed out."
    return f"Confounds were regressed out of each voxel within each run: {', '.join(columns)}.", (
        "Lindquist2019",
    )


@statement("Data preprocessing", "prepare.scrub_mm", "prepare.scrub_before", "prepare.scrub_after")
def scrubbing(recipe: Recipe, scores: Scores) -> Written:
    """Volumes with motion that were dropped."""
    prepare = recipe.prepare
    if not (prepare.scrub_mm or prepare.scrub_before or prepare.scrub_after):
        return ""
    limit = f" with a framewise displacement above {prepare.scrub_mm:g} mm" if prepare.scrub_mm else ""
    return (
        f"Volumes{limit or ' with motion'} were scrubbed, with {prepare.scrub_before} before and "
        f"{prepare.scrub_after} after each."
    ), ("Power2012",)


@statement("Data preprocessing", "prepare.detrend")
def detrending(recipe: Recipe, scores: Scores) -> Written:
    """Removal of trends."""
    if not recipe.prepare.detrend:
        return "No trend was removed."
    return "The linear trend of each voxel was removed within each run.", ("Abraham2014",)


@statement("Data preprocessing", "prepare.center_runs", "prepare.standardize_runs")
def standardizing(recipe: Recipe, scores: Scores) -> Written:
    """Scaling within runs."""
    if recipe.prepare.standardize_runs:
        return "Each voxel was standardized within each run (mean 0, standard deviation 1)."
    if recipe.prepare.center_runs:
        return "The mean of each voxel was subtracted within each run."
    return "Voxels were not standardized within runs."


@statement("Data preprocessing", "prepare.average_blocks", "prepare.average_runs")
def averaging(recipe: Recipe, scores: Scores) -> Written:
    """What a sample is."""
    match recipe.prepare.average_blocks, recipe.prepare.average_runs:
        case False, False:
            return "Each sample was a single image."
        case True, False:
            return "The volumes of each block were averaged into one sample."
        case False, True:
            return "The volumes of each class within each run were averaged into one sample."
        case _:
            return "The volumes of each block, and then the blocks of each class in each run, were averaged."


@statement("Data preprocessing")
def exclusions(recipe: Recipe, scores: Scores) -> Written:
    """What was excluded, as the notes of the run say."""
    excluded = [note for note in scores.notes if "excluded" in note or "scrubbed" in note]
    return " ".join(excluded)
