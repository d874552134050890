"""The baselines on the same folds, and the linear baseline with whole runs held out.

Both are generators of small events, so that they show progress and can stop between two steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.evaluation.predictions import predictions_table, run_accuracy
from napari_fmri_decoder.evaluation.scores import headline_of, score_folds
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.evaluation.calibration import Calibration
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FoldResult, Note
    from napari_fmri_decoder.training.tasks.tasks import Tasks

BASELINES: dict[str, Mapping[str, str]] = {
    "dummy": {"name": "dummy"},
    "lda": {"name": "lda"},
    "linear": {"name": "linear", "loss": "logistic", "C": "nested"},
}
"""Decoders that every network is compared with; C is chosen within each training set, by whole runs."""


@dataclass(frozen=True, slots=True, eq=False)
class BaselinesDone:
    """Results of the baselines, by their names.

    Attributes
    ----------
    scores : dict of str to float
        The headline score of "dummy" and of each model.
    runs : dict of str to dict of str to float
        The same in each run (`run_accuracy`).
    folds : dict of str to list of FoldResult
    calibration : dict of str to Calibration
        Of each linear model.
    """

    scores: dict[str, float]
    runs: dict[str, dict[str, float]]
    folds: dict[str, list[FoldResult]]
    calibration: dict[str, Calibration]


def baselines(
    samples: Samples, splits: Sequence[Split], config: ResolvedTraining, models: BaselineConfig | None = None
) -> dict[str, float]:
    """Score the baselines on the same folds: runs `baseline_events` to its end."""
    scores: dict[str, float] = {}
    for event in baseline_events(samples, splits, config, models=models):
        if isinstance(event, BaselinesDone):
            scores = event.scores
    return scores


def baseline_events(
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    tasks: Tasks | None = None,
    *,
    models: BaselineConfig | None = None,
    fitted: Sequence[tuple[Decoder, ResolvedTraining, list[FoldResult]]] = (),
) -> Iterator[Progress | Note | BaselinesDone]:
    """Score a guess that uses no voxel, and linear models, on the same folds.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    config : ResolvedTraining
        Of the decoder that they are compared with: seed, threads, screening and class balance are taken
        from it. Options in `select` and whitening apply to that decoder alone, and a baseline has no epochs.
    tasks : Tasks, optional
        Stores finished folds, and has the workers that share the rest.
    models : BaselineConfig, optional
        Which linear models; all if None.
    fitted : sequence of (Decoder, ResolvedTraining, list of FoldResult)
        Decoders that were already fitted on these folds: one that is a baseline is not fitted again.

    Yields
    ------
    Progress, Note
        Progress counts folds.
    BaselinesDone
        Last. Its scores are headline scores: the balanced accuracy if classes differ in size.

    Notes
    -----
    The penalty of the regression is chosen in each fold within the training set, by whole runs, so that
    the test set cannot influence it (Varoquaux et al. 2017, doi:10.1016/j.neuroimage.2016.10.038).
    """
    measure, config = headline_of(samples), _for_baselines(config)
    names = ("dummy", *dict.fromkeys((models or BaselineConfig()).models))
    done = BaselinesDone({}, {}, {}, {})
    for i, name in enumerate(names):
        decoder = get_decoder(BASELINES[name])
        first, total = i * len(splits), len(names) * len(splits)
        results = _known(decoder, config, fitted)
        if results is None:
            results = yield from _fold_results(decoder, samples, splits, config, (first, total), tasks)
        done.folds[name] = results
        scores = score_folds(results, samples)
        done.scores[name] = scores.by_name(measure)
        if name != "dummy" and scores.calibration is not None:
            done.calibration[name] = scores.calibration
        by_run = run_accuracy(predictions_table(results, samples), measure)
        done.runs[name] = {str(run): float(score) for run, score in by_run.items()}
    yield Progress("baselines", total, total)
    yield done


def divides_runs(samples: Samples, splits: Sequence[Split]) -> bool:
    """Whether any split has samples of one run in both its training and its test set."""
    groups = samples.groups
    return any(np.isin(groups[split.test], groups[split.train]).any() for split in splits)


def baseline_by_run(
    samples: Samples, splits: Sequence[Split], config: ResolvedTraining
) -> Steps[Progress, float | None]:
    """Score the linear baseline with each run held out in turn, if the splits divide runs.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
        Of the analysis that it is compared with.
    config : ResolvedTraining
        Seed and threads are taken from it.

    Yields
    ------
    Progress

    Returns
    -------
    float or None
        The headline score. None if no run is divided, or if runs cannot be held out (there is only one,
        or a class occurs in only one).
    """
    if not divides_runs(samples, splits):
        return None
    try:
        by_run = make_splits(SplitConfig(), samples.table)
    except InputError:
        return None
    results = []
    for event in cross_validate(get_decoder(BASELINES["linear"]), samples, by_run, _for_baselines(config)):
        if isinstance(event, FoldDone):
            results.append(event.result)
        yield Progress("linear baseline with runs held out", len(results), len(by_run))
    return score_folds(results, samples).by_name(headline_of(samples))


def _for_baselines(config: ResolvedTraining) -> ResolvedTraining:
    """Drop `select`, which names options of the main decoder, and whitening, which lda does itself."""
    return config.model_copy(update={"select": {}, "whiten": False})


def _known(
    decoder: Decoder,
    config: ResolvedTraining,
    fitted: Sequence[tuple[Decoder, ResolvedTraining, list[FoldResult]]],
) -> list[FoldResult] | None:
    """Results of the same decoder, fitted with the same options that it reads."""
    unread = set(decoder.unread_training)
    for other, of_other, results in fitted:
        if other == decoder and of_other.model_dump(exclude=unread) == config.model_dump(exclude=unread):
            return results
    return None


def _fold_results(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    counted: tuple[int, int],
    tasks: Tasks | None,
) -> Steps[Progress, list[FoldResult]]:
    """Cross-validate; yields progress at every event, so that the work can stop there."""
    results = []
    before, total = counted
    for event in cross_validate(decoder, samples, splits, config, tasks=tasks):
        if isinstance(event, FoldDone):
            results.append(event.result)
        yield Progress("baselines", before + len(results), total)
    return sorted(results, key=lambda result: result.fold)
