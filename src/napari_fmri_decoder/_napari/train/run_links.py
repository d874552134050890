"""Buttons for the last run: its report, and the command line that repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import push_button
from napari_fmri_decoder.training.tasks.workers import SERIAL

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder._napari.train.runs import Runs


class RunLinks(QWidget):
    """Opens the report of the last run, and copies its command line.

    Parameters
    ----------
    runs : Runs

    Attributes
    ----------
    report, command : QPushButton
    copied : Signal
        Sent after the command line was copied.
    """

    copied = Signal()

    def __init__(self, runs: Runs) -> None:
        super().__init__()
        self._runs = runs
        self.report = push_button(
            "open_report", "Open report", "Open report.html of the last run in the browser."
        )
        self.command = push_button(
            "copy_command",
            "Copy command line",
            "Copy the command that repeats the last run without a window.",
        )
        self.report.clicked.connect(self._open_report)
        self.command.clicked.connect(self._copy_command)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.addWidget(self.report)
        columns.addWidget(self.command)

    @guard()
    def _open_report(self) -> None:
        if self._runs.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._runs.folder / "report.html")))

    def _copy_command(self) -> None:
        clipboard = QApplication.clipboard()
        if self._runs.folder is not None and clipboard is not None:
            clipboard.setText(command_line(self._runs.folder, self._runs.location.cluster))
            self.copied.emit()


def command_line(folder: Path, cluster: str = SERIAL) -> str:
    """Command that repeats the recipe of a run folder, into a folder next to it, on the same workers."""
    again = f'fmri-decoder train "{folder / "recipe.toml"}" --out "{folder}-again"'
    return again if cluster == SERIAL else f"{again} --cluster {cluster}"
