"""Stability: maps of models of different folds and seeds must agree."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.explain.proof.fitting import fitted_on
from napari_fmri_decoder.explain.proof.maps import Case, above_diagonal, pairwise
from napari_fmri_decoder.explain.proof.result import Check
from napari_fmri_decoder.explain.proof.thresholds import BOOTSTRAPS, FEWEST_UNITS, LOWER_PERCENTILE
from napari_fmri_decoder.training.events import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stability(case: Case) -> Generator[Progress, None, Check]:
    """Compute the mean rank correlation of the maps of all folds, and of the first fold from other seeds."""
    refits = case.config.refits if isinstance(case.decoder, NetworkDecoder) else 0
    first, n = case.folds[0], len(case.folds) + refits
    maps: list[NDArray[np.float64]] = []
    for fold in case.folds:
        yield Progress("stability", len(maps), n)
        maps.append(case.map_of(fold.model, case.explained_rows(fold)))
    for i in range(refits):
        yield Progress("stability", len(maps), n)
        model = yield from fitted_on(case, case.samples, first.split, case.seed(2, i))
        maps.append(case.map_of(model, case.explained_rows(first)))
    if n < FEWEST_UNITS:
        return Check("stability", None, None, "> 0", f"needs at least {FEWEST_UNITS} models, found {n}")
    alike = pairwise(maps)
    bound = lower_bound(lambda rows: _mean_of_different(alike, rows), n, case.config.seed)
    detail = (
        f"lower bound of the mean rank correlation of the maps of {len(case.folds)} folds and {refits} other "
        f"seeds; the mean is {above_diagonal(alike).mean():.3g}"
    )
    return Check("stability", bound > 0, bound, "> 0", detail)


def lower_bound(statistic: Callable[[NDArray[np.intp]], float], n: int, seed: int) -> float:
    """Lower bound of the 95% percentile bootstrap interval of a statistic of n units.

    Parameters
    ----------
    statistic : callable
        Takes the numbers of the drawn units; NaN draws are left out.
    n : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.integers(0, n, n)) for _ in range(BOOTSTRAPS)]
    return float(np.nanpercentile(drawn, LOWER_PERCENTILE))


def _mean_of_different(alike: NDArray[np.float64], rows: NDArray[np.intp]) -> float:
    """Mean over pairs of drawn maps that are not the same map; NaN if all are."""
    pairs = alike[np.ix_(rows, rows)][rows[:, None] != rows[None]]
    return float(pairs.mean()) if pairs.size else float("nan")
