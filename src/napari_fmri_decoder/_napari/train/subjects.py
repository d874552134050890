"""All subjects of a BIDS folder: run, stop and resume them, with a table and the group result."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from magicgui.widgets import Container
from qtpy.QtCore import QTimer

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.sections import native_row, scroll_to, section, text_label
from napari_fmri_decoder._napari.results.open_run import open_run
from napari_fmri_decoder._napari.train.reasons import NONE_RUNNING, require
from napari_fmri_decoder._napari.train.runs import NONE_STOPPED
from napari_fmri_decoder._napari.train.study_plan import plan_study, why_no_study
from napari_fmri_decoder._napari.train.subject_runs import SubjectRuns
from napari_fmri_decoder._napari.train.subjects_table import SubjectsTable
from napari_fmri_decoder._napari.viewer.folders import run_folder

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtCore import QModelIndex
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.train.dock import TrainDock
    from napari_fmri_decoder.evaluation.group import GroupScores

ABOUT = (
    "Decodes each subject of the BIDS folder separately, with all settings of this dock and the task, space "
    "and runs that were selected in Labels."
)
RUN = "Decode each subject of the BIDS folder, one after the other, and summarize their scores."
STOP = "Stop within a batch. Finished subjects are kept; Resume continues."
RESUME = "Continue the stopped subjects with their original settings, in the same folder."
OPENS = "Double click a finished subject to open its run."


class SubjectsView(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """The section All subjects of the Train dock.

    Parameters
    ----------
    dock : TrainDock
        Its settings are used.

    Attributes
    ----------
    runs : SubjectRuns
    run_button, stop_button, resume_button : PushButton
    table : SubjectsTable
    """

    def __init__(self, dock: TrainDock) -> None:
        super().__init__(name="subjects", labels=False)
        self.margins = (0, 0, 0, 0)
        self._dock = dock
        self.runs = dock.session.part(SubjectRuns)
        self.about = text_label(name="subjects_about")
        self.run_button = push_button("run_subjects", "Run all subjects", RUN)
        self.stop_button = push_button("stop_subjects", "Stop", STOP)
        self.resume_button = push_button("resume_subjects", "Resume", RESUME)
        self.message = Message("subjects_error")
        works = {self.run_button: self.run, self.stop_button: self.stop, self.resume_button: self.resume}
        for button, work in works.items():
            button.changed.connect(guard(self.message)(partial(work, wait=False)))
        self.line = ProgressLine(self.runs.progress)
        self.table = SubjectsTable()
        self.table.doubleClicked.connect(self._on_double_click)
        self.opens = text_label(OPENS, "subjects_open")
        self.result = text_label(name="subjects_result")
        self._scroll = QTimer(self.native)  # after the layout has its size
        self._scroll.setSingleShot(True)
        self._scroll.timeout.connect(self._into_view)
        buttons = native_row(*(button.native for button in works))
        rows = self.native.layout()
        for part in (self.about, buttons, self.message, self.line, self.table, self.opens, self.result):
            rows.addWidget(part)
        self.refresh()

    def section(self) -> QWidget:
        """Put the view under its title, closed at first."""
        return section("All subjects", self.native, name="section_subjects", open_=False)

    @property
    def group(self) -> GroupScores | None:
        """Summary of the last study that ended."""
        return self.runs.group

    @property
    def folder(self) -> Path | None:
        """Folder of the last study: one run folder per subject, and the summary."""
        return self.runs.plan.folder if self.runs.plan is not None else None

    def run(self, *, wait: bool = True) -> GroupScores | None:
        """Decode all subjects with the settings of the dock, and summarize their scores.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done; the window stays responsive.

        Returns
        -------
        GroupScores or None
            None without waiting.

        Raises
        ------
        InputError
            If it cannot start, with the sentence that the section shows; if it was stopped; or if all
            subjects fail.
        """
        require(self._why_not())
        choices = self._dock.setup.choices(self._dock.audit.allowed)
        name = f"subjects_{choices.decoder.name}"
        folder = run_folder(self._dock.setup.folder, name, datetime.now())
        plan = plan_study(self._dock.session, choices, folder)
        return self._result(self.runs.start(plan, self._dock.location.run_location()), wait)

    def resume(self, *, wait: bool = True) -> GroupScores | None:
        """Continue the study that was stopped, with its original settings; see `run`."""
        require(self._why_no_resume())
        stopped = self.runs.stopped
        if stopped is None:
            return None
        job = self.runs.start(stopped, self._dock.location.run_location(), resume=True)
        return self._result(job, wait)

    def stop(self, *, wait: bool = True) -> None:
        """Stop; finished subjects and completed work are kept.

        Parameters
        ----------
        wait : bool
            Whether to return only after the current step has ended.

        Raises
        ------
        InputError
            If no study is running.
        """
        require("" if self.runs.job is not None else NONE_RUNNING)
        self.runs.stop_and_wait(wait)

    def refresh(self) -> None:
        """Show the study of the session, and what can be done now."""
        runs, why = self.runs, self._why_not()
        blocked = "" if self._dock.reasons.busy() else why
        self.about.setText(blocked or ABOUT)
        set_available(self.run_button, why)
        set_available(self.stop_button, "" if runs.job is not None else NONE_RUNNING)
        set_available(self.resume_button, self._why_no_resume())
        self.line.setVisible(bool(runs.progress.text))
        if len(runs.rows) != len(self.table.rows) or (runs.message and runs.message != self.result.text()):
            self._scroll.start(0)
        self.table.show_rows(runs.rows)
        self.table.setVisible(bool(runs.rows))
        self.opens.setVisible(any(row.folder is not None for row in runs.rows))
        self.result.setText(runs.message)
        self.result.setVisible(bool(runs.message))
        self.message.show_error(runs.error)

    def _into_view(self) -> None:
        """Show the table when it appears, and later the group result below it."""
        scroll_to(self.table)
        scroll_to(self.result)

    def _why_not(self) -> str:
        reasons, session = self._dock.reasons, self._dock.session
        if busy := reasons.busy():
            return busy
        return why_no_study(session) if session.series is None else reasons.missing() or why_no_study(session)

    def _why_no_resume(self) -> str:
        return self._dock.reasons.busy() or ("" if self.runs.stopped is not None else NONE_STOPPED)

    def _result(self, job: Job, wait: bool) -> GroupScores | None:
        job.wait_if(wait)
        return self.group if wait else None

    def _on_double_click(self, index: QModelIndex) -> None:
        with guard(self.message):
            self.open(self.table.rows[index.row()].name)

    def open(self, subject: str) -> Job | None:
        """Open the run of a finished subject, such as "sub-01"; does nothing for the others."""
        for row in self.runs.rows:
            if row.name == subject and row.folder is not None:
                return open_run(self._dock.viewer, row.folder)
        return None
