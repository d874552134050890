"""Scores of a run: its decoder, the decoders it is compared with, baselines and the permutation test."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.baselines import BaselinesDone, baseline_by_run, baseline_events
from napari_fmri_decoder.evaluation.best_of import best_of
from napari_fmri_decoder.evaluation.compared import Compared, compare, spread_of
from napari_fmri_decoder.evaluation.nuisance import decode_nuisance
from napari_fmri_decoder.evaluation.nuisance_test import CODE, nuisance_finding
from napari_fmri_decoder.evaluation.permutations import PermutationsDone, permutation_test
from napari_fmri_decoder.evaluation.scores import Scores, score_folds
from napari_fmri_decoder.evaluation.sign_test import PairedTest, compare_with_baseline
from napari_fmri_decoder.pipeline.events import PipelineEvent, Stage
from napari_fmri_decoder.training.averaging import averaged_folds, voting_seeds
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult, Note, Progress, TrainingEvent
from napari_fmri_decoder.training.seeds import seeds_of

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.evaluation.best_of import BestOf
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.pipeline.events import Prepared
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.tasks import Tasks


Fitted: TypeAlias = "tuple[Decoder, ResolvedTraining, list[FoldResult]]"
"""A decoder, its training options, and its results on the folds of the run."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Results of all fits of a run except the final one on all samples.

    Attributes
    ----------
    folds : list of FoldResult
        Of the first seed, or of the networks of all seeds if they vote; sorted by fold.
    networks : list of FoldResult
        The same of each network alone.
    scores : Scores
    permutations : PermutationsDone or None
        None if no permutation test was requested.
    notes : tuple of str
        Notes of the fits.
    findings : tuple of Finding
        Findings of the audit that need scores.
    """

    folds: list[FoldResult]
    networks: list[FoldResult]
    scores: Scores
    permutations: PermutationsDone | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def score_run(prepared: Prepared, tasks: Tasks) -> Steps[PipelineEvent, Scored]:
    """Cross-validate the decoders of a run, and fit baselines and permutations.

    Parameters
    ----------
    prepared : Prepared
    tasks : Tasks

    Yields
    ------
    PipelineEvent
        `Stage` of each part, then its events.

    Returns
    -------
    Scored
    """
    recipe, samples, splits = prepared.recipe, prepared.samples, prepared.splits
    decoder = recipe.decoder
    config = recipe.training.resolved(decoder)
    notes: list[str] = []
    yield Stage("Training")
    folds, networks, scores = yield from _score_decoder(decoder, samples, splits, config, tasks, notes)
    fitted = [(decoder, config, folds)]
    compared = yield from _score_compared(prepared, tasks, notes, fitted)
    yield Stage("Baselines")
    baselines = yield from _score_baselines(prepared, config, tasks, fitted)
    by_run = yield from baseline_by_run(samples, splits, config)
    yield Stage("Decoding from nuisance variables")
    nuisance = decode_nuisance(
        samples,
        splits,
        table=prepared.table,
        confounds=prepared.nuisance,
        in_time=prepared.series.step is not None,
        detrend=bool(recipe.prepare.detrend),
        seed=config.seed,
    )
    found = nuisance_finding(nuisance, scores.chance, allowed=CODE in recipe.audit.allow)
    permutations, best = None, None
    if recipe.null.permutations:
        yield Stage("Permutations")
        permutations = yield from _permute(prepared, decoder, config, scores.score, tasks)
        if compared and recipe.null.compared:
            best = yield from _best_of(prepared, scores, compared, permutations, tasks)
    scores = replace(
        scores,
        lag=prepared.lag,
        compared=compared,
        baseline=baselines.scores,
        baseline_calibration=baselines.calibration,
        run_baselines=baselines.runs,
        versus_baseline=_versus_baseline(decoder, folds, baselines, samples),
        baseline_by_run=by_run,
        permutation=permutations.summary if permutations else None,
        best_of=best,
        nuisance=nuisance,
    )
    found_now = () if found is None else (found,)
    return Scored(folds, networks, scores, permutations, tuple(notes), found_now)


def _permute(
    prepared: Prepared, decoder: Decoder, config: ResolvedTraining, observed: float, tasks: Tasks
) -> Steps[PipelineEvent, PermutationsDone]:
    for event in permutation_test(
        decoder,
        prepared.samples,
        prepared.splits,
        config,
        permutations=prepared.recipe.null.permutations,
        observed=observed,
        tasks=tasks,
    ):
        if isinstance(event, PermutationsDone):
            return event
        yield event
    raise InputError("The permutation test ended without a result. Train again.")


def _best_of(
    prepared: Prepared,
    scores: Scores,
    compared: Sequence[Compared],
    permutations: PermutationsDone,
    tasks: Tasks,
) -> Steps[PipelineEvent, BestOf]:
    """Repeat the permutations with the compared decoders, under the same labels."""
    recipe = prepared.recipe
    observed, permuted = [scores.score], [permutations.scores]
    for other, result in zip(recipe.compare, compared, strict=True):
        yield Stage(f"Permutations of {other.decoder.name}")
        config = other.training.resolved(other.decoder).model_copy(update={"seed": recipe.training.seed})
        observed.append(float(getattr(result, scores.headline)))
        done = yield from _permute(prepared, other.decoder, config, observed[-1], tasks)
        permuted.append(done.scores)
    return best_of([recipe.decoder.name, *(o.decoder.name for o in recipe.compare)], observed, permuted)


def _score_compared(
    prepared: Prepared, tasks: Tasks, notes: list[str], fitted: list[Fitted]
) -> Steps[PipelineEvent, tuple[Compared, ...]]:
    compared = []
    for other in prepared.recipe.compare:
        yield Stage(f"Training {other.decoder.name} on the same folds")
        config = other.training.resolved(other.decoder)
        folds, _, scores = yield from _score_decoder(
            other.decoder, prepared.samples, prepared.splits, config, tasks, notes
        )
        fitted.append((other.decoder, config, folds))
        compared.append(compare(other.decoder, scores))
    return tuple(compared)


def _score_baselines(
    prepared: Prepared, config: ResolvedTraining, tasks: Tasks, fitted: Sequence[Fitted]
) -> Steps[PipelineEvent, BaselinesDone]:
    done = BaselinesDone({}, {}, {}, {})
    for event in baseline_events(
        prepared.samples,
        prepared.splits,
        config,
        tasks,
        models=prepared.recipe.baseline,
        fitted=fitted,
    ):
        if isinstance(event, BaselinesDone):
            done = event
        else:
            yield event
    return done


def _versus_baseline(
    decoder: Decoder, folds: list[FoldResult], baselines: BaselinesDone, samples: Samples
) -> PairedTest | None:
    """Compare with the linear baseline of the highest score, unless the decoder is that one."""
    names = [name for name in baselines.scores if name != "dummy"]
    if not names or decoder.name == "dummy":
        return None
    best = max(names, key=baselines.scores.__getitem__)
    if baselines.folds[best] is folds:
        return None
    return compare_with_baseline(decoder.name, folds, best, baselines.folds[best], samples)


def _score_decoder(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    tasks: Tasks,
    notes: list[str],
) -> Steps[TrainingEvent, tuple[list[FoldResult], list[FoldResult], Scores]]:
    """Score a decoder with each seed.

    Folds and scores are those of the first seed, or of the networks of all seeds if they vote. The folds of
    each network that they consist of come second.
    """
    seeds = seeds_of(config.seed, config.seeds)
    by_seed: list[list[FoldResult]] = []
    for i, seed in enumerate(seeds):
        events = cross_validate(
            decoder, samples, splits, config.model_copy(update={"seed": seed}), tasks=tasks
        )
        if i == 0:
            by_seed.append((yield from _collect_folds(events, notes)))
            continue
        repeated: list[FoldResult] = []
        with closing(events):
            for event in events:
                if isinstance(event, FoldDone):
                    repeated.append(event.result)
                yield Progress("seeds", i, len(seeds))
        by_seed.append(sorted(repeated, key=_fold_number))
    voting = by_seed[: len(voting_seeds(decoder, config))]
    folds = voting[0] if len(voting) == 1 else averaged_folds(voting, samples.y)
    scores = score_folds(folds, samples)
    if len(seeds) > 1:
        spread = spread_of(seeds, [score_folds(results, samples).score for results in by_seed])
        scores = replace(scores, seeds=spread)
    return folds, [result for results in voting for result in results], scores


def _fold_number(result: FoldResult) -> int:
    return result.fold


def _collect_folds(
    events: Generator[TrainingEvent, None, None], notes: list[str]
) -> Steps[TrainingEvent, list[FoldResult]]:
    results = []
    with closing(events):
        for event in events:
            if isinstance(event, FoldDone):
                results.append(event.result)
            if isinstance(event, Note):
                notes.append(event.message)
            yield event
    return sorted(results, key=_fold_number)
