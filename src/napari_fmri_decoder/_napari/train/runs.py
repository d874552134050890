"""The runs of a session: the one that is running, the one that was stopped, and the last that ended.

They do not belong to a dock. The Train dock shows and controls them, also after it was closed and reopened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_fmri_decoder._napari.qt.notifications import error_text, guard, notify_note
from napari_fmri_decoder._napari.qt.reading import Watch
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.results.recent_runs import remember_run
from napari_fmri_decoder._napari.results.session_from_recipe import (
    RecipeData,
    show_recipe_data,
    volumes_in_memory,
)
from napari_fmri_decoder._napari.results.show_result import result_layers, show_result
from napari_fmri_decoder._napari.train.recipe_file import read_data_steps
from napari_fmri_decoder._napari.train.run_history import RunHistory
from napari_fmri_decoder._napari.train.run_plan import RunLocation, check_plan, run_plan
from napari_fmri_decoder._napari.train.run_text import run_html, warnings_text
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.pipeline import AuditError, Prepared, RunResult
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.training.estimate import RunEstimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QObject

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.train.recipe_from_session import Plan
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.audit import Finding

NONE_STOPPED = "No run was stopped."


class Runs(SessionJob):
    """Checks, trains, stops and resumes; get it by `session.part(Runs)`.

    Attributes
    ----------
    folder : Path or None
        Folder of the last run that ended.
    running, stopped : Plan or None
        The run that is being trained, and the one that Resume continues.
    last : Plan or None
        The run that was started last.
    location : RunLocation
        Where the last run was, or is, computed.
    history : RunHistory
        Collected from its events.
    prepared : Prepared or None
        Samples of the last check or training.
    error : str
        Why the last job failed; "" if it did not.
    findings : sequence of Finding
        Findings of the audit that blocked the last run.
    estimate : RunEstimate or None
        Of the last check.
    found : Signal
        Sent with Prepared, RunEstimate, and findings that blocked a run (a tuple).
    page_changed : Signal
        Sent with the page that the user should see now: "check" or "progress".
    """

    found = Signal(object)
    page_changed = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.history = RunHistory(self.progress)
        self.folder: Path | None = None
        self.running: Plan | None = None
        self.stopped: Plan | None = None
        self.last: Plan | None = None
        self.location = RunLocation()
        self.prepared: Prepared | None = None
        self.findings: Sequence[Finding] = ()
        self.error = ""
        self.estimate: RunEstimate | None = None
        self._owner: QObject | None = None
        self._ending: set[QObject] = set()  # owners of stopped work that has not ended yet
        self._on_stop: Callable[[], None] = self._show_stopped
        session.changed.connect(self._on_session)
        self.changed.connect(self._tell)
        for name in ("result", "saved"):
            self._on_session(name)

    @property
    def ending(self) -> bool:
        """Whether stopped work is still finishing its current step."""
        return bool(self._ending)

    def train(self, plan: Plan, location: RunLocation) -> Job:
        """Start a run."""
        return self._run(plan, location, f"Training {plan.recipe.decoder.name}", resume=False)

    def resume(self, location: RunLocation) -> Job:
        """Continue the run that was stopped; raises `InputError` if there is none."""
        if self.stopped is None:
            raise InputError(NONE_STOPPED)
        description = f"Resuming {self.stopped.recipe.decoder.name}"
        return self._run(self.stopped, location, description, resume=True)

    def _run(self, plan: Plan, location: RunLocation, description: str, *, resume: bool) -> Job:
        work = partial(run_plan, location=location, resume=resume)
        self.history.start()
        self.message = ""
        job = self._start(work, plan, description, self._done)
        self.running, self.last, self.location, self.stopped = plan, plan, location, None
        self.page_changed.emit("progress")
        self.changed.emit()
        return job

    def check(self, plan: Plan) -> Job:
        """Do everything that a run does before training."""
        self.running = None
        return self._start(check_plan, plan, "Checking", self._checked)

    def _start(self, work: Any, plan: Plan, description: str, on_done: Callable[[Any], None]) -> Job:
        """Start work with a new owner, so that the next can start while this one is still stopping."""
        self.progress.start(f"{description}…")
        self.error = ""
        watch, table = Watch(), self.session.state.labeling.table
        n = len(table) if table is not None else 1  # resumed after the labels were cleared
        owner = self.owner()
        job = run_generator(
            work,
            plan,
            watch,
            owner=owner,
            description=description,
            on_event=self._on_event,
            on_done=lambda result: self._end(owner, partial(on_done, result)),
            on_error=lambda error: self._end(owner, partial(self._failed, error)),
            on_stopped=lambda: self._end(owner, self._show_stopped),
        )
        watch.job, self._owner, self._on_stop = job, owner, self._show_stopped
        self.progress.follow(job, lambda: watch.done % n / n)
        self.begin(job)
        return job

    def open_data(self, recipe: Recipe, path: Path) -> Job:
        """Read the data of a recipe, and show them in Prepare and Labels."""
        name, self.running = path.name, None
        owner, watch = self.owner(), Watch()
        show_none = partial(self.progress.end, "Stopped. No data were opened.")
        self.progress.start(f"Opening the data of {name}…")
        failed = partial(self.progress.end, "The data could not be opened.")
        job = run_generator(
            partial(read_data_steps, recipe, watch, path.parent, volumes_in_memory(self.session)),
            owner=owner,
            description=f"Opening the data of {name}",
            on_done=lambda data: self._end(owner, partial(self._opened, data, name)),
            on_error=lambda _: self._end(owner, failed),
            on_stopped=lambda: self._end(owner, show_none),
        )
        watch.job, self._owner, self._on_stop = job, owner, show_none
        self.progress.follow(job, lambda: 0.0)
        self.begin(job)
        return job

    @property
    def training(self) -> bool:
        """Whether a run is being trained."""
        return self.job is not None and self.running is not None

    def _tell(self) -> None:
        """Let all docks know what is being trained."""
        name = self.running.recipe.decoder.name if self.running is not None and self.training else ""
        if self.session.state.results.training != name:
            self.session.update(training=name)

    def stop(self) -> None:
        """Stop: other work can start immediately; this one ends after its current step."""
        if self.job is None or self._owner is None:
            return
        self.job.stop()
        self.job = None
        self._ending.add(self._owner)
        self._on_stop()
        self.changed.emit()

    def _on_event(self, event: Any) -> None:
        self.history.on_event(event)
        if isinstance(event, Prepared):
            self.prepared, self.findings = event, ()
            self.found.emit(event)
            self.session.update(prepared=event)
        elif isinstance(event, RunEstimate):
            self.estimate = event
            self.found.emit(event)

    def _end(self, owner: QObject, then: Callable[[], None]) -> None:
        """Handle the end of work, unless the user stopped it and started other work."""
        owner.deleteLater()
        self._ending.discard(owner)
        if self.job is not None and owner is self._owner:
            self.job = None
            try:
                then()
            finally:
                self.changed.emit()
        else:
            self.changed.emit()

    def _checked(self, _: object) -> None:
        findings = self.prepared.findings if self.prepared is not None else ()
        blocked = any(finding.severity == "error" for finding in findings)
        self.progress.end(
            "Checked. " + ("Training is blocked by the audit; see Check." if blocked else "Ready to train.")
        )
        self.page_changed.emit("check")

    def _done(self, result: RunResult) -> None:
        self.folder = result.folder
        replaced = self.session.state.results.result if result_layers(self.session.viewer) else None
        self.message = run_html(result, replaced)
        self.progress.end(f"Done in {result.scores.seconds:.0f} s.{warnings_text(result)}")
        remember_run(result.folder)
        with guard(), all_or_nothing(self.session):
            show_result(self.session, result)
        self.session.update(result=result, prepared=result.prepared)

    def _on_session(self, name: str) -> None:
        """Show a run that was opened from its folder, unless a job is running."""
        results = self.session.state.results
        run = {"result": results.result, "saved": results.saved}.get(name)
        if run is None or run.folder == self.folder or self.job is not None:
            return
        self.folder = run.folder
        self.message = run_html(run)
        self.history.start()
        self.history.curves.show_run(run)
        self.history.add_notes(*run.scores.notes)
        if isinstance(run, RunResult):
            self.prepared, self.findings = run.prepared, ()
            self.found.emit(run.prepared)
        self.progress.end(f"Opened {run.folder.name}.")
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, DivergedError):  # the same steps would fail again
            self._offer_resume()
        self.progress.end("Failed.")
        self.error = "" if isinstance(error, AuditError) else error_text(error)
        if isinstance(error, AuditError):
            self.prepared, self.findings = error.prepared, error.findings if error.prepared is None else ()
            self.found.emit(error.prepared or tuple(error.findings))
            self.progress.end(
                f"Training is blocked by the audit ({len(error.findings)} findings); see Check."
            )
            self.page_changed.emit("check")

    def _show_stopped(self) -> None:
        step = self.history.current_step
        if self._offer_resume():
            self.progress.end(f"Stopped: {step}. Resume continues from there.")
        else:
            self.progress.end(f"Stopped: {step}. No results were saved.")
        if self.history.fitting:
            self.message = "Stopped. The curves show only part of the run."

    def _offer_resume(self) -> bool:
        """Let Resume continue the run that ended early, if it had started."""
        if self.running is None or not has_begun(self.running.folder):
            return False
        self.stopped = self.running
        return True

    def _opened(self, data: RecipeData | None, name: str) -> None:
        if data is None:
            self.progress.end("Stopped. No data were opened.")
            return
        self.progress.end("The data could not be opened.")
        with guard():
            with all_or_nothing(self.session):
                missing = show_recipe_data(self.session, data)
            notify_note(*(f"{name}: {message}" for message in (*missing, *data.notes)))
            self.progress.end(f"Loaded {name}" + ("; some files are missing." if missing else "."))
