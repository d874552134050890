"""The Train dock: settings of a run, its progress and curves, and the buttons to start and stop it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import Dock, scrolled, text_label
from napari_fmri_decoder._napari.qt.notifications import guard, notify_note
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.small_widgets import push_button, row
from napari_fmri_decoder._napari.train.audit import AuditView
from napari_fmri_decoder._napari.train.estimate import EstimateView
from napari_fmri_decoder._napari.train.progress import RunView
from napari_fmri_decoder._napari.train.recipe_from_session import Plan, plan_run
from napari_fmri_decoder._napari.train.run_links import RunLinks
from napari_fmri_decoder._napari.train.runs import Runs
from napari_fmri_decoder._napari.train.setup import SetupView
from napari_fmri_decoder._napari.viewer.folders import run_folder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import Prepared
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.training.estimate import RunEstimate

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.qt.workers import Job

NO_SERIES = "Choose a series in the Prepare dock first."
NO_LABELS = "Label the volumes in the Labels dock first."
NO_MAPS = "The recipe decodes z-maps: make them in the Labels dock, under Z-maps, first."
LOAD = "Set all docks from a recipe (.toml), such as the one in a run folder."
WITH_DATA = (
    "Open the images, mask, slab and labels of the recipe. If unchecked, only its options are set, for the "
    "data that are open."
)
BUSY = "A job is running. Wait for it or stop it."
IDLE = ("", NO_SERIES, NO_LABELS, NO_MAPS)
"""Texts of the progress line that no job has written."""
PAGES = ("setup", "check", "progress")
"""Names of the tabs, in their order."""


class TrainDock(Dock):
    """Sets up, shows and controls the runs of the session; they do not belong to the dock."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("train_dock")
        self.runs = self.session.part(Runs)
        self.setup = SetupView(self.session)
        self.audit = AuditView()
        self.line = ProgressLine(self.runs.progress)
        self.run = RunView(self.line, self.runs.history)
        self.links = RunLinks(self.runs)
        self.result = text_label(name="result")
        self.result.hide()
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        self.tabs.addTab(scrolled(_column(self._recipe(), self.setup), "setup_scroll"), "Set up")
        self.estimate = EstimateView()
        self.tabs.addTab(scrolled(_column(self.audit, self.estimate), "audit_scroll"), "Check")
        self.tabs.addTab(scrolled(_column(self.result, self.run, self.links), "run_scroll"), "Progress")
        self.rows.addWidget(self.tabs, 1)
        self.rows.addWidget(self.line)
        self.rows.addWidget(self._buttons())
        self.follow(self.session.changed, self._on_changed)
        self.follow(self.session.changed, self.setup.on_session)
        self.follow(self.runs.changed, self._refresh)
        self.follow(self.runs.found, self._show_found)
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
        if runs.prepared is not None:
            self.audit.show_prepared(runs.prepared)
        if runs.findings:
            self.audit.show_findings(runs.findings)
        if runs.estimate is not None:
            self.estimate.show_estimate(runs.estimate)
        if runs.job is not None or runs.stopped is not None or runs.message:
            self._show_page("progress")
        self.run.curves.draw()
        self.run.show_notes()
        self._refresh()

    def _buttons(self) -> QWidget:
        self.check = push_button(
            "check_button", "Check", "Prepare the samples and run the audit, without training."
        )
        self.train = push_button(
            "train_button", "Train", "Train all folds, and show the results over the anatomy."
        )
        self.stop = push_button(
            "stop_button", "Stop", "Stop immediately. Completed work is kept; Resume continues it."
        )
        self.resume = push_button(
            "resume_button", "Resume", "Resume the stopped run with its original settings."
        )
        self.check.clicked.connect(self._check)
        self.train.clicked.connect(self._train)
        self.stop.clicked.connect(lambda *_: self.runs.stop())
        self.resume.clicked.connect(self._resume)
        return row(self.check, self.train, self.stop, self.resume)

    def _recipe(self) -> QWidget:
        self.load = push_button("load_recipe", "Load recipe…", LOAD)
        self.with_data = QCheckBox("and open its data")
        self.with_data.setObjectName("load_data")
        self.with_data.setChecked(True)
        self.with_data.setToolTip(f"<p>{WITH_DATA}</p>")
        self.load.clicked.connect(self._ask_recipe)
        return row(self.load, self.with_data)

    # Which buttons are enabled

    def _on_changed(self, name: str) -> None:
        if name in ("series", "table"):
            self._refresh()

    def _missing(self) -> str:
        """What is missing for training; empty if nothing."""
        series, table = self.session.series, self.session.state.labeling.table
        if series is None:
            return NO_SERIES
        if table is None or len(table) != series.n_volumes:
            return NO_LABELS
        recipe = self.session.state.recipe
        decodes_maps = recipe is not None and recipe.zmaps is not None
        return NO_MAPS if decodes_maps and series.step is not None else ""

    def _refresh(self) -> None:
        """Enable the buttons that can be used; the others show the reason in their tooltips."""
        missing, runs = self._missing(), self.runs
        busy = BUSY if runs.job is not None else ""
        set_available(self.train, busy or missing)
        set_available(self.check, busy or missing)
        set_available(self.stop, "" if busy else "Nothing is running.")
        set_available(self.resume, self._no_resume())
        set_available(self.load, busy)
        none = "" if runs.folder is not None else "No run has ended yet."
        set_available(self.links.report, none)
        set_available(self.links.command, none)
        self.result.setText(runs.message)
        self.result.setVisible(bool(runs.message))
        if not busy and (missing or self.line.text.text() in IDLE):
            self.line.end(missing or "Ready to train.")

    def _no_resume(self) -> str:
        """Why no run can be resumed; empty if one can."""
        if self.runs.job is not None:
            return BUSY
        if self.runs.stopped is None:
            return "No run was stopped."
        return "The stopped run is still finishing its current step." if self.runs.ending else ""

    def _show_page(self, page: str) -> None:
        self.tabs.setCurrentIndex(PAGES.index(page))

    # Jobs

    @guard()
    def _train(self) -> None:
        decoder = self.setup.choices(()).decoder.name
        plan = self._plan(run_folder(self.setup.runs_folder, decoder, datetime.now()))
        self.runs.train(plan, self.setup.location.location)

    @guard()
    def _resume(self) -> None:
        self.runs.resume(self.setup.location.location)

    @guard()
    def _check(self) -> None:
        self.runs.check(self._plan(Path(tempfile.mkdtemp(prefix="fmri-decoder-check-"))))

    def _plan(self, folder: Path) -> Plan:
        if missing := self._missing():
            raise InputError(missing)
        series, layer = self.session.series, self.session.state.preparation.anatomy
        anatomy = self.session.volume(layer) if layer is not None else None
        if series is None:
            raise InputError(NO_SERIES)
        return plan_run(self.session.state, series, anatomy, self.setup.choices(self.audit.allowed), folder)

    def _show_found(self, event: object) -> None:
        """Show the samples, estimate or findings of a check or run."""
        if isinstance(event, Prepared):
            self.audit.show_prepared(event)
        elif isinstance(event, RunEstimate):
            self.estimate.show_estimate(event)
        elif isinstance(event, tuple):
            self.audit.show_findings(event)

    # Files

    @guard()
    def _ask_recipe(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load recipe", "", "Recipe (*.toml)")
        if path:
            self.open_recipe(Path(path))

    def open_recipe(self, path: Path) -> None:
        """Set the forms of all docks from a recipe, and open its data if that box is checked.

        Raises
        ------
        InputError
            If the file is not a recipe. Missing files of its data are reported once, at the end.
        """
        path = path.absolute()
        recipe, moved = found_again(load_recipe(path), path.parent)
        notify_note(*(f"{path.name}: {message}" for message in moved))
        recipe = rebased(recipe, path.parent, None)
        self.setup.load(recipe)
        self.audit.allow(recipe.audit.allow)
        self.session.update(recipe=recipe)
        self.tabs.setCurrentIndex(0)
        if has_begun(path.parent) and not (path.parent / SCORES).exists():
            self.runs.stopped = Plan(path.parent, recipe)  # napari was closed during the run, or killed
        if self.with_data.isChecked():
            self.runs.open_data(recipe, path)
        else:
            self.line.end(f"Loaded {path.name}.")
            self._refresh()


def _column(*parts: QWidget) -> QWidget:
    column = QWidget()
    rows = QVBoxLayout(column)
    rows.setContentsMargins(2, 4, 2, 4)
    for part in parts:
        rows.addWidget(part)
    rows.addStretch(1)
    return column
