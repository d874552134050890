"""Buttons for the last run: its hidden layers, its report, and the command line that repeats it."""

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
from napari_fmri_decoder._napari.results.roles import first_hidden_layer, show_only
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.run_files import REPORT
from napari_fmri_decoder.training.tasks.workers import SERIAL

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder._napari.train.reasons import Reasons
    from napari_fmri_decoder._napari.train.runs import Runs

ACTIVATIONS = "Show the activations of the first hidden layer over the anatomy. Look inside has the others."
NO_LAYERS = "The last run has no hidden layers with positions in the brain; those of a CNN have them."


class RunLinks(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Shows the activations of the last run, opens its report, and copies its command line.

    Parameters
    ----------
    runs : Runs

    Attributes
    ----------
    activations, report, command : PushButton
        The first is not in the row of the others: it comes right below the score.
    copied : Signal
        Sent after the command line was copied.
    """

    copied = Signal()

    def __init__(self, runs: Runs) -> None:
        super().__init__(name="links", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self._runs = runs
        self.activations = push_button("show_activations", "Show activations", ACTIVATIONS)
        self.activations.changed.connect(self._show_activations)
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
        hidden = first_hidden_layer(self._runs.session.viewer)
        set_available(self.activations, reasons.no_links() or ("" if hidden else NO_LAYERS))
        set_available(self.report, reasons.no_report())
        set_available(self.command, reasons.no_links())

    @guard()
    def _show_activations(self) -> None:
        viewer = self._runs.session.viewer
        hidden = first_hidden_layer(viewer)
        if hidden is None:
            raise InputError(NO_LAYERS)
        show_only(viewer, hidden)

    @guard()
    def _open_report(self) -> None:
        if self._runs.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._runs.folder / REPORT)))

    def _copy_command(self) -> None:
        clipboard = QApplication.clipboard()
        if self._runs.folder is not None and clipboard is not None:
            clipboard.setText(command_line(self._runs.folder, self._runs.location.cluster))
            self.copied.emit()


def command_line(folder: Path, cluster: str = SERIAL) -> str:
    """Command that repeats the recipe of a run folder, into a folder next to it, on the same workers."""
    again = f'fmri-decoder train "{folder / "recipe.toml"}" --out "{folder}-again"'
    return again if cluster == SERIAL else f"{again} --cluster {cluster}"
