"""Opening runs from the Look inside dock: a button, progress and Stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.results.open_run import RunOpener, choose_run

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session

OPEN_RUN = "Open the folder of a finished run: its data, settings and results, as after training."
STOP = "Stop opening the run; nothing is changed."
OPENING = "A run is being opened."


class OpenRow(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """The button, and while a run is opened, its progress and Stop.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    open_run, stop : PushButton
    line : ProgressLine
    """

    def __init__(self, session: Session) -> None:
        super().__init__(name="open", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self._session = session
        self._opener = session.part(RunOpener)
        self.open_run = push_button("open_run_button", "Open run…", OPEN_RUN)
        self.stop = push_button("stop_opening", "Stop", STOP)
        self.line = ProgressLine(self._opener.progress)
        self.open_run.changed.connect(self._choose)
        self.stop.changed.connect(self._stop)
        self.extend((self.open_run, self.stop))
        self.refresh()

    def refresh(self) -> None:
        """Show Stop and the progress only while a run is being opened."""
        busy = self._opener.job is not None
        set_available(self.open_run, OPENING if busy else None)
        self.stop.visible = busy
        self.line.setVisible(busy)

    @guard()
    def _choose(self) -> None:
        choose_run(self._session.viewer)

    def _stop(self) -> None:
        self._opener.stop()
