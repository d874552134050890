"""Keep an uncompressed copy of a large gzip, so that every volume is at hand."""

from __future__ import annotations

from collections.abc import Generator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton

from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.workers import run_generator
from napari_fmri_decoder.volumes.cache import cache_folder, on_copies, slow_files, uncompressed_copy
from napari_fmri_decoder.volumes.volume import Volume
from napari_fmri_decoder.volumes.watched import StoppedReading

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder._napari.workers import Job

KEEP = "Keep an uncompressed copy"
STOP = "Stop copying"


class KeepCopyButton(QPushButton):
    """Copies the files of the active layer into the user's cache; the layer reads the copies then.

    The same button stops the copying.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__(KEEP)
        self.setObjectName("keep_copy")
        self._session = session
        self._job: Job | None = None
        self._done = (0, 1)  # bytes, and how many there are
        self._known: tuple[Any, str | None] = (None, None)  # voxels, and why they need no copy
        self._ticks = QTimer(self)
        self._ticks.setInterval(200)
        self._ticks.timeout.connect(self._show_progress)
        self.clicked.connect(lambda *_: self._on_click())
        active = session.viewer.layers.selection.events.active
        active.connect(self.refresh)
        session.layers_changed.connect(self.refresh)

        def let_go() -> None:
            active.disconnect(self.refresh)
            session.layers_changed.disconnect(self.refresh)

        self.destroyed.connect(let_go)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Follow the active layer; where there is nothing to copy, say why."""
        running = self._job is not None
        why = None if running else self._reason()
        self.setText(STOP if running else KEEP)
        self.setEnabled(why is None)
        tip = (
            "A compressed series is read from its beginning: late volumes take long to appear. This keeps "
            f"an uncompressed copy in {escape(str(cache_folder()))}, which is used whenever the file is "
            "opened; the file itself stays as it is."
        )
        self.setToolTip(f"<p>{tip}</p>" + (f"<p><b>{escape(why)}</b></p>" if why else ""))

    def _shown(self) -> tuple[Layer, Volume] | None:
        """Find the active layer and its volume."""
        layer = self._session.viewer.layers.selection.active
        volume = self._session.volume(layer) if layer is not None else None
        return (layer, volume) if layer is not None and isinstance(volume, Volume) else None

    def _reason(self) -> str | None:
        shown = self._shown()
        if shown is None:
            return "Choose the layer of a series first."
        data = shown[1].data
        if self._known[0] is not data:
            with guard():  # files that are gone have nothing to copy
                slow = slow_files(shown[1])
                self._known = data, None if slow else "All volumes of this layer are at hand already."
        return self._known[1]

    @guard()
    def _on_click(self) -> None:
        if self._job is not None:
            self._job.stop()
            return
        shown = self._shown()
        if shown is None:
            return
        layer, volume = shown
        files = slow_files(volume)

        def steps() -> Generator[None, None, None]:
            try:
                for path in files:
                    uncompressed_copy(Path(path), progress=self._count)
            except StoppedReading:
                yield  # a worker sees a stop only between yields

        self._done = (0, 1)
        self._job = run_generator(
            steps,
            owner=self,
            description=f"copying {volume.name}",
            on_done=lambda _: self._use(layer, volume),
            on_error=lambda _: self._on_end(),
            on_stopped=self._on_end,
        )
        self._ticks.start()
        self.refresh()

    def _count(self, done: int, total: int) -> None:
        """Note how far the copying is, in its thread; end it after a stop."""
        if self._job is not None and self._job.stopping:
            raise StoppedReading
        self._done = done, total

    def _use(self, layer: Layer, volume: Volume) -> None:
        try:
            if layer in self._session.viewer.layers and self._session.volume(layer) is volume:
                self._session.show(layer, on_copies(volume))
                show_info(f"'{layer.name}' is read from its uncompressed copy now.")
        finally:
            self._on_end()

    def _on_end(self) -> None:
        self._job = None
        self._ticks.stop()
        self.refresh()

    def _show_progress(self) -> None:
        if self._job is not None:
            done, total = self._done
            self._job.progress(done * 100 // total, 100)
