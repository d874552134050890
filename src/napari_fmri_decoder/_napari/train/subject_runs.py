"""The runs of all subjects of a study: one job of the session, which can be stopped and resumed."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.qt.notifications import error_text
from napari_fmri_decoder._napari.qt.reading import Watch
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.window_text import window_text
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.group import OVERRIDDEN, group_sentences
from napari_fmri_decoder.evaluation.headline import marked
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.pipeline.comparing_runs import read_rows
from napari_fmri_decoder.pipeline.events import OVERRIDE, SubjectDone
from napari_fmri_decoder.pipeline.run_files import RECIPE
from napari_fmri_decoder.pipeline.subjects import WHAT, one_per_subject, run_subjects
from napari_fmri_decoder.training.events import FoldStarted, Progress
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.training.tasks.workers import SERIAL
from napari_fmri_decoder.volumes.counted_reading import StoppedReading
from napari_fmri_decoder.volumes.nifti import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.train.run_plan import RunLocation
    from napari_fmri_decoder._napari.train.study_plan import StudyPlan
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.evaluation.group import GroupScores
    from napari_fmri_decoder.evaluation.headline import Headline
    from napari_fmri_decoder.generators import Steps

WAITING, QUEUED, RUNNING = "waiting", "queued", "running"
DONE, SKIPPED, STOPPED = "done", "skipped", "stopped"
"""States of a subject; those of workers are queued until they end."""
ONE_PROCESS = "local:1"
ON_CHECK = " Errors of the audit can be overridden on the page Check."


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A subject in the table.

    Attributes
    ----------
    name : str
        "sub-01" and so on.
    state : str
        One of the states of this module.
    score, p : float or None
        Of a finished run; `p` is None without permutations.
    why : str
        Why it was skipped.
    headline : Headline or None
        Of a finished run.
    folder : Path or None
        Run folder of a finished run.
    """

    name: str
    state: str = WAITING
    score: float | None = None
    p: float | None = None
    why: str = ""
    headline: Headline | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class StudyListed:
    """Event: the subjects, by name, and their first state."""

    names: tuple[str, ...]
    state: str


