"""Training and test sets of a recipe, and the findings of the audit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.evaluation.permutations import check_permutable
from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.splits import make_splits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.mask_coverage import Coverage
    from napari_fmri_decoder.samples.outside import Outside
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.volumes.volume import Volume

RESPONSE_S = 10.0
"""Seconds within which two volumes share a hemodynamic response."""


def split_and_audit(
    recipe: Recipe, series: Volume, samples: Samples, covered: Coverage | None, outside: Outside | None
) -> tuple[tuple[Split, ...], tuple[Finding, ...]]:
    """Divide samples into training and test sets, and look for what can make a score misleading."""
    splits = tuple(make_splits(recipe.split, samples.table))
    if recipe.null.permutations:
        check_permutable(samples)
    findings = tuple(
        audit(
            samples,
            splits,
            allow=recipe.audit.allow,
            neighbors=neighbors_of(series.step),
            mask=recipe.data.mask,
            recording=_recording(series),
            balanced=recipe.training.balance != "none",
            coverage=covered,
            outside=outside,
        )
    )
    return splits, findings


def neighbors_of(step: float | None) -> int:
    """Number of volumes that share a hemodynamic response; 0 for a stack of maps."""
    return 0 if step is None else math.ceil(RESPONSE_S / step)


def _recording(series: Volume) -> NDArray[np.int64]:
    """For each volume, the number of the file it comes from."""
    lengths = [part.n_volumes for part in series.parts]
    if sum(lengths) != series.n_volumes:
        lengths = [series.n_volumes]
    return np.repeat(np.arange(len(lengths)), lengths)
