"""A run folder that is dropped on napari's window is opened as a run, without napari's choice of a reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtGui import QDropEvent

from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.running import owner_in
from napari_fmri_decoder.pipeline.run_files import is_run_folder

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session


class DroppedRuns:
    """Opens run folders that are dropped; get it by `session.part(DroppedRuns)`."""

    def __init__(self, session: Session) -> None:
        target = getattr(getattr(session.viewer, "window", None), "_qt_viewer", None)
        self._filter = _DropFilter(session, owner_in(session.viewer))
        if target is not None:
            target.installEventFilter(self._filter)


class _DropFilter(QObject):
    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = ref(session)
        self._folder = Path()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take a drop of one run folder; everything else is napari's."""
        if not isinstance(event, QDropEvent) or event.type() != QEvent.Type.Drop:
            return False
        mime = event.mimeData()
        urls = mime.urls() if mime is not None else []
        folder = Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
        if folder is None or not is_run_folder(folder):
            return False
        self._folder = folder
        event.acceptProposedAction()
        QTimer.singleShot(0, self._open)  # the program that is dragged from waits for this handler
        return True

    @guard()
    def _open(self) -> None:
        from napari_fmri_decoder._napari.results.open_run import open_run  # loads torch

        session = self._session()
        if session is not None:
            open_run(session.viewer, self._folder)