class SubjectRuns(SessionJob):
    """Runs all subjects; get it by `session.part(SubjectRuns)`.

    Attributes
    ----------
    rows : list of SubjectRow
        In the order of the subjects.
    group : GroupScores or None
        After the end; `message` has its sentences as HTML.
    plan, stopped : StudyPlan or None
        The study that was started last, and the one that Resume continues.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: list[SubjectRow] = []
        self.group: GroupScores | None = None
        self.plan: StudyPlan | None = None
        self.stopped: StudyPlan | None = None
        self._current, self._done, self._part = "", 0, 0.0

    def start(self, plan: StudyPlan, location: RunLocation, *, resume: bool = False) -> Job:
        """Start or resume a study.

        Parameters
        ----------
        plan : StudyPlan
        location : RunLocation
            Workers compute complete subjects.
        resume : bool
            Whether to skip completed subjects.
        """
        watch, owner = Watch(), self.owner()
        self.plan, self.stopped, self.group = plan, None, None
        self.rows, self._current, self._done, self._part = [], "", 0, 0.0
        self.message = self.error = ""
        self.progress.start("Listing the subjects…")
        job = run_generator(
            partial(study_steps, plan, watch, location, resume=resume),
            owner=owner,
            description="Running all subjects",
            on_event=self._on_event,
            on_done=partial(self._end, owner, self._finished),
            on_error=partial(self._end, owner, self._failed),
            on_stopped=partial(self._end, owner, self._show_stopped),
        )
        watch.job = job
        self.progress.follow(job, float)
        self.begin(job)
        return job

    def stop(self) -> None:
        """Stop within a batch; completed work is kept."""
        super().stop()
        if self.job is not None:
            self.progress.set("Stopping…")

    def _on_event(self, event: Any) -> None:
        match event:
            case StudyListed(names, state):
                self.rows = [SubjectRow(name, state) for name in names]
                self.changed.emit()
            case SubjectRow():
                self._put(event)
                self._done += 1
                self._part = 0.0
            case Stage(text) if any(row.name == text for row in self.rows):
                self._current, self._part = text, 0.0
                self._put(SubjectRow(text, RUNNING))
            case Stage(text):
                self._show(text)
            case FoldStarted(fold, n_folds):
                self._part = fold / (n_folds + 1)
                self._show("all samples" if fold >= n_folds else event.text)
            case Progress(what, done, total) if what != WHAT:
                self._show(f"{what} {done} of {total}")
            case Progress():
                self._show("")

    def _show(self, step: str) -> None:
        n = max(len(self.rows), 1)
        where = f"{self._current}: {step}" if step and self._current else step
        count = f"{self._done} of {len(self.rows)} subjects ended"
        self.progress.set(f"{count}. {where}…" if where else f"{count}…", (self._done + self._part) / n)

    def _put(self, row: SubjectRow) -> None:
        self.rows = [row if one.name == row.name else one for one in self.rows]
        self.changed.emit()

    def _end(self, owner: Any, then: Callable[..., None], *result: Any) -> None:
        owner.deleteLater()
        self.job = None
        try:
            then(*result)
        finally:
            self.end()

    def _finished(self, group: GroupScores | None) -> None:
        if group is None:
            self._show_stopped()
            return
        self.group = group
        self.message = "<br>".join(map(_marked, group_sentences(group)))
        done = sum(row.state == DONE for row in self.rows)
        self.progress.end(f"Done: {done} of {len(self.rows)} subjects.")

    def _failed(self, error: Exception) -> None:
        self.error = error_text(error)
        self._unfinished()
        self.progress.end("Failed.")

    def _show_stopped(self) -> None:
        self._unfinished()
        kept = "Resume continues; finished subjects are kept." if self.stopped else "Nothing was saved."
        self.progress.end(f"Stopped. {kept}")

    def _unfinished(self) -> None:
        """Let Resume continue, unless no folder was made."""
        if self.plan is not None and self.plan.folder.exists():
            self.stopped = self.plan
        ended = {RUNNING: STOPPED, QUEUED: STOPPED}
        self.rows = [replace(row, state=ended.get(row.state, row.state)) for row in self.rows]


def study_steps(
    plan: StudyPlan, watch: Watch, location: RunLocation, *, resume: bool = False
) -> Steps[Any, GroupScores | None]:
    """Run all subjects of a plan; see `pipeline.run_subjects`.

    The recipe is written into the folder, so that the command line can run the same study. A new folder is
    removed again if no subject was listed.

    Parameters
    ----------
    plan : StudyPlan
    watch : Watch
    location : RunLocation
    resume : bool

    Yields
    ------
    StudyListed
        The subjects, first.
    SubjectRow
        A subject that has ended.
    PipelineEvent
        Of the run of the current subject.

    Returns
    -------
    GroupScores or None
        None if it was stopped.
    """
    folder, listed = plan.folder, resume
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            if plan.mask is not None:
                path, mask = plan.mask
                write(mask, path)
            write_text(folder / RECIPE, plan.recipe.to_toml())
        each = one_per_subject(plan.recipe, folder)
        listed = True
        cluster = ONE_PROCESS if location.in_subprocess else location.cluster
        yield StudyListed(tuple(each), WAITING if cluster == SERIAL else QUEUED)
        calls = {name: (recipe, folder) for name, recipe in each.items()}
        with (
            suppress(StoppedReading),
            closing(run_subjects(calls, folder, watch.over, cluster=cluster, resume=resume)) as steps,
        ):
            while True:
                try:
                    event = next(steps)
                except StopIteration as end:
                    group: GroupScores = end.value
                    return group
                yield subject_row(event) if isinstance(event, SubjectDone) else event
        yield  # a worker sees a stop only between yields
        return None
    except InputError as error:
        raise InputError(_without_keys(str(error))) from error
    finally:
        if not listed:
            shutil.rmtree(folder, ignore_errors=True)


def subject_row(done: SubjectDone) -> SubjectRow:
    """Read the score of a subject that has ended from its run folder."""
    name = done.folder.name
    if done.problem:
        return SubjectRow(name, SKIPPED, why=window_text(_without_keys(done.problem)))
    rows, messages = read_rows([done.folder])
    if not rows:
        return SubjectRow(name, SKIPPED, why=window_text(" ".join(messages)))
    scores = rows[0].scores
    p = scores.permutation.p if scores.permutation else None
    return SubjectRow(name, DONE, scores.score, p, headline=rows[0].headline, folder=done.folder)


def _marked(sentence: str) -> str:
    """Write a sentence of the group as HTML; overridden findings have the color of their severity."""
    text = window_text(sentence)
    return marked(text, "error") if sentence.startswith(OVERRIDDEN) else escape(text)


def _without_keys(problem: str) -> str:
    """Name the page of the window where findings are overridden, instead of the key of the recipe."""
    found, override, _ = problem.partition(OVERRIDE)
    return found + ON_CHECK if override else found
