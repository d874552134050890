"""Recipe in, run folder out: the one path for dock, command line and notebook.

`run` is a generator of small events, so that progress can be shown and a run stops between two batches.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.data_summary import summarize_data
from napari_fmri_decoder.evaluation.permutation_scores import is_batched
from napari_fmri_decoder.pipeline.background import background
from napari_fmri_decoder.pipeline.events import PipelineEvent, RunDone, RunResult, Stage
from napari_fmri_decoder.pipeline.folder import (
    claim_run_folder,
    hashes_of_inputs,
    write_recipe,
    write_results,
)
from napari_fmri_decoder.pipeline.inputs import write_record
from napari_fmri_decoder.pipeline.preparing import prepare_steps
from napari_fmri_decoder.pipeline.resume import open_store
from napari_fmri_decoder.pipeline.scoring import score_run
from napari_fmri_decoder.recipe import Recipe, rebased
from napari_fmri_decoder.training.averaging import vote, voting_seeds
from napari_fmri_decoder.training.events import FitDone, FittedModel, Note, TrainingEvent
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.training.tasks.tasks import Tasks
from napari_fmri_decoder.training.tasks.workers import (
    LOG,
    SERIAL,
    check_cluster,
    open_pool,
    suits,
    unprotected,
)
from napari_fmri_decoder.training.validation import epochs_of_refit

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.pipeline.events import Prepared
    from napari_fmri_decoder.pipeline.preparing import Watch
    from napari_fmri_decoder.pipeline.scoring import Scored
    from napari_fmri_decoder.training.tasks.store import TaskStore

AUTO = "auto"
"""Workers on this computer if there are many permutations that cannot be computed as one batch."""


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
        Folder that the recipe's paths are relative to.
    out : Path
        The run folder. Created if missing; must not contain another run.
    watch : callable, optional
        See `prepare_steps`.
    cluster : str
        Where folds and permutations are computed: "serial" in this process, "local:N" in N processes on
        this computer, "tls://HOST:PORT" or "tcp://HOST:PORT" on the workers of a Dask scheduler, "auto"
        to choose. The scores are the same.
    resume : bool
        Whether `out` may contain a run of the same recipe that was stopped or killed; its completed tasks
        are not repeated.

    Yields
    ------
    PipelineEvent
        `Prepared`, then per fold the training events, `Progress` of the baselines and the
        permutations, the final fit, and last `RunDone`. Closing the generator stops the run; the
        folder then contains the completed tasks, for `resume`.
    """
    started = time.perf_counter()
    if cluster != AUTO:
        check_cluster(cluster)
    claim_run_folder(out, resume=resume)
    yield Stage("Reading and preparing")
    prepared = yield from prepare_steps(recipe, base, watch)
    prepared = replace(prepared, recipe=rebased(prepared.recipe, base, out))
    yield prepared
    hashes = hashes_of_inputs(out, prepared.recipe)
    store = open_store(out, prepared.recipe, prepared.samples, prepared.splits)
    write_recipe(out, prepared.recipe)
    write_record(out, prepared.recipe, hashes)
    notes: list[str] = []
    with ExitStack() as workers:
        tasks = yield from _open_tasks(cluster, prepared, store, out, workers, notes)
        scored = yield from score_run(prepared, tasks)
        notes += scored.notes
    yield Stage("Fitting all samples")
    model = yield from _fit_all_samples(prepared, scored, tasks, notes)

    yield Stage("Writing the run folder")
    findings = (*prepared.findings, *scored.findings)
    prepared = replace(prepared, notes=tuple(dict.fromkeys((*prepared.notes, *notes))), findings=findings)
    scores = _finished(scored, prepared, started)
    write_results(
        out,
        recipe=prepared.recipe,
        samples=prepared.samples,
        splits=prepared.splits,
        folds=scored.folds,
        scores=scores,
        model=model,
        notes=prepared.notes,
        pairing=prepared.pairing,
        permutations=scored.permutations,
        moments=prepared.moments,
        below=background(prepared, out),
        hashes=hashes,
        step=prepared.series.step or 0.0,
        treatment=prepared.treatment,
        table=prepared.table,
    )
    yield RunDone(RunResult(out, prepared, tuple(scored.folds), scores, model, scored.permutations))


def _finished(scored: Scored, prepared: Prepared, started: float) -> Scores:
    """Scores with what else `scores.json` holds."""
    return replace(
        scored.scores,
        audit=prepared.findings,
        notes=prepared.notes,
        data=summarize_data(prepared.samples, prepared.series, date.today().isoformat()),
        seconds=time.perf_counter() - started,
    )


def _open_tasks(
    cluster: str, prepared: Prepared, store: TaskStore, out: Path, workers: ExitStack, notes: list[str]
) -> Steps[PipelineEvent, Tasks]:
    """Start the workers, if there are any; they end with `workers`."""
    cluster = _choose_cluster(cluster, prepared)
    if cluster != SERIAL:
        yield Stage(f"Starting workers: {cluster}")
        if note := unprotected(cluster):
            notes.append(note)
            yield Note(note)
        store.write_samples(prepared.samples, prepared.splits, private=cluster.startswith("local:"))
        workers.callback(store.drop_samples)
    return Tasks(store, workers.enter_context(open_pool(cluster, out / LOG)))


def _choose_cluster(cluster: str, prepared: Prepared) -> str:
    if cluster != AUTO:
        return cluster
    recipe = prepared.recipe
    config = recipe.training.resolved(recipe.decoder)
    batched = is_batched(recipe.decoder, prepared.samples, prepared.splits, config)
    return suits(recipe.decoder, config, recipe.null.permutations, batched=batched)


def _fit_all_samples(
    prepared: Prepared, scored: Scored, tasks: Tasks, notes: list[str]
) -> Steps[TrainingEvent, FittedModel]:
    """Fit the final model on all samples, for as many epochs as the folds needed."""
    recipe = prepared.recipe
    config = recipe.training.resolved(recipe.decoder)
    epochs = epochs_of_refit(scored.networks, config)
    if epochs is not None:
        notes.append(
            f"The model on all samples was fitted for {epochs} epochs: the median of the epochs that the "
            "folds chose by their validation samples. It has no validation samples itself."
        )
        yield Note(notes[-1])
    models = []
    for seed in voting_seeds(recipe.decoder, config):
        events = refit(
            recipe.decoder,
            prepared.samples.of_last_lag,
            config.model_copy(update={"seed": seed}),
            n_folds=len(prepared.splits),
            epochs=epochs,
            tasks=tasks,
        )
        with closing(events):
            for event in events:
                if isinstance(event, FitDone):
                    models.append(event.model)
                yield event
    if not models:
        raise InputError("The fit of all samples ended without a model. Train again.")
    return vote(models)


def finish(events: Iterator[PipelineEvent]) -> RunResult:
    """Run to the end, for a notebook: ``finish(run(recipe, base, out)).scores``."""
    result: RunResult | None = None
    for event in events:
        if isinstance(event, RunDone):
            result = event.result
    if result is None:
        raise InputError("The run was stopped before it was complete. Resume it: run(..., resume=True).")
    return result
