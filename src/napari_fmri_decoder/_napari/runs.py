"""The runs of a session: the one that is running, the one that was stopped, and the last that ended.

No dock owns them. The dock Train shows and steers them; closed and opened again, it finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_fmri_decoder._napari.notify import guard, mention
from napari_fmri_decoder._napari.recipe_of_session import Plan, Where, carry_out, check
from napari_fmri_decoder._napari.score_words import score_in_words
from napari_fmri_decoder._napari.session_of_recipe import Found, find, show
from napari_fmri_decoder._napari.showing import show_result
from napari_fmri_decoder._napari.story import Story
from napari_fmri_decoder._napari.watch import Watch
from napari_fmri_decoder._napari.work import Work
from napari_fmri_decoder._napari.workers import run_generator
from napari_fmri_decoder.errors import DivergedError
from napari_fmri_decoder.pipeline import AuditError, Prepared, RunResult
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.training.outlook import Outlook
from napari_fmri_decoder.volumes.watched import StoppedReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QObject

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.audit import Finding


class Runs(Work):
    """Checks, trains, stops and resumes; get it by `session.part(Runs)`.

    Attributes
    ----------
    folder : Path or None
        Of the last run that ended.
    running, stopped : Plan or None
        The run that is being trained; the one that Resume continues.
    last : Plan or None
        That was started last.
    where : Where
        In which it was, or is, computed.
    story : Story
        Of its events.
    prepared : Prepared or None
        What was last checked or trained on.
    findings : sequence of Finding
        Of the audit, where they stopped the last run.
    outlook : Outlook or None
        Of the last check.
    heard : Signal
        Sent with Prepared, Outlook, and findings that stopped a run (a tuple).
    turned : Signal
        Sent with the page that the user should see now: "check" or "progress".
    """

    heard = Signal(object)
    turned = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.story = Story(self.progress)
        self.folder: Path | None = None
        self.running: Plan | None = None
        self.stopped: Plan | None = None
        self.last: Plan | None = None
        self.where = Where()
        self.prepared: Prepared | None = None
        self.findings: Sequence[Finding] = ()
        self.outlook: Outlook | None = None
        self._owner: QObject | None = None
        self._ending: set[QObject] = set()  # owners of work that was stopped and winds down
        self._on_stop: Callable[[], None] = self._say_stopped

    @property
    def ending(self) -> bool:
        """Whether the step in which work was stopped has not ended yet."""
        return bool(self._ending)

    def train(self, plan: Plan, where: Where) -> None:
        """Start a run."""
        self._carry_out(plan, where, f"Training {plan.recipe.decoder.name}", resume=False)

    def resume(self, where: Where) -> None:
        """Continue the run that was stopped."""
        if self.stopped is not None:
            description = f"Resuming {self.stopped.recipe.decoder.name}"
            self._carry_out(self.stopped, where, description, resume=True)

    def _carry_out(self, plan: Plan, where: Where, description: str, *, resume: bool) -> None:
        work = partial(carry_out, resume=resume, cluster=where.cluster, apart=where.apart)
        self.story.start()
        self.said = ""
        self._start(work, plan, description, self._done)
        self.running, self.last, self.where, self.stopped = plan, plan, where, None
        self.turned.emit("progress")
        self.changed.emit()

    def check(self, plan: Plan) -> None:
        """Do all that a run does before training."""
        self._start(check, plan, "Checking", self._checked)
        self.running = None

    def _start(self, work: Any, plan: Plan, description: str, on_done: Callable[[Any], None]) -> None:
        """Start work with an owner of its own: the next can begin while this one still winds down."""
        self.progress.start(f"{description}…")
        watch, n = Watch(), len(self.session.state.table)
        owner = self.owner()
        job = run_generator(
            work,
            plan,
            watch,
            owner=owner,
            description=description,
            on_event=self._hear,
            on_done=lambda result: self._end(owner, partial(on_done, result)),
            on_error=lambda error: self._end(owner, partial(self._failed, error)),
            on_stopped=lambda: self._end(owner, self._say_stopped),
        )
        watch.job, self._owner, self._on_stop = job, owner, self._say_stopped
        self.progress.follow(job, lambda: watch.done % n / n)
        self.begin(job)

    def open_data(self, recipe: Recipe, path: Path) -> None:
        """Read what the recipe of a file names, and let Prepare and Labels hold it."""
        name = path.name
        owner, watch = self.owner(), Watch()
        say_none = partial(self.progress.end, "Stopped: no data were opened.")
        self.progress.start(f"Opening the data of {name}…")
        failed = partial(self.progress.end, "Its data could not be opened.")
        job = run_generator(
            partial(_found, recipe, watch, path.parent),
            owner=owner,
            description=f"Opening the data of {name}",
            on_done=lambda found: self._end(owner, partial(self._opened, found, name)),
            on_error=lambda _: self._end(owner, failed),
            on_stopped=lambda: self._end(owner, say_none),
        )
        self.running = None
        watch.job, self._owner, self._on_stop = job, owner, say_none
        self.progress.follow(job, lambda: 0.0)
        self.begin(job)

    def stop(self) -> None:
        """Stop: the next work can begin at once, this one ends within the step that it is in."""
        if self.job is None or self._owner is None:
            return
        self.job.stop()
        self.job = None
        self._ending.add(self._owner)
        self._on_stop()
        self.changed.emit()

    def _hear(self, event: Any) -> None:
        self.story.hear(event)
        if isinstance(event, Prepared):
            self.prepared, self.findings = event, ()
            self.heard.emit(event)
            self.session.update(prepared=event)
        elif isinstance(event, Outlook):
            self.outlook = event
            self.heard.emit(event)

    def _end(self, owner: QObject, then: Callable[[], None]) -> None:
        """Follow the end of the work, unless the user has stopped it already and begun other work."""
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
        self.turned.emit("check")

    def _done(self, result: RunResult) -> None:
        self.folder = result.folder
        self.said = f"{score_in_words(result.scores)}<br>{escape(str(result.folder))}"
        self.progress.end(f"Done in {result.scores.seconds:.0f} s.")
        with guard(), self.session.all_or_nothing():
            show_result(self.session, result)
        self.session.update(result=result, prepared=result.prepared)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, DivergedError):  # the same steps would end alike
            self._may_resume()
        self.progress.end(f"Failed: {error}")
        if isinstance(error, AuditError):
            self.findings = error.findings
            self.heard.emit(tuple(error.findings))
            self.progress.end(f"{len(error.findings)} finding(s) block the training; see Check.")
            self.turned.emit("check")

    def _say_stopped(self) -> None:
        where = self.story.where
        if self._may_resume():
            self.progress.end(f"Stopped: {where}. Resume continues from there.")
        else:
            self.progress.end(f"Stopped: {where}. No result was kept.")
        if self.story.fitting:
            self.said = "Stopped: the curves show only part of the run."

    def _may_resume(self) -> bool:
        """Offer to continue the run that ended early, if it had begun."""
        if self.running is None or not has_begun(self.running.folder):
            return False
        self.stopped = self.running
        return True

    def _opened(self, found: Found | None, name: str) -> None:
        if found is None:
            self.progress.end("Stopped: no data were opened.")
            return
        self.progress.end("Its data could not be opened.")
        with guard():
            with self.session.all_or_nothing():
                missing = show(self.session, found)
            mention(*(f"{name}: {said}" for said in (*missing, *found.notes)))
            self.progress.end(f"Loaded {name}" + ("; some files are missing." if missing else "."))


def _found(recipe: Recipe, watch: Watch, folder: Path) -> Generator[None, None, Found | None]:
    try:
        return find(recipe, watch.over, folder)
    except StoppedReading:
        yield  # a worker sees a stop only between yields
    return None
