"""Why a run cannot be started, stopped or resumed now: shown by the dock, and raised by its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.train.runs import NONE_STOPPED
from napari_fmri_decoder._napari.train.subject_runs import SubjectRuns
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.run_files import REPORT

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.train.runs import Runs

NO_SERIES = "Choose a series in the Prepare dock first."
NO_LABELS = "Label the volumes in the Labels dock first."
NO_MAPS = "The recipe decodes z-maps: make them in the Labels dock, under Z-maps, first."
BUSY = "A job is running. Wait for it or stop it."
NONE_RUNNING = "Nothing is running."
STOP_SUBJECTS = "Stop the subjects on the page Set up, under All subjects."
NONE_ENDED = "No run has ended yet."
NOT_ENDED = "The report is written at the end of the run."
NO_REPORT = "The run folder has no report.html."
ENDING = "The stopped run is still finishing its current step."
PLACES = {
    NO_SERIES: ("Prepare", "series"),
    NO_LABELS: ("Labels", "source"),
    NO_MAPS: ("Labels", "section_zmaps"),
}
"""The dock and the control that provide what is missing."""
READY = "Ready to train."
SUBJECTS_RUN = "All subjects are being decoded; see the page Set up."
IDLE = ("", NO_SERIES, NO_LABELS, NO_MAPS, SUBJECTS_RUN)
"""Texts of the progress line that no job has written."""


class Reasons:
    """Sentences that say why something cannot be done now; empty if it can.

    Parameters
    ----------
    runs : Runs

    Attributes
    ----------
    session : Session
    """

    def __init__(self, runs: Runs) -> None:
        self._runs, self.session = runs, runs.session
        self._subjects = runs.session.part(SubjectRuns)

    def missing(self) -> str:
        """What is missing for training."""
        series, table = self.session.series, self.session.state.labeling.table
        if series is None:
            return NO_SERIES
        if table is None or len(table) != series.n_volumes:
            return NO_LABELS
        recipe = self.session.state.recipe
        decodes_maps = recipe is not None and recipe.zmaps is not None
        return NO_MAPS if decodes_maps and series.step is not None else ""

    def place(self) -> tuple[str, str] | None:
        """The dock and the control that provide what is missing for training."""
        return PLACES.get(self.missing())

    def busy(self) -> str:
        """Why no job can start."""
        return BUSY if self._runs.job is not None or self._subjects.job is not None else ""

    def idle(self, text: str) -> str:
        """What the progress line shows when no single run is trained; "" to keep its text."""
        if self._runs.job is not None:
            return ""
        if self._subjects.job is not None:
            return SUBJECTS_RUN
        return self.missing() or (READY if text in IDLE else "")

    def no_start(self) -> str:
        """Why no check and no run can start."""
        return self.busy() or self.missing()

    def no_stop(self) -> str:
        """Why there is nothing to stop."""
        if self._subjects.job is not None:
            return STOP_SUBJECTS
        return "" if self._runs.job is not None else NONE_RUNNING

    def no_resume(self) -> str:
        """Why no run can be resumed."""
        if self.busy():
            return BUSY
        if self._runs.stopped is None:
            return NONE_STOPPED
        return ENDING if self._runs.ending else ""

    def no_links(self) -> str:
        """Why there are no results of a last run."""
        return "" if self._runs.folder is not None else NONE_ENDED

    def no_report(self) -> str:
        """Why there is no report to open."""
        if self._runs.training:
            return NOT_ENDED
        folder = self._runs.folder
        return self.no_links() or ("" if folder and (folder / REPORT).is_file() else NO_REPORT)


def require(reason: str) -> None:
    """Raise `InputError` with the reason why something cannot be done, unless it is empty."""
    if reason:
        raise InputError(reason)
