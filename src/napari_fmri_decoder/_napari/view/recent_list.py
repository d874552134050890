"""The latest runs on the Start page: each opens with one click."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.elided import ElideButton
from napari_fmri_decoder._napari.qt.availability import set_tooltip, tooltip
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.open_run import open_run
from napari_fmri_decoder._napari.results.recent_runs import recent_runs
from napari_fmri_decoder.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer

MOST = 3
"""Number of runs that are listed."""


class RecentList(QWidget):
    """Buttons with the names of the latest runs; hidden while there are none.

    Parameters
    ----------
    viewer : napari Viewer

    Attributes
    ----------
    buttons : list of PushButton
    folders : list of Path
        The runs that are listed, the latest first.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.setObjectName("recent_runs")
        self._viewer = viewer
        self.folders: list[Path] = []
        self.buttons = [
            push_button(f"recent_run_{i}", "Recent run", "Open this run, as after training.")
            for i in range(MOST)
        ]
        self._texts = [ElideButton(button.native) for button in self.buttons]
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addWidget(text_label("Recent runs:", "recent_runs_label"))
        for i, button in enumerate(self.buttons):
            button.changed.connect(guard()(partial(self.open, i)))
            rows.addWidget(button.native)
        self.refresh()

    def refresh(self) -> None:
        """List the runs as they are now on the disk."""
        self.folders = recent_runs()[:MOST]
        for i, (button, text) in enumerate(zip(self.buttons, self._texts, strict=True)):
            button.native.setVisible(i < len(self.folders))
            if i < len(self.folders):
                name = printable(self.folders[i].name)
                text.show(name)
                button.native.setAccessibleName(f"Open the run {name}")
                whole = escape(printable(str(self.folders[i])))
                set_tooltip(button, tooltip(f"Open this run, as after training: {whole}"))
        self.setVisible(bool(self.folders))

    def open(self, i: int) -> None:
        """Open a listed run; if its images were moved, it is asked where they are.

        Raises
        ------
        InputError
            If the folder contains no finished run any more, or another one is being opened.
        """
        open_run(self._viewer, self.folders[i])
