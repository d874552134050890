"""Recipe in, run folder out: the one path that dock, command line and notebook walk.

`run` is a generator of small events, so that it shows progress and stops between two batches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.by_run import baseline_by_run
from napari_fmri_decoder.evaluation.null import (
    BaselinesDone,
    PermutationsDone,
    Progress,
    baseline_events,
    permutation_test,
)
from napari_fmri_decoder.evaluation.scores import Scores, compare, score_folds
from napari_fmri_decoder.pipeline.folder import claim, write_results
from napari_fmri_decoder.recipe import Recipe, read_images, rebased
from napari_fmri_decoder.samples.audit import Finding, audit, blocking
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.masks import make_mask, moments
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.training.cross_validate import cross_validate, refit
from napari_fmri_decoder.training.events import (
    FitDone,
    FittedModel,
    FoldDone,
    FoldResult,
    Note,
    TrainingEvent,
)

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.volumes.volume import Volume

    Watch = Callable[[Volume], Volume]

RESPONSE_S = 10.0
"""Seconds within which two volumes share a haemodynamic response."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A new part of the work begins."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """All that stands before training begins.

    Attributes
    ----------
    recipe : Recipe
        Resolved: with the slab's grid and every training option.
    series : Volume
    table : DataFrame
        One row per volume of the series.
    samples : Samples
    splits : tuple of Split
    findings : tuple of Finding
    notes : tuple of str
        What was left out or changed.
    """

    recipe: Recipe
    series: Volume
    table: pd.DataFrame
    samples: Samples
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run gave.

    Attributes
    ----------
    folder : Path
    prepared : Prepared
    folds : tuple of FoldResult
    scores : Scores
    model : FittedModel
        Refitted on all samples.
    permutations : PermutationsDone or None
    """

    folder: Path
    prepared: Prepared
    folds: tuple[FoldResult, ...]
    scores: Scores
    model: FittedModel
    permutations: PermutationsDone | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RunDone:
    """The run has ended; its folder is written."""

    result: RunResult


PipelineEvent = TrainingEvent | Progress | Stage | Prepared | RunDone


class AuditError(InputError):
    """The audit found errors that the recipe does not allow: with them nothing should be trained.

    Attributes
    ----------
    findings : tuple of Finding
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(
            " ".join(f"{f.message} [{f.code}]" for f in findings)
            + f" To go on all the same, write audit.allow = {[f.code for f in findings]} in the recipe."
        )


def prepare_run(recipe: Recipe, base: Path, watch: Watch | None = None) -> Prepared:
    """Read, label, mask, cut, clean, split and audit: everything before training.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that its paths start from.
    watch : callable, optional
        Takes the images and gives them as they are to be read, so that the reading can be
        followed, and ended by an exception.

    Raises
    ------
    InputError
        If anything does not fit.
    AuditError
        If the audit finds an error that the recipe does not allow.
    """
    series = read_images(recipe.data.images, base)
    series = series if watch is None else watch(series)
    table, notes = label_table(recipe.labels, series, base)
    mask = None
    if recipe.data.mask is not None:
        mask, mask_notes = make_mask(recipe.data.mask, series, base)
        notes = [*notes, *mask_notes]
    samples = prepare(
        series,
        table,
        recipe.prepare,
        mask=mask,
        slab=recipe.slab,
        exclude=recipe.labels.exclude,
    )
    splits = tuple(make_splits(recipe.split, samples.table))
    findings = tuple(
        audit(
            samples,
            splits,
            allow=recipe.audit.allow,
            neighbours=_neighbours(series.step),
            mask=recipe.data.mask,
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


def run(
    recipe: Recipe, base: Path, out: Path, watch: Watch | None = None
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
        See `prepare_run`.

    Yields
    ------
    PipelineEvent
        `Prepared`, then per fold the training events, `Progress` of the baselines and the
        permutations, the refit, and last `RunDone`. Closing the generator stops the work; the
        folder then holds the recipe alone.
    """
    started = time.perf_counter()
    claim(out)
    yield Stage("Reading and preparing")
    prepared = prepare_run(recipe, base, watch)
    prepared = replace(prepared, recipe=rebased(prepared.recipe, base, out))
    yield prepared
    decoder, config = recipe.decoder, prepared.recipe.training
    samples, splits = prepared.samples, prepared.splits
    heard: list[str] = []

    yield Stage("Training")
    folds = yield from _folds(cross_validate(decoder, samples, splits, config), heard)
    scores = score_folds(folds, samples)

    compared = []
    for other in recipe.compare:
        yield Stage(f"Training {other.decoder.name} on the same folds")
        settings = other.training.resolved(other.decoder)
        beside = yield from _folds(cross_validate(other.decoder, samples, splits, settings), heard)
        compared.append(compare(other.decoder, score_folds(beside, samples)))
    scores = replace(scores, compared=tuple(compared))

    yield Stage("Baselines")
    for event in baseline_events(samples, splits, config):
        if isinstance(event, BaselinesDone):
            scores = replace(scores, baseline=event.scores)
        else:
            yield event
    by_run = yield from baseline_by_run(samples, splits, config)
    scores = replace(scores, baseline_by_run=by_run)
    null: PermutationsDone | None = None
    if recipe.null.permutations:
        yield Stage("Permutations")
        test = permutation_test(
            decoder, samples, splits, config, permutations=recipe.null.permutations, observed=scores.score
        )
        for step in test:
            if isinstance(step, PermutationsDone):
                null = step
            else:
                yield step
    yield Stage("Fitting all samples")
    model = yield from _refitted(refit(decoder, samples, config, n_folds=len(splits)))

    yield Stage("Writing the run folder")
    prepared = replace(prepared, notes=tuple(dict.fromkeys((*prepared.notes, *heard))))
    scores = replace(
        scores,
        permutation=null.summary if null else None,
        audit=prepared.findings,
        seconds=time.perf_counter() - started,
    )
    write_results(
        out,
        recipe=prepared.recipe,
        base=base,
        samples=samples,
        splits=splits,
        folds=folds,
        scores=scores,
        model=model,
        notes=prepared.notes,
        permutations=null,
        moments=moments(prepared.series),
    )
    yield RunDone(RunResult(out, prepared, tuple(folds), scores, model, null))


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
    return results


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


def _neighbours(step: float | None) -> int:
    """How many volumes share one haemodynamic response; none of a stack of maps."""
    return 0 if step is None else math.ceil(RESPONSE_S / step)


def finish(events: Iterator[PipelineEvent]) -> RunResult:
    """Run to the end, for a notebook: ``finish(run(recipe, base, out)).scores``."""
    result: RunResult | None = None
    for event in events:
        if isinstance(event, RunDone):
            result = event.result
    if result is None:
        raise InputError("The run was stopped before its end. Start it again in a new folder.")
    return result
