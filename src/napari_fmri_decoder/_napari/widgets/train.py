"""The dock Train: network, split and preparation; curves as they grow; stop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QFileDialog,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.docks import Dock, scrolled, words
from napari_fmri_decoder._napari.notify import guard, mention
from napari_fmri_decoder._napari.recipe_of_session import Plan, carry_out, check, plan_run, run_folder
from napari_fmri_decoder._napari.session_of_recipe import Found, find, show
from napari_fmri_decoder._napari.showing import show_result
from napari_fmri_decoder._napari.watch import Watch
from napari_fmri_decoder._napari.widgets.audit_view import AuditView
from napari_fmri_decoder._napari.widgets.outlook_view import OutlookView
from napari_fmri_decoder._napari.widgets.parts import beside, push_button
from napari_fmri_decoder._napari.widgets.run_view import ProgressLine, RunView
from napari_fmri_decoder._napari.widgets.setup_view import SetupView
from napari_fmri_decoder._napari.workers import Job, run_generator
from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.evaluation.report import headline_sentence
from napari_fmri_decoder.pipeline import AuditError, Prepared, RunResult
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import Recipe, load_recipe, rebased
from napari_fmri_decoder.training.cluster import SERIAL
from napari_fmri_decoder.training.outlook import Outlook
from napari_fmri_decoder.volumes.watched import StoppedReading

if TYPE_CHECKING:
    from napari import Viewer

NO_SERIES = "Choose the series in the dock Prepare first."
NO_LABELS = "Give each volume its label in the dock Labels first."
NO_MAPS = "The recipe decodes z-maps: make them in the dock Labels, under Z-maps, first."
LOAD = "Set all docks as a recipe (.toml) says, such as that of a run folder."
WITH_DATA = (
    "Open the images that the recipe names, with its mask, slab and labels, as in Prepare and Labels. "
    "Unticked, its options are set for the data that are open."
)
BUSY = "Wait for the work that goes on, or stop it."


class TrainDock(Dock):
    """Fills in a recipe, runs it in the background, and brings its results into the viewer."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("train_dock")
        self.job: Job | None = None
        self.folder: Path | None = None
        self._on_stop: Callable[[], None] = self._say_stopped
        self._running: Plan | None = None
        self._stopped: Plan | None = None
        self._cluster = SERIAL
        self._ending: set[QObject] = set()  # owners of work that was stopped and winds down
        self.setup = SetupView(self.session)
        self.audit = AuditView()
        self.line = ProgressLine()
        self.run = RunView(self.line)
        self.result = words(name="result")
        self.result.hide()
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        self.tabs.addTab(scrolled(_column(self._recipe(), self.setup), "setup_scroll"), "Set up")
        self.outlook = OutlookView()
        self.tabs.addTab(scrolled(_column(self.audit, self.outlook), "audit_scroll"), "Check")
        self.tabs.addTab(scrolled(_column(self.result, self.run, self._links()), "run_scroll"), "Progress")
        self.rows.addWidget(self.tabs, 1)
        self.rows.addWidget(self.line)
        self.rows.addWidget(self._buttons())
        self.follow(self.session.changed, self._on_changed)
        self._refresh()

    def _buttons(self) -> QWidget:
        self.check = push_button(
            "check_button", "Check", "Prepare the samples and look for leaks, without training."
        )
        self.train = push_button(
            "train_button", "Train", "Train fold by fold, and show the results over the anatomy."
        )
        self.stop = push_button("stop_button", "Stop", "Stop at once; what is done is kept for Resume.")
        self.resume = push_button(
            "resume_button", "Resume", "Go on with the run that was stopped, as it was set up then."
        )
        self.check.clicked.connect(self._check)
        self.train.clicked.connect(self._train)
        self.stop.clicked.connect(self._stop)
        self.resume.clicked.connect(self._resume)
        return beside(self.check, self.train, self.stop, self.resume)

    def _links(self) -> QWidget:
        self.report = push_button(
            "open_report", "Open report", "Open report.html of the last run in the browser."
        )
        self.command = push_button(
            "copy_command", "Copy command line", "Copy the command that runs the same without a screen."
        )
        self.report.clicked.connect(self._open_report)
        self.command.clicked.connect(self._copy_command)
        return beside(self.report, self.command)

    def _recipe(self) -> QWidget:
        self.load = push_button("load_recipe", "Load recipe…", LOAD)
        self.with_data = QCheckBox("and open its data")
        self.with_data.setObjectName("load_data")
        self.with_data.setChecked(True)
        self.with_data.setToolTip(f"<p>{WITH_DATA}</p>")
        self.load.clicked.connect(self._ask_recipe)
        return beside(self.load, self.with_data)

    # What can be done

    def _on_changed(self, name: str) -> None:
        if name in ("series", "table"):
            self._refresh()

    def _missing(self) -> str:
        """What has to be done before training, empty if nothing."""
        series, table = self.session.series, self.session.state.table
        if series is None:
            return NO_SERIES
        if table is None or len(table) != series.n_volumes:
            return NO_LABELS
        recipe = self.session.state.recipe
        of_maps = recipe is not None and recipe.zmaps is not None
        return NO_MAPS if of_maps and series.step is not None else ""

    def _refresh(self) -> None:
        """Enable what can be done; grey the rest, and say why."""
        missing = self._missing()
        reason = BUSY if self.job is not None else missing
        _enable(self.train, reason)
        _enable(self.check, reason)
        _enable(self.stop, "" if self.job is not None else "Nothing is running.")
        _enable(self.resume, self._no_resume())
        _enable(self.load, BUSY if self.job is not None else "")
        _enable(self.report, "" if self.folder is not None else "No run has ended yet.")
        _enable(self.command, "" if self.folder is not None else "No run has ended yet.")
        if self.job is None and (missing or self.line.text.text() in ("", NO_SERIES, NO_LABELS)):
            self.line.end(missing or "Ready to train.")

    def _no_resume(self) -> str:
        """Why nothing can be gone on with, empty if something can."""
        if self.job is not None:
            return BUSY
        if self._stopped is None:
            return "No run was stopped."
        return "The step in which it was stopped has not ended yet." if self._ending else ""

    # Work

    @guard()
    def _train(self) -> None:
        decoder = self.setup.choices(()).decoder.name
        plan = self._plan(run_folder(self.setup.runs_folder, decoder, datetime.now()))
        self._carry_out(plan, f"Training {decoder}", resume=False)

    @guard()
    def _resume(self) -> None:
        if self._stopped is not None:
            decoder = self._stopped.recipe.decoder.name
            self._carry_out(self._stopped, f"Going on with {decoder}", resume=True)

    def _carry_out(self, plan: Plan, description: str, *, resume: bool) -> None:
        where = self.setup.where
        work = partial(carry_out, resume=resume, cluster=where.cluster, apart=where.apart)
        self.run.start()
        self.result.hide()
        self.tabs.setCurrentIndex(2)
        self._start(work, plan, description, self._done)
        self._running, self._stopped, self._cluster = plan, None, where.cluster
        self._refresh()

    @guard()
    def _check(self) -> None:
        plan = self._plan(Path(tempfile.mkdtemp(prefix="fmri-decoder-check-")))
        self._start(check, plan, "Checking", self._checked)
        self._running = None

    def _plan(self, folder: Path) -> Plan:
        if missing := self._missing():
            raise InputError(missing)
        series, state = self.session.series, self.session.state
        anatomy = self.session.volume(state.anatomy) if state.anatomy is not None else None
        if series is None:
            raise InputError(NO_SERIES)
        return plan_run(state, series, anatomy, self.setup.choices(self.audit.allowed), folder)

    def _start(self, work: Any, plan: Plan, description: str, on_done: Callable[[Any], None]) -> None:
        """Start work of its own owner, so that the next can begin while this one still winds down."""
        self.line.start(f"{description}…")
        owner, watch, n = QObject(self), Watch(), len(self.session.state.table)
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
        self.job, self._owner, self._on_stop = job, owner, self._say_stopped
        watch.job = job
        self.line.follow(job, lambda: watch.done % n / n)
        self._refresh()

    def _hear(self, event: Any) -> None:
        self.run.hear(event)
        if isinstance(event, Prepared):
            self.audit.show_prepared(event)
            self.session.update(prepared=event)
        elif isinstance(event, Outlook):
            self.outlook.show_outlook(event)

    def _end(self, owner: QObject, then: Callable[[], None]) -> None:
        """Follow the end of the work, unless the user has stopped it already and gone on."""
        owner.deleteLater()
        self._ending.discard(owner)
        if self.job is not None and owner is self._owner:
            self.job = None
            try:
                then()
            finally:
                self._refresh()
        else:
            self._refresh()

    def _checked(self, _: object) -> None:
        self.line.end(f"Checked. {self._blocked()}")
        self.tabs.setCurrentIndex(1)

    def _blocked(self) -> str:
        blocking = [f for f in self.session.state.prepared.findings if f.severity == "error"]
        return "Train is barred by what was found; see Check." if blocking else "Ready to train."

    def _done(self, result: RunResult) -> None:
        self.folder = result.folder
        self._say(f"{headline_sentence(result.scores)}\n{result.folder}")
        self.line.end(f"Done in {result.scores.seconds:.0f} s.")
        with guard():
            show_result(self.session, result)
        self.session.update(result=result, prepared=result.prepared)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, DivergedError):  # the same steps would end alike
            self._may_resume()
        self.line.end("It could not be done; the message says why.")
        if isinstance(error, AuditError):
            self.audit.show_findings(error.findings)
            self.line.end(f"{len(error.findings)} finding(s) bar the training; see Check.")
            self.tabs.setCurrentIndex(1)

    def _stop(self) -> None:
        """Stop: the dock is free at once, the work ends within the step that it is in."""
        if self.job is None:
            return
        self.job.stop()
        self.job = None
        self._ending.add(self._owner)
        self._on_stop()
        self._refresh()

    def _say_stopped(self) -> None:
        where = self.run.where
        if self._may_resume():
            self.line.end(f"Stopped: {where}. Resume goes on from there.")
        else:
            self.line.end(f"Stopped: {where}. No result was kept.")
        if self.run.fitting:
            self._say("Stopped: the curves are those of a part of the run.")

    def _may_resume(self) -> bool:
        """Offer to go on with the run that ended early, if it had begun."""
        if self._running is None or not has_begun(self._running.folder):
            return False
        self._stopped = self._running
        return True

    def _say(self, result: str) -> None:
        self.result.setText(result)
        self.result.show()

    # Files

    @guard()
    def _open_report(self) -> None:
        if self.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder / "report.html")))

    def _copy_command(self) -> None:
        clipboard = QApplication.clipboard()
        if self.folder is not None and clipboard is not None:
            clipboard.setText(command_line(self.folder, self._cluster))
            self.line.text.setText("The command line is in the clipboard.")

    @guard()
    def _ask_recipe(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load recipe", "", "Recipe (*.toml)")
        if path:
            self.open_recipe(Path(path))

    def open_recipe(self, path: Path) -> None:
        """Set the forms of all docks as a recipe says, and open its data, unless that is not wanted.

        Raises
        ------
        InputError
            If it is no recipe. What it names and is not there is said in the end, once.
        """
        path = path.absolute()
        recipe, moved = found_again(load_recipe(path), path.parent)
        mention(*(f"{path.name}: {said}" for said in moved))
        recipe = rebased(recipe, path.parent, None)
        self.setup.load(recipe)
        self.audit.allow(recipe.audit.allow)
        self.session.update(recipe=recipe)
        self.tabs.setCurrentIndex(0)
        if has_begun(path.parent) and not (path.parent / SCORES).exists():
            self._stopped = Plan(path.parent, recipe)  # of a run that ended with its window, or was killed
        if self.with_data.isChecked():
            self._open_data(recipe, path)
        else:
            self.line.end(f"Set as {path.name} says.")
            self._refresh()

    def _open_data(self, recipe: Recipe, path: Path) -> None:
        """Read what a recipe names, and let Prepare and Labels hold it."""
        name = path.name
        owner, watch = QObject(self), Watch()
        say_none = partial(self.line.end, "Stopped: no data were opened.")
        self.line.start(f"Opening the data of {name}…")
        job = run_generator(
            partial(_found, recipe, watch, path.parent),
            owner=owner,
            description=f"Opening the data of {name}",
            on_done=lambda found: self._end(owner, partial(self._opened, found, name)),
            on_error=lambda _: self._end(owner, lambda: self.line.end("Its data could not be opened.")),
            on_stopped=lambda: self._end(owner, say_none),
        )
        self._running = None
        self.job, self._owner, self._on_stop = job, owner, say_none
        watch.job = job
        self.line.follow(job, lambda: 0.0)
        self._refresh()

    def _opened(self, found: Found | None, name: str) -> None:
        if found is None:
            self.line.end("Stopped: no data were opened.")
            return
        self.line.end("Its data could not be opened.")
        with guard():
            missing = show(self.session, found)
            mention(*(f"{name}: {said}" for said in (*missing, *found.notes)))
            self.line.end(f"Set as {name} says" + (", but for what is not there." if missing else "."))


def _found(recipe: Recipe, watch: Watch, folder: Path) -> Generator[None, None, Found | None]:
    try:
        return find(recipe, watch.over, folder)
    except StoppedReading:
        yield  # a worker sees a stop only between yields
    return None


def command_line(folder: Path, cluster: str = SERIAL) -> str:
    """The command that runs the recipe of a run folder again, beside it, computed in the same place."""
    again = f'fmri-decoder train "{folder / "recipe.toml"}" --out "{folder}-again"'
    return again if cluster == SERIAL else f"{again} --cluster {cluster}"


def _column(*parts: QWidget) -> QWidget:
    column = QWidget()
    rows = QVBoxLayout(column)
    rows.setContentsMargins(2, 4, 2, 4)
    for part in parts:
        rows.addWidget(part)
    rows.addStretch(1)
    return column


def _enable(button: QPushButton, reason: str) -> None:
    """Enable a button, or grey it for a reason."""
    button.setEnabled(not reason)
    tip = button.whatsThis()
    button.setToolTip(f"<p>{tip}</p><p><b>{reason}</b></p>" if reason else f"<p>{tip}</p>")
