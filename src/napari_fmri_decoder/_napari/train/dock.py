"""The Train dock: settings of a run, its progress and curves, and the buttons to start and stop it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QTabWidget

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import Dock
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard, notify_note
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.sections import column, scrolled, text_label
from napari_fmri_decoder._napari.train.blocking import BlockingView
from napari_fmri_decoder._napari.train.buttons import RunButtons
from napari_fmri_decoder._napari.train.check_page import CheckPage
from napari_fmri_decoder._napari.train.closing import CloseQuestion
from napari_fmri_decoder._napari.train.fixing import Fixer
from napari_fmri_decoder._napari.train.progress import RunView
from napari_fmri_decoder._napari.train.reasons import NO_SERIES, Reasons, require
from napari_fmri_decoder._napari.train.recipe_file import RecipeRow, has_stopped, read_recipe
from napari_fmri_decoder._napari.train.recipe_from_session import Choices, Plan, plan_run
from napari_fmri_decoder._napari.train.run_links import RunLinks
from napari_fmri_decoder._napari.train.runs import Runs
from napari_fmri_decoder._napari.train.setup import SetupView
from napari_fmri_decoder._napari.train.subjects import SubjectsView
from napari_fmri_decoder._napari.viewer.folders import run_folder
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.pipeline import Prepared, RunResult
    from napari_fmri_decoder.pipeline.fixes import Fix

PAGES = ("setup", "check", "progress")
"""Names of the tabs, in their order."""


class TrainDock(Dock):
    """Sets up, shows and controls the runs of the session; they do not belong to the dock.

    Attributes
    ----------
    decoder : ChoiceForm
        The choice of a decoder, and its options.
    training, split, preparation, permutation, baseline : ModelForm
        The other sections of the recipe that are set here.
    compare : CompareView
        Compared decoders of a loaded recipe.
    use_slab : CheckBox
    location : ClusterBox
        Where a run is computed.
    subjects : SubjectsView
        Runs all subjects of a BIDS folder.
    runs_folder : PathLine
        Each run makes a new folder in this one.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "train_dock")
        self.runs = self.session.part(Runs)
        setup = self.setup = SetupView(self.session)
        self.decoder, self.training, self.split = setup.decoder, setup.training, setup.split
        self.preparation, self.permutation = setup.preparation, setup.permutation
        self.baseline, self.compare, self.use_slab = setup.baseline, setup.compare, setup.use_slab
        self.location, self.runs_folder = setup.location, setup.runs_folder
        self.remembered = [] if self.runs.last is not None else self.setup.remembered  # its plan is shown
        self.reasons = Reasons(self.runs)
        self.subjects = SubjectsView(self)
        self.recipe = RecipeRow(self.open_recipe)
        self.load_button, self.with_data = self.recipe.load, self.recipe.with_data
        self.message = Message("train_message")
        self.buttons = RunButtons(self)
        self.check_button, self.train_button = self.buttons.check, self.buttons.train
        self.stop_button, self.resume_button = self.buttons.stop, self.buttons.resume
        self.fixer = Fixer(self.session, self.setup)
        self.check_page = CheckPage(self.fixer, guard(self.message)(self.fix))
        self.audit, self.estimate = self.check_page.audit, self.check_page.estimate
        self.line = ProgressLine(self.runs.progress)
        self.progress_view = RunView(self.line, self.runs.history)
        self.links = RunLinks(self.runs)
        self.extend((self.recipe, self.setup, self.subjects, self.buttons, self.links))
        self.result = text_label(name="result")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        shown = (self.result, self.links.activations.native, self.progress_view, self.links.native)
        set_up = column(self.recipe.native, self.setup.native, self.subjects.section())
        self.tabs.addTab(scrolled(set_up, "setup_scroll"), "Set up")
        self.tabs.addTab(scrolled(self.check_page, "audit_scroll"), "Check")
        self.tabs.addTab(scrolled(column(*shown), "run_scroll"), "Progress")
        self.rows.addWidget(self.tabs, 1)
        self.blocking = BlockingView(self.reasons, self.audit, partial(self._show_page, "check"))
        self.closing = CloseQuestion(self.native, self.runs, self.subjects.runs)
        for part in (self.line, self.message, self.blocking, self.closing, self.buttons.native):
            self.rows.addWidget(part)
        self.follow(self.session.changed, self._on_changed)
        self.follow(self.session.changed, self.setup.on_session)
        self.setup.follow_count(self.life)
        for job in (self.runs, self.subjects.runs):
            self.follow(job.changed, self._refresh)
        self.life.shown.connect(self.closing.watch)
        self.follow(self.runs.found, self.check_page.show_found)
        self.follow(self.setup.changed, self.blocking.outdate)
        self.follow(self.runs.page_changed, self._show_page)
        self.links.copied.connect(lambda: self.line.end("Command line copied."))
        self.catch_up()

    @property
    def job(self) -> Job | None:
        """The running job."""
        return self.runs.job

    @property
    def folder(self) -> Path | None:
        """Folder of the last run that ended."""
        return self.runs.folder

    def catch_up(self) -> None:
        """Show the runs of the session; one may have started before this dock was opened."""
        runs = self.runs
        if runs.last is not None:
            self.setup.show_plan(runs.last, runs.location)
            self.audit.allow(runs.last.recipe.audit.allow)
        else:
            self._on_changed("recipe")
        self.check_page.catch_up(runs)
        if runs.job is not None or runs.stopped is not None or runs.message:
            self._show_page("progress")
        self.progress_view.draw()
        self._refresh()

    def _on_changed(self, name: str) -> None:
        if name in ("series", "table", "mask", "slab"):
            self.blocking.outdate()
            self._refresh()
        if name == "recipe" and (recipe := self.session.state.recipe) is not None:
            self.audit.allow(recipe.audit.allow)

    def _refresh(self) -> None:
        """Enable the buttons that can be used; the others show the reason in their tooltips."""
        reasons, message = self.reasons, self.runs.message
        self.buttons.refresh(reasons)
        set_available(self.load_button, reasons.busy())
        self.links.refresh(reasons)
        self.subjects.refresh()
        self.closing.refresh()
        self.blocking.refresh()
        self.message.show_error(self.runs.error)
        self.result.setText(message)
        self.result.setVisible(bool(message))
        if idle := reasons.idle(self.line.text.text()):
            self.line.end(idle)

    def _show_page(self, page: str) -> None:
        self.tabs.setCurrentIndex(PAGES.index(page))

    def fix(self, fix: Fix) -> None:
        """Change the settings so that a finding of the audit no longer applies, and check again.

        Raises
        ------
        InputError
            If a job is running, or the changes do not fit.
        """
        require(self.reasons.busy())
        self.fixer.apply(fix)
        self.check(wait=False)

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return the sections of the recipe that are set here, validated.

        Returns
        -------
        dict of str to dict
            The sections "decoder", "training", "split", "prepare", "null" and "baseline":
            ``Recipe(data=..., labels=..., **train.settings())``.

        Raises
        ------
        InputError
            If a value is not valid.
        """
        return self.setup.choices(()).sections()

    def run(self, *, wait: bool = True) -> RunResult | None:
        """Train all folds, and show the results.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done; the window stays responsive.

        Returns
        -------
        RunResult or None
            None without waiting.

        Raises
        ------
        InputError
            If it cannot start, with the sentence that the dock shows; if it was stopped; or the error of
            the run, which may be another one.
        """
        require(self.reasons.no_start())
        choices = self.setup.choices(self.audit.allowed)
        plan = self._plan(choices, run_folder(self.setup.folder, choices.decoder.name, datetime.now()))
        return self._result(self.runs.train(plan, self.location.run_location()), wait)

    def resume(self, *, wait: bool = True) -> RunResult | None:
        """Continue the stopped run with its original settings; see `run`."""
        require(self.reasons.no_resume())
        return self._result(self.runs.resume(self.location.run_location()), wait)

    def check(self, *, wait: bool = True) -> Prepared | None:
        """Prepare the samples and run the audit, without training; findings do not raise.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done.

        Returns
        -------
        Prepared or None
            The samples, folds and findings; None without waiting.

        Raises
        ------
        InputError
            As in `run`.
        """
        require(self.reasons.no_start())
        choices = self.setup.choices(self.audit.allowed)
        job = self.runs.check(self._plan(choices, Path(tempfile.mkdtemp(prefix="fmri-decoder-check-"))))
        job.wait_if(wait)
        return self.runs.prepared if wait else None

    def stop(self, *, wait: bool = True) -> None:
        """Stop the running job; completed work is kept.

        Parameters
        ----------
        wait : bool
            Whether to return only after its current step has ended, so that it can be resumed.

        Raises
        ------
        InputError
            If nothing is running.
        """
        require(self.reasons.no_stop())
        self.runs.stop_and_wait(wait)

    def _result(self, job: Job, wait: bool) -> RunResult | None:
        job.wait_if(wait)
        return self.session.state.results.result if wait else None

    def _plan(self, choices: Choices, folder: Path) -> Plan:
        series, layer = self.session.series, self.session.state.preparation.anatomy
        anatomy = self.session.volume(layer) if layer is not None else None
        if series is None:
            raise InputError(NO_SERIES)
        return plan_run(self.session.state, series, anatomy, choices, folder)

    def open_recipe(self, path: str | Path, *, wait: bool = True) -> None:
        """Set the forms of all docks from a recipe, and open its data if that box is checked.

        Parameters
        ----------
        path : str or Path
        wait : bool
            Whether to return only when the data are open.

        Raises
        ------
        InputError
            If the file is not a recipe, or a job is running. Missing files of its data are reported once,
            at the end.
        """
        require(self.reasons.busy())
        path = Path(path).absolute()
        recipe, moved = read_recipe(path)
        notify_note(*(f"{path.name}: {message}" for message in moved))
        self.session.update(recipe=recipe)
        self.tabs.setCurrentIndex(0)
        if has_stopped(path.parent):
            self.runs.stopped = Plan(path.parent, recipe)
        if self.with_data.value:
            self.runs.open_data(recipe, path).wait_if(wait)
        else:
            self.line.end(f"Loaded {path.name}.")
            self._refresh()
