"""Keep an uncompressed copy of a large gzip file, so that every volume is read quickly."""

from __future__ import annotations

from collections.abc import Generator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import PushButton
from napari.utils.notifications import show_info

from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import error_text, guard
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.volumes.cache import cache_folder, on_copies, slow_files, uncompressed_copy
from napari_fmri_decoder.volumes.counted_reading import StoppedReading
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.qt.messages import Message
    from napari_fmri_decoder._napari.qt.workers import Job

KEEP = "Keep an uncompressed copy"
STOP = "Stop copying"


class Copying(SessionJob):
    """The copying of a session."""


class UncompressedCopyButton(PushButton):
    """Copies the files of the active layer into the user's cache, from which the layer then reads.

    The same button stops the copying.

    Parameters
    ----------
    dock : Dock
    error : Message
        Shows the error of the copying.
    """

    def __init__(self, dock: Dock, error: Message) -> None:
        super().__init__(name="keep_copy", text=KEEP)
        prepare_control(self, "keep_copy", KEEP, "")
        self._session, self.error = dock.session, error
        self._work = self._session.part(Copying)
        self._known: tuple[Any, str | None] = (None, None)  # voxels, and why they need no copy
        self.changed.connect(self._on_click)
        dock.follow(dock.viewer.layers.selection.events.active, self.refresh)
        dock.follow(self._session.layers_changed, self.refresh)
        dock.follow(self._work.changed, self.refresh)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Follow the active layer; if there is nothing to copy, give the reason."""
        running = self._work.job is not None
        why = None if running else self._reason()
        self.text = STOP if running else KEEP
        self.error.show_error("" if running else self._work.message)
        tip = (
            "Late volumes of a compressed series are slow, because the file has to be read from its "
            f"beginning. This stores an uncompressed copy in {escape(str(cache_folder()))}, which is used "
            "whenever the file is opened. The file itself does not change."
        )
        set_available(self, why, tip)

    def _shown(self) -> tuple[Layer, Volume] | None:
        """Find the active layer and its volume."""
        layer = self._session.viewer.layers.selection.active
        volume = self._session.volume(layer) if layer is not None else None
        return (layer, volume) if layer is not None and isinstance(volume, Volume) else None

    def _reason(self) -> str | None:
        shown = self._shown()
        if shown is None:
            return "Select the layer of a series first."
        data = shown[1].data
        if self._known[0] is not data:
            with guard():  # reports files that no longer exist
                slow = slow_files(shown[1])
                self._known = data, None if slow else "All volumes of this layer can already be read quickly."
        return self._known[1]

    @guard("error")
    def _on_click(self) -> None:
        if self._work.job is not None:
            self._work.stop()
            return
        shown = self._shown()
        if shown is None:
            return
        layer, volume = shown
        files, work, counter = slow_files(volume), self._work, _ByteCounter()

        def steps() -> Generator[None, None, None]:
            try:
                for path in files:
                    uncompressed_copy(Path(path), progress=counter.count)
            except StoppedReading:
                yield  # a worker notices a stop only between yields

        def use() -> None:
            try:
                self._use(layer, volume)
            finally:
                work.end()

        def failed(error: Exception) -> None:
            work.message = error_text(error)
            work.end()

        work.message = ""
        counter.job = run_generator(
            steps,
            owner=work.owner(),
            description=f"Copying {volume.name}",
            on_done=lambda _: use(),
            on_error=failed,
            on_stopped=work.end,
        )
        work.begin(counter.job, counter.percent)

    def _use(self, layer: Layer, volume: Volume) -> None:
        if layer in self._session.viewer.layers and self._session.volume(layer) is volume:
            self._session.show(layer, on_copies(volume))
            show_info(f"'{layer.name}' is now read from its uncompressed copy.")


class _ByteCounter:
    """Counts bytes in the copying thread, and ends the copying after a stop."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._done = (0, 1)  # bytes copied, and in total

    def count(self, done: int, total: int) -> None:
        if self.job is not None and self.job.stopping:
            raise StoppedReading
        self._done = done, total

    def percent(self) -> tuple[int, int]:
        done, total = self._done
        return done * 100 // max(total, 1), 100
