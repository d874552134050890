"""The dock Train: network, split and preparation; the runs of the session, their curves, and Stop."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl
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
from napari_fmri_decoder._napari.recipe_of_session import Plan, Where, plan_run, run_folder
from napari_fmri_decoder._napari.runs import Runs
from napari_fmri_decoder._napari.widgets.audit_view import AuditView
from napari_fmri_decoder._napari.widgets.outlook_view import OutlookView
from napari_fmri_decoder._napari.widgets.parts import beside, push_button
from napari_fmri_decoder._napari.widgets.run_view import ProgressLine, RunView
from napari_fmri_decoder._napari.widgets.setup_view import SetupView
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import Prepared
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.training.cluster import SERIAL
from napari_fmri_decoder.training.outlook import Outlook

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.workers import Job

NO_SERIES = "Choose the series in the dock Prepare first."
NO_LABELS = "Give each volume its label in the dock Labels first."
NO_MAPS = "The recipe decodes z-maps: make them in the dock Labels, under Z-maps, first."
LOAD = "Set all docks as a recipe (.toml) says, such as that of a run folder."
WITH_DATA = (
    "Open the images that the recipe names, with its mask, slab and labels, as in Prepare and Labels. "
    "Unticked, its options are set for the data that are open."
)
BUSY = "A job is running. Wait for it or stop it."
IDLE = ("", NO_SERIES, NO_LABELS, NO_MAPS)
"""What the line says where nothing was done that is to be known."""
PAGES = ("setup", "check", "progress")
"""Names of the tabs, in their order."""


class TrainDock(Dock):
    """Fills in a recipe, and shows and steers the runs of the session: it owns none of them."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("train_dock")
        self.runs = self.session.part(Runs)
        self.setup = SetupView(self.session)
        self.audit = AuditView()
        self.line = ProgressLine(self.runs.progress)
        self.run = RunView(self.line, self.runs.story)
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
        self.follow(self.session.changed, self.setup.on_session)
        self.follow(self.runs.changed, self._refresh)
        self.follow(self.runs.heard, self._hear)
        self.follow(self.runs.turned, self._turn_to)
        self.catch_up()

    @property
    def job(self) -> Job | None:
        """What is running."""
        return self.runs.job

    @property
    def folder(self) -> Path | None:
        """Of the last run that ended."""
        return self.runs.folder

    def catch_up(self) -> None:
        """Show the runs of the session: one may be running since before this dock was opened."""
        runs = self.runs
        if runs.last is not None:
            self.setup.show_plan(runs.last, runs.where)
            self.audit.allow(runs.last.recipe.audit.allow)
        if runs.prepared is not None:
            self.audit.show_prepared(runs.prepared)
        if runs.findings:
            self.audit.show_findings(runs.findings)
        if runs.outlook is not None:
            self.outlook.show_outlook(runs.outlook)
        if runs.job is not None or runs.stopped is not None or runs.said:
            self._turn_to("progress")
        self.run.curves.draw()
        self.run.show_notes()
        self._refresh()

    def _buttons(self) -> QWidget:
        self.check = push_button(
            "check_button", "Check", "Prepare the samples and look for leaks, without training."
        )
        self.train = push_button(
            "train_button", "Train", "Train fold by fold, and show the results over the anatomy."
        )
        self.stop = push_button("stop_button", "Stop", "Stop at once. Resume continues what was completed.")
        self.resume = push_button(
            "resume_button", "Resume", "Resume the stopped run with its original settings."
        )
        self.check.clicked.connect(self._check)
        self.train.clicked.connect(self._train)
        self.stop.clicked.connect(lambda *_: self.runs.stop())
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
        """Enable what can be done; gray the rest, and say why."""
        missing, runs = self._missing(), self.runs
        busy = BUSY if runs.job is not None else ""
        _enable(self.train, busy or missing)
        _enable(self.check, busy or missing)
        _enable(self.stop, "" if busy else "Nothing is running.")
        _enable(self.resume, self._no_resume())
        _enable(self.load, busy)
        none = "" if runs.folder is not None else "No run has ended yet."
        _enable(self.report, none)
        _enable(self.command, none)
        self.result.setText(runs.said)
        self.result.setVisible(bool(runs.said))
        if not busy and (missing or self.line.text.text() in IDLE):
            self.line.end(missing or "Ready to train.")

    def _no_resume(self) -> str:
        """Why nothing can be resumed, empty if something can."""
        if self.runs.job is not None:
            return BUSY
        if self.runs.stopped is None:
            return "No run was stopped."
        return "The step in which it was stopped has not ended yet." if self.runs.ending else ""

    def _turn_to(self, page: str) -> None:
        self.tabs.setCurrentIndex(PAGES.index(page))

    # Work

    @guard()
    def _train(self) -> None:
        decoder = self.setup.choices(()).decoder.name
        plan = self._plan(run_folder(self.setup.runs_folder, decoder, datetime.now()))
        self.runs.train(plan, self._where())

    @guard()
    def _resume(self) -> None:
        self.runs.resume(self._where())

    def _where(self) -> Where:
        where = self.setup.where
        return Where(where.cluster, where.apart)

    @guard()
    def _check(self) -> None:
        self.runs.check(self._plan(Path(tempfile.mkdtemp(prefix="fmri-decoder-check-"))))

    def _plan(self, folder: Path) -> Plan:
        if missing := self._missing():
            raise InputError(missing)
        series, state = self.session.series, self.session.state
        anatomy = self.session.volume(state.anatomy) if state.anatomy is not None else None
        if series is None:
            raise InputError(NO_SERIES)
        return plan_run(state, series, anatomy, self.setup.choices(self.audit.allowed), folder)

    def _hear(self, event: object) -> None:
        """Show what a check or a run found."""
        if isinstance(event, Prepared):
            self.audit.show_prepared(event)
        elif isinstance(event, Outlook):
            self.outlook.show_outlook(event)
        elif isinstance(event, tuple):
            self.audit.show_findings(event)

    # Files

    @guard()
    def _open_report(self) -> None:
        if self.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder / "report.html")))

    def _copy_command(self) -> None:
        clipboard = QApplication.clipboard()
        if self.folder is not None and clipboard is not None:
            clipboard.setText(command_line(self.folder, self.runs.where.cluster))
            self.line.end("The command line is in the clipboard.")

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
            If it is no recipe. Files that it names and that are missing are reported at the end, once.
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
            self.runs.stopped = Plan(path.parent, recipe)  # it ended with its window, or was killed
        if self.with_data.isChecked():
            self.runs.open_data(recipe, path)
        else:
            self.line.end(f"Loaded {path.name}.")
            self._refresh()


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
    """Enable a button, or gray it for a reason."""
    button.setEnabled(not reason)
    tip = button.whatsThis()
    button.setToolTip(f"<p>{tip}</p><p><b>{reason}</b></p>" if reason else f"<p>{tip}</p>")
