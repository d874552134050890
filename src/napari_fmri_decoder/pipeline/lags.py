"""Samples at several lags of the labels: the accuracy by lag, and a lag chosen inside each training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.lag_curve import DECODER, LagCurve
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.splits import Split, inner_folds, make_splits
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult, Progress

if TYPE_CHECKING:
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.prepare import Cleaned
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.volumes.volume import Volume

LONGEST_S = 12.0
"""Longest lag that is tried, in seconds."""
FINEST_S = 1.0
"""Smallest step between lags, in seconds; otherwise the repetition time."""
SCHEMES = ("leave-one-run-out", "leave-one-session-out", "leave-one-subject-out", "explicit")
"""Schemes whose folds hold out the same runs at every lag."""


@dataclass(frozen=True, slots=True, eq=False)
class Lagged:
    """Samples at the lag of each fold.

    Attributes
    ----------
    samples : Samples
        If folds chose different lags, those of each lag, told apart by the column `label_lag`; those of the
        lag that most folds chose are last.
    splits : tuple of Split
        Rows of `samples`; each fold trains and tests at its own lag. Empty if the lag is given: the folds
        are those of the recipe.
    table : DataFrame
        Labels of the volumes at the lag that most folds chose.
    """

    samples: Samples
    splits: tuple[Split, ...]
    table: pd.DataFrame


def lags_of(step: float) -> tuple[float, ...]:
    """Lags from 0 to 12 s that are tried: multiples of the repetition time, at least 1 s apart.

    Examples
    --------
    >>> lags_of(2.5), lags_of(0.8)[:3]
    ((0.0, 2.5, 5.0, 7.5, 10.0), (0.0, 1.6, 3.2))
    """
    apart = step * np.ceil(round(FINEST_S / step, 6))
    return tuple(round(float(lag), 6) for lag in np.arange(0, LONGEST_S + 1e-6, apart))


def samples_at_lags(
    recipe: Recipe, series: Volume, table: pd.DataFrame, cleaned: Cleaned, base: Path
) -> Steps[Progress, tuple[Lagged, LagCurve | None]]:
    """Make samples at the given lag of the labels, or at the lag that each fold chooses.

    Parameters
    ----------
    recipe : Recipe
        With ``lag = "nested"``, each fold chooses its lag inside its training set.
    series : Volume
    table : DataFrame
        Labels of its volumes at the given lag.
    cleaned : Cleaned
        Its volumes.
    base : Path
        Folder of the recipe.

    Yields
    ------
    Progress
        After each fold.

    Returns
    -------
    lagged : Lagged
    curve : LagCurve or None
        None if the lag is given, and no curve is requested.

    Raises
    ------
    InputError
        If the images are not a time series, the scheme does not fit, or no lag gives samples.
    """
    nested = recipe.labels.lag == "nested"
    if not nested and not recipe.report.lag_curve:
        return _given(recipe, table, cleaned), None
    _check(recipe, series)
    lags, tables = lags_of(series.step or 1.0), {}
    scores: dict[float, float] = {}
    inner: dict[str, dict[float, float]] = {}
    problem: InputError | None = None
    for i, lag in enumerate(lags):
        try:
            tables[lag], samples, splits = _at(recipe, series, cleaned, base, lag)
        except InputError as error:  # such as labels that a long lag moves beyond the end of the runs
            problem = error
            continue
        results = yield from _fit(samples, splits, recipe, (i, len(lags)))
        scores[lag] = score_folds(results, samples).score
        for split in splits if nested else ():
            folds = [
                Split(split.name, split.train[train], split.train[test])
                for train, test in inner_folds(samples.groups[split.train])
            ]
            results = yield from _fit(samples, folds, recipe, (i, len(lags)))
            inner.setdefault(split.name, {})[lag] = score_folds(results, samples).balanced_accuracy
    if not scores:
        raise problem or InputError("At least one lag must give samples. Check the labels.")
    curve = LagCurve(tuple(scores), tuple(scores.values()))
    if not nested:
        return _given(recipe, table, cleaned), curve
    chosen = {name: max(found, key=found.__getitem__) for name, found in inner.items()}
    curve = replace(curve, chosen=chosen)
    used = [*sorted(set(chosen.values()) - {curve.most_chosen}), curve.most_chosen]
    parts = {lag: _at(recipe, series, cleaned, base, lag)[1:] for lag in used}
    samples, splits = _joined(parts, chosen)
    return Lagged(samples, splits, tables[curve.most_chosen]), curve


def _given(recipe: Recipe, table: pd.DataFrame, cleaned: Cleaned) -> Lagged:
    return Lagged(cleaned.samples(table, recipe.labels.excluded(table["label"])), (), table)


def _check(recipe: Recipe, series: Volume) -> None:
    if recipe.zmaps is not None or series.step is None:
        raise InputError(
            "The lag of labels can only be chosen, or its curve drawn, for the volumes of a time series, but "
            "these are maps. Set a lag in seconds, and report.lag_curve = false."
        )
    if recipe.split.scheme not in SCHEMES and recipe.labels.lag == "nested":
        raise InputError(
            f"A nested lag needs folds that hold out the same runs at every lag ({', '.join(SCHEMES)}), but "
            f"the scheme is {recipe.split.scheme}. Change the scheme, or set a lag in seconds."
        )


def _at(
    recipe: Recipe, series: Volume, cleaned: Cleaned, base: Path, lag: float
) -> tuple[pd.DataFrame, Samples, tuple[Split, ...]]:
    """Label table, samples and splits at a lag."""
    labels = recipe.labels.model_copy(update={"lag": lag})
    table, _ = label_table(labels, series, base)
    samples = cleaned.samples(table, labels.excluded(table["label"]))
    return table, samples, tuple(make_splits(recipe.split, samples.table))


def _fit(
    samples: Samples, splits: Sequence[Split], recipe: Recipe, counted: tuple[int, int]
) -> Steps[Progress, list[FoldResult]]:
    """Cross-validate `DECODER`, with the screening and whitening of the recipe."""
    decoder = get_decoder({"name": DECODER})
    config = recipe.training.resolved(decoder).model_copy(update={"select": {}})
    results = []
    for event in cross_validate(decoder, samples, splits, config):
        if isinstance(event, FoldDone):
            results.append(event.result)
            yield Progress("lags", *counted)
    return results


def _joined(
    parts: Mapping[float, tuple[Samples, tuple[Split, ...]]], chosen: Mapping[str, float]
) -> tuple[Samples, tuple[Split, ...]]:
    """Join the samples of several lags, and take each fold from its own."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    classes = tuple(sorted({name for samples, _ in parts.values() for name in samples.classes}))
    tables, splits, averaged = [], dict[str, Split](), []
    rows, blocks = 0, 0
    for lag, (samples, folds) in parts.items():
        block = samples.table["block"] + blocks
        tables.append(samples.table.assign(block=block, label_lag=f"{lag:g}"))
        splits |= {
            fold.name: replace(fold, train=fold.train + rows, test=fold.test + rows)
            for fold in folds
            if chosen.get(fold.name) == lag
        }
        if samples.averaged is not None:
            averaged.append(samples.averaged + np.array([rows, 0]))
        rows, blocks = rows + len(samples.X), blocks + int(samples.table["block"].max()) + 1
    joined = replace(
        samples,  # the last
        X=np.concatenate([samples.X for samples, _ in parts.values()]),
        table=pd.concat(tables, ignore_index=True),
        classes=classes,
        averaged=np.concatenate(averaged) if averaged else None,
    )
    return joined, tuple(splits[name] for name in chosen)
