"""Buttons for the last run: its report, and the command line that repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder.training.tasks.workers import SERIAL

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder._napari.train.reasons import Reasons
    from napari_fmri_decoder._napari.train.runs import Runs


class RunLinks(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Opens the report of the last run, and copies its command line.

    Parameters
    ----------
    runs : Runs

    Attributes
    ----------
    report, command : PushButton
    copied : Signal
        Sent after the command line was copied.
    """

    copied = Signal()

    def __init__(self, runs: Runs) -> None:
        super().__init__(name="links", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self._runs = runs
        self.report = push_button(
            "open_report", "Open report", "Open report.html of the last run in the browser."
        )
        self.command = push_button(
            "copy_command",
            "Copy command line",
            "Copy the command that repeats the last run without a window.",
        )
        self.report.changed.connect(self._open_report)
        self.command.changed.connect(self._copy_command)
        self.extend((self.report, self.command))

    def refresh(self, reasons: Reasons) -> None:
        """Enable the buttons after a run."""
        set_available(self.report, reasons.no_links())
        set_available(self.command, reasons.no_links())

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
