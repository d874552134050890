"""Decode at many places in the brain, and write their table and maps to a run folder."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.center_result import CenterResult
from napari_fmri_decoder.evaluation.center_scores import score_centers, skipped_centers
from napari_fmri_decoder.evaluation.permutations import check_permutable
from napari_fmri_decoder.evaluation.scores import headline_of
from napari_fmri_decoder.pipeline.events import PipelineEvent, Stage
from napari_fmri_decoder.pipeline.folder import claim_run_folder, hashes_of_inputs, write_recipe
from napari_fmri_decoder.pipeline.inputs import write_record
from napari_fmri_decoder.pipeline.preparing import prepare_steps
from napari_fmri_decoder.pipeline.resume import open_store
from napari_fmri_decoder.pipeline.running import AUTO
from napari_fmri_decoder.recipe import rebased
from napari_fmri_decoder.samples.centers import make_centers
from napari_fmri_decoder.training.events import Note, Progress
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.training.tasks.tasks import Tasks
from napari_fmri_decoder.training.tasks.workers import LOG, SERIAL, check_cluster, open_pool, unprotected
from napari_fmri_decoder.volumes.nifti import write

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_fmri_decoder.pipeline.events import Prepared
    from napari_fmri_decoder.pipeline.preparing import Watch
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.recipe.where_options import WhereConfig
    from napari_fmri_decoder.samples.centers import CenterSets
    from napari_fmri_decoder.samples.samples import Space

FOLDER = "where"
"""Folder in a run folder."""
SUMMARY, SCORES, TABLE = "summary.json", "accuracy.nii.gz", "centers.tsv"
"""Files in it; the summary is written last."""


@dataclass(frozen=True, slots=True, eq=False)
class CentersFound:
    """Event: the centers are known; their scores follow."""

    sets: CenterSets
    space: Space
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CentersScored:
    """Event: scores of some centers under the true labels.

    Attributes
    ----------
    centers : (m,) int64 array
    scores : (m,) float64 array
    """

    centers: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WhereDone:
    """Event: all is written.

    Attributes
    ----------
    folder : Path
        With the table and the maps.
    prepared : Prepared
    result : CenterResult
    """

    folder: Path
    prepared: Prepared
    result: CenterResult


WhereEvent = PipelineEvent | CentersFound | CentersScored | WhereDone


def run_where(
    recipe: Recipe,
    base: Path,
    out: Path,
    watch: Watch | None = None,
    *,
    cluster: str = SERIAL,
    resume: bool = False,
) -> Generator[WhereEvent, None, None]:
    """Decode at the places of the section [where].

    Parameters
    ----------
    recipe : Recipe
        With `where`. Data, labels, preparation, slab and split are those of training; the decoder is
        ``where.decoder``.
    base : Path
        Folder that the recipe's paths are relative to.
    out : Path
        A run folder, new or of a finished training. Results are written to its folder `where`.
    watch : callable, optional
        See `prepare_steps`.
    cluster : str
        See `pipeline.run`; "auto" is "serial".
    resume : bool
        Whether `out/where` may contain the tasks of a run that was stopped or killed.

    Yields
    ------
    WhereEvent
        `Prepared`, `CentersFound`, `CentersScored` and `Progress`, last `WhereDone`. Closing the generator
        stops the run; completed tasks are kept for `resume`.

    Raises
    ------
    InputError
        If the recipe has no [where], nothing can be permuted, or no center can be decoded.
    """
    place = out / FOLDER
    _check(recipe, place, cluster, resume)
    yield Stage("Reading and preparing")
    prepared = yield from prepare_steps(recipe, base, watch)
    prepared = replace(prepared, recipe=rebased(prepared.recipe, base, place))
    yield from where_of_prepared(prepared, place, cluster=cluster, resume=resume)


def where_of_prepared(
    prepared: Prepared, place: Path, *, cluster: str = SERIAL, resume: bool = False
) -> Generator[WhereEvent, None, None]:
    """Decode samples that are prepared already, such as those of a finished run; see `run_where`.

    Parameters
    ----------
    prepared : Prepared
        The paths of its recipe start from `place`.
    place : Path
        Folder of the results.
    cluster, resume
        See `run_where`.
    """
    recipe, samples = prepared.recipe, prepared.samples
    where = _check(recipe, place, cluster, resume)
    sets = make_centers(where, samples.space, place)
    prepared = replace(prepared, notes=tuple(dict.fromkeys((*prepared.notes, *sets.notes))))
    if where.permutations:
        check_permutable(samples)
    claim_run_folder(place, resume=resume)
    yield prepared
    store = open_store(place, recipe, samples, prepared.splits)
    write_recipe(place, recipe)
    write_record(place, recipe, hashes_of_inputs(place, recipe))
    with ExitStack() as workers:
        if cluster not in (SERIAL, AUTO):
            yield Stage(f"Starting workers: {cluster}")
            if note := unprotected(cluster):
                yield Note(note)
            store.write_samples(samples, prepared.splits, private=cluster.startswith("local:"))
            workers.callback(store.drop_samples)
        pool = workers.enter_context(open_pool(SERIAL if cluster == AUTO else cluster, place / LOG))
        result = yield from _result(prepared, where, sets, Tasks(store, pool))
    yield Stage("Writing the results")
    _write(place, result, prepared.notes)
    yield WhereDone(place, prepared, result)


def _check(recipe: Recipe, place: Path, cluster: str, resume: bool) -> WhereConfig:
    """Refuse what cannot run, before anything is read."""
    if recipe.where is None:
        raise InputError(
            'The recipe must have a section [where]. Add it, for example with centers = "spheres".'
        )
    if cluster != AUTO:
        check_cluster(cluster)
    if (place / SUMMARY).exists() and not resume:
        raise InputError(f"Folder {place} already contains results. Choose another folder, or move it away.")
    return recipe.where


def _result(
    prepared: Prepared, where: WhereConfig, sets: CenterSets, tasks: Tasks
) -> Generator[WhereEvent, None, CenterResult]:
    """Score all centers under the true labels and under permuted ones."""
    recipe, samples = prepared.recipe, prepared.samples
    skipped = skipped_centers(samples.X, sets)
    centers = np.flatnonzero([not reason for reason in skipped])
    if not len(centers):
        raise InputError(
            f"At least one of the {len(sets)} {where.centers} must be decodable, but none is ({skipped[0]}). "
            "Choose a larger radius, size or thickness."
        )
    yield CentersFound(sets, samples.space, skipped)
    n = where.permutations
    scores = np.full(len(sets), np.nan)
    null = np.full((n, len(sets)), np.nan, dtype=np.float32)
    yield Stage(f"Decoding at {len(centers)} {where.centers}")
    done = 0  # scores, of all labelings
    for event in score_centers(
        where.decoder,
        samples,
        prepared.splits,
        recipe.training.resolved(where.decoder),
        sets,
        centers,
        permutations=n,
        tasks=tasks,
    ):
        if isinstance(event, int):
            done += event
        else:
            done += 0 if event.counted else event.scores.size
            if event.numbers[0] == 0:
                scores[event.centers] = event.scores[0]
                yield CentersScored(event.centers, event.scores[0])
            else:
                null[event.numbers[:, None] - 1, event.centers] = event.scores
        if done <= len(centers):
            yield Progress(where.centers, done, len(centers))
        else:
            yield Progress("permutations", done // len(centers) - 1, n)
    nothing = np.full(len(sets), np.nan)
    mean, high = nothing.copy(), nothing.copy()
    if n:
        mean[centers] = null[:, centers].mean(axis=0, dtype=np.float64)
        high[centers] = np.quantile(null[:, centers], 0.95, axis=0)
    return CenterResult(
        sets=sets,
        space=samples.space,
        scores=scores,
        skipped=skipped,
        maxima=null[:, centers].max(axis=1).astype(np.float64) if n else np.empty(0),
        null_mean=mean,
        null_high=high,
        measure=headline_of(samples),
        chance=1 / len(samples.classes),
        kind=where.centers,
        decoder=where.decoder.name,
    )


def _write(place: Path, result: CenterResult, notes: tuple[str, ...]) -> None:
    """Write the table, the maps and, last, the summary."""
    table = result.table()
    table.to_csv(place / TABLE, sep="\t", index=False, na_rep="n/a", float_format="%.6g")
    write(result.score_map(), place / SCORES)
    if (p := result.p_map()) is not None:
        write(p, place / "p.nii.gz")
    summary = {**result.to_dict(), "sentences": result.sentences(), "notes": list(notes)}
    write_text(place / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
