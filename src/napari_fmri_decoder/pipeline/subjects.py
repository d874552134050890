"""Several subjects, each decoded separately in one task that reads its own data, and their summary."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.evaluation.group import summarize_group, write_group
from napari_fmri_decoder.generators import Steps, run_to_end
from napari_fmri_decoder.pipeline.events import Stage, SubjectDone
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.pipeline.resume import check_asked, write_asked
from napari_fmri_decoder.pipeline.running import AUTO, run
from napari_fmri_decoder.recipe import BIDS_CHOICES
from napari_fmri_decoder.samples.bids.dataset import bids_runs, one_space
from napari_fmri_decoder.training.events import Note, Progress
from napari_fmri_decoder.training.tasks.workers import (
    LOG,
    SERIAL,
    on_card,
    open_pool,
    unprotected,
    workers_that_fit,
)
from napari_fmri_decoder.volumes.counted_reading import StoppedReading

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari_fmri_decoder.evaluation.group import GroupScores
    from napari_fmri_decoder.pipeline.events import PipelineEvent
    from napari_fmri_decoder.pipeline.preparing import Watch
    from napari_fmri_decoder.recipe import Recipe

WHAT = "subjects"
"""Name of the progress of subjects."""


def one_per_subject(recipe: Recipe, base: Path) -> dict[str, Recipe]:
    """Split a recipe for a dataset into one recipe per subject.

    Parameters
    ----------
    recipe : Recipe
        With `data.bids`.
    base : Path
        Folder that the recipe's paths are relative to.

    Returns
    -------
    dict
        Recipes by "sub-01" and so on.

    Raises
    ------
    InputError
        If the recipe has no dataset, or nothing is found in it.
    """
    data = recipe.data
    if data.bids is None:
        raise InputError(
            "A recipe for several subjects must have a dataset (data.bids), but this one has images. Use a "
            "dataset, or one recipe per subject."
        )
    selected = {name: getattr(data, name) for name in BIDS_CHOICES}
    subjects = sorted({found.subject for found in one_space(bids_runs(base / data.bids, **selected))})
    return {
        f"sub-{subject}": recipe.model_copy(update={"data": data.model_copy(update={"subjects": (subject,)})})
        for subject in subjects
    }


def run_subjects(
    recipes: Mapping[str, tuple[Recipe, Path]],
    out: Path,
    watch: Watch | None = None,
    *,
    cluster: str = SERIAL,
    resume: bool = False,
) -> Steps[PipelineEvent, GroupScores]:
    """Run one recipe per subject, and summarize the scores.

    A worker keeps only the data of its current subject in memory. Failures are reported; other subjects
    continue.

    Parameters
    ----------
    recipes : mapping of str to (Recipe, Path)
        By the name of the run folder; each with the folder that its paths are relative to.
    out : Path
        For the run folders, `group.json` and `group.tsv`.
    watch : callable, optional
        See `prepare_steps`; used if serial. Its `StoppedReading` ends the work.
    cluster : str
        See `run`; here each task is one subject.
    resume : bool
        Whether to skip completed subjects and resume the others.

    Yields
    ------
    PipelineEvent
        `SubjectDone` and `Progress` of the subjects, and a `Note` for each failure; if serial, also the
        events of each run.

    Returns
    -------
    GroupScores

    Raises
    ------
    InputError
        If a completed subject had another recipe, or all subjects fail.
    """
    done: list[Path] = []
    failed: list[Path] = []
    problems: list[str] = []
    calls = [(recipe, base, out / name, resume) for name, (recipe, base) in recipes.items()]
    for recipe, base, folder, _ in calls:  # before hours are spent on the others
        if resume and (folder / SCORES).exists():
            check_asked(folder, recipe, base)

    def ended(folder: Path, problem: str) -> Generator[PipelineEvent, None, None]:
        (failed if problem else done).append(folder)
        if problem:
            problems.append(f"{folder.name}: {problem}")
            yield Note(f"{folder.name} failed: {problem}")
        yield SubjectDone(folder, problem)
        yield Progress(WHAT, len(done) + len(failed), len(calls))

    yield Progress(WHAT, 0, len(calls))
    where = _where(cluster, recipes)
    if note := unprotected(where):
        yield Note(note)
    with open_pool(where, out / LOG) as pool:
        if pool is None:
            for call in calls:
                yield Stage(call[2].name)
                yield from ended(*(yield from _one(*call, watch)))
        else:
            with closing(pool.imap(run_subject, calls, on_killed=_lost)) as results:
                for result in results:
                    if result is None:  # so that the caller can stop
                        yield Progress(WHAT, len(done) + len(failed), len(calls))
                    else:
                        yield from ended(*result)
    if not done:
        raise InputError(f"All {len(calls)} subjects failed, so there is nothing to summarize. {problems[0]}")
    group = summarize_group(sorted(done))
    write_group(group, out)
    return group


def run_subject(recipe: Recipe, base: Path, folder: Path, resume: bool) -> tuple[Path, str]:
    """Run one subject's recipe from its data to its scores; a task.

    Returns
    -------
    folder : Path
    problem : str
        Reason of a failure; "" if there is none.
    """
    return run_to_end(_one(recipe, base, folder, resume))


def _one(
    recipe: Recipe, base: Path, folder: Path, resume: bool, watch: Watch | None = None
) -> Steps[PipelineEvent, tuple[Path, str]]:
    if resume and (folder / SCORES).exists():
        return folder, ""
    asked = False
    try:
        with closing(run(recipe, base, folder, watch, resume=resume)) as events:
            for event in events:
                if not asked:  # the folder exists now, and belongs to this run
                    write_asked(folder, recipe, base)
                    asked = True
                yield event
    except StoppedReading:
        raise
    except (InputError, TrainingError) as error:
        return folder, str(error)
    except Exception as error:  # noqa: BLE001  # such as of memory or disks; none may stop the other subjects
        return folder, f"{type(error).__name__}: {error}"
    return folder, ""


def _lost(call: tuple[Recipe, Path, Path, bool], error: TrainingError) -> tuple[Path, str]:
    """Result of a subject whose workers were killed: a failure."""
    return call[2], str(error)


def _where(cluster: str, recipes: Mapping[str, tuple[Recipe, Path]]) -> str:
    """Resolve "auto": as many workers on this computer as there are subjects and memory."""
    if cluster != AUTO:
        return cluster
    if any(on_card(recipe.decoder, recipe.training.device) for recipe, _ in recipes.values()):
        return SERIAL
    threads = max((recipe.training.threads for recipe, _ in recipes.values()), default=1)
    workers = min(workers_that_fit(threads), len(recipes))
    return f"local:{workers}" if workers > 1 else SERIAL
