"""Recipe in, run folder out: the one path that dock, command line and notebook walk.

`run` is a generator of small events, so that it shows progress and stops between two batches.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.by_run import baseline_by_run
from napari_fmri_decoder.evaluation.exchanges import batches
from napari_fmri_decoder.evaluation.null import (
    BaselinesDone,
    PermutationsDone,
    baseline_events,
    permutation_test,
)
from napari_fmri_decoder.evaluation.scores import Scores, compare, score_folds, spread_of
from napari_fmri_decoder.pipeline.events import PipelineEvent, RunDone, RunResult, Stage
from napari_fmri_decoder.pipeline.folder import claim, hashes_of_inputs, write_recipe, write_results
from napari_fmri_decoder.pipeline.inputs import write_record
from napari_fmri_decoder.pipeline.preparing import prepare_steps
from napari_fmri_decoder.pipeline.resume import open_store
from napari_fmri_decoder.recipe import Recipe, rebased
from napari_fmri_decoder.training.cluster import LOG, SERIAL, check_cluster, open_pool, suits, unprotected
from napari_fmri_decoder.training.cross_validate import cross_validate, refit
from napari_fmri_decoder.training.events import (
    FitDone,
    FittedModel,
    FoldDone,
    FoldResult,
    Note,
    Progress,
    TrainingEvent,
)
from napari_fmri_decoder.training.seeds import seeds_of
from napari_fmri_decoder.training.tasks import Tasks
from napari_fmri_decoder.training.validation import epochs_of_refit

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.pipeline.preparing import Watch
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig

AUTO = "auto"
"""On workers of this machine where there are many permutations that no batch takes together."""


def run(
    recipe: Recipe,
    base: Path,
    out: Path,
    watch: Watch | None = None,
    *,
    cluster: str = SERIAL,
    resume: bool = False,
) -> Generator[PipelineEvent, None, None]:
    """Run a recipe.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that its paths start from.
    out : Path
        The run folder; made if missing, and must hold no other run.
    watch : callable, optional
        See `prepare_steps`.
    cluster : str
        Where folds and permutations are done: "serial" in this process, "local:N" by N processes of
        this machine, "tls://HOST:PORT" or "tcp://HOST:PORT" by the workers of a Dask scheduler, "auto"
        as suits. The scores are the same.
    resume : bool
        Whether `out` may hold a run of the same recipe that was stopped or killed: what is done in
        it is not done again.

    Yields
    ------
    PipelineEvent
        `Prepared`, then per fold the training events, `Progress` of the baselines and the
        permutations, the refit, and last `RunDone`. Closing the generator stops the work; the
        folder then holds the tasks that are done, for `resume`.
    """
    started = time.perf_counter()
    if cluster != AUTO:
        check_cluster(cluster)
    claim(out, resume=resume)
    yield Stage("Reading and preparing")
    prepared = yield from prepare_steps(recipe, base, watch)
    prepared = replace(prepared, recipe=rebased(prepared.recipe, base, out))
    yield prepared
    decoder, config = recipe.decoder, prepared.recipe.training
    samples, splits = prepared.samples, prepared.splits
    hashes = hashes_of_inputs(out, prepared.recipe)
    store = open_store(out, prepared.recipe, samples, splits)
    write_recipe(out, prepared.recipe)
    write_record(out, prepared.recipe, hashes)
    heard: list[str] = []
    with ExitStack() as workers:
        where = _cluster(cluster, recipe, samples, splits)
        if where != SERIAL:
            yield Stage(f"Starting workers: {where}")
            if note := unprotected(where):
                heard.append(note)
                yield Note(note)
            store.write_samples(samples, splits, private=where.startswith("local:"))
            workers.callback(store.drop_samples)
        tasks = Tasks(store, workers.enter_context(open_pool(where, out / LOG)))

        yield Stage("Training")
        folds, scores = yield from _scored(decoder, samples, splits, config, tasks, heard)

        compared = []
        for other in recipe.compare:
            yield Stage(f"Training {other.decoder.name} on the same folds")
            settings = other.training.resolved(other.decoder)
            _, beside = yield from _scored(other.decoder, samples, splits, settings, tasks, heard)
            compared.append(compare(other.decoder, beside))
        scores = replace(scores, compared=tuple(compared))

        yield Stage("Baselines")
        for event in baseline_events(samples, splits, config, tasks):
            if isinstance(event, BaselinesDone):
                scores = replace(scores, baseline=event.scores)
            else:
                yield event
        by_run = yield from baseline_by_run(samples, splits, config)
        scores = replace(scores, baseline_by_run=by_run)
        null: PermutationsDone | None = None
        if n := recipe.null.permutations:
            yield Stage("Permutations")
            test = permutation_test(
                decoder, samples, splits, config, permutations=n, observed=scores.score, tasks=tasks
            )
            for step in test:
                if isinstance(step, PermutationsDone):
                    null = step
                else:
                    yield step
    yield Stage("Fitting all samples")
    epochs = epochs_of_refit(folds, config)
    if epochs is not None:
        heard.append(
            f"The model on all samples was fitted for {epochs} epochs, the median of those that the folds "
            "keep by their validation parts; it has none itself."
        )
        yield Note(heard[-1])
    model = yield from _refitted(
        refit(decoder, samples, config, n_folds=len(splits), epochs=epochs, tasks=tasks)
    )

    yield Stage("Writing the run folder")
    prepared = replace(prepared, notes=tuple(dict.fromkeys((*prepared.notes, *heard))))
    scores = replace(
        scores,
        permutation=null.summary if null else None,
        audit=prepared.findings,
        notes=prepared.notes,
        seconds=time.perf_counter() - started,
    )
    write_results(
        out,
        recipe=prepared.recipe,
        samples=samples,
        splits=splits,
        folds=folds,
        scores=scores,
        model=model,
        notes=prepared.notes,
        pairing=prepared.pairing,
        permutations=null,
        series=prepared.series,
        hashes=hashes,
        step=prepared.series.step or 0.0,
    )
    yield RunDone(RunResult(out, prepared, tuple(folds), scores, model, null))


def _cluster(cluster: str, recipe: Recipe, samples: Samples, splits: Sequence[Split]) -> str:
    if cluster != AUTO:
        return cluster
    batched = batches(recipe.decoder, samples, splits, recipe.training)
    return suits(recipe.decoder, recipe.training, recipe.null.permutations, batched=batched)


def _scored(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    tasks: Tasks,
    heard: list[str],
) -> Generator[TrainingEvent, None, tuple[list[FoldResult], Scores]]:
    """Score a decoder by the recipe's seed, and by those after it where it asks for several."""
    seeds = seeds_of(config.seed, config.seeds)
    by_seed: list[float] = []
    folds: list[FoldResult] = []
    scores: Scores | None = None
    for i, seed in enumerate(seeds):
        events = cross_validate(
            decoder, samples, splits, config.model_copy(update={"seed": seed}), tasks=tasks
        )
        if i == 0:
            folds = yield from _folds(events, heard)
            scores = score_folds(folds, samples)
            by_seed.append(scores.score)
            continue
        again: list[FoldResult] = []
        with closing(events):
            for event in events:
                if isinstance(event, FoldDone):
                    again.append(event.result)
                yield Progress("seeds", i, len(seeds))
        by_seed.append(score_folds(sorted(again, key=_fold), samples).score)
    if scores is None:
        raise InputError("At least one seed is needed. Set training.seeds to 1 or more.")
    if len(seeds) > 1:
        scores = replace(scores, seeds=spread_of(seeds, by_seed))
    return folds, scores


def _fold(result: FoldResult) -> int:
    return result.fold


def _folds(
    events: Generator[TrainingEvent, None, None], heard: list[str]
) -> Generator[TrainingEvent, None, list[FoldResult]]:
    results = []
    with closing(events):
        for event in events:
            if isinstance(event, FoldDone):
                results.append(event.result)
            if isinstance(event, Note):
                heard.append(event.message)
            yield event
    return sorted(results, key=_fold)


def _refitted(
    events: Generator[TrainingEvent, None, None],
) -> Generator[TrainingEvent, None, FittedModel]:
    model: FittedModel | None = None
    with closing(events):
        for event in events:
            if isinstance(event, FitDone):
                model = event.model
            yield event
    if model is None:
        raise InputError("A fit must end with a model, but it ended without one. Train again.")
    return model


def finish(events: Iterator[PipelineEvent]) -> RunResult:
    """Run to the end, for a notebook: ``finish(run(recipe, base, out)).scores``."""
    result: RunResult | None = None
    for event in events:
        if isinstance(event, RunDone):
            result = event.result
    if result is None:
        raise InputError("The run was stopped before its end. Go on with it: run(..., resume=True).")
    return result
