"""Progress of reading a compressed series for its time courses, and the button that starts and stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.view.voxel_reader import BUDGET, Voxel, VoxelSource
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.volumes.timecourse import n_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

READ_TIP = "Read the missing volumes in the background."


class ReadingView(QWidget):
    """Hidden where a voxel is read immediately.

    Parameters
    ----------
    voxel : callable
        Returns the voxel to read.
    """

    def __init__(self, voxel: Callable[[], Voxel | None]) -> None:
        super().__init__()
        self._voxel = voxel
        self._source: VoxelSource | None = None
        self.text = text_label(name="voxel_reading")
        self.button = push_button("voxel_read", "Read", READ_TIP)
        self.button.changed.connect(self._read_or_stop)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.text)
        rows.addWidget(self.button.native)
        self.error = Message("reading_error")
        rows.addWidget(self.error)
        self.hide()

    def show_source(self, source: VoxelSource | None, voxel: Voxel | None) -> None:
        """Show the progress of a series, and update the button."""
        self._source = source
        self.setVisible(source is not None and source.how != "at once")
        if source is None or source.how == "at once":
            return
        self.text.setText(_progress_text(source))
        self.button.visible = source.running or voxel is None or not source.is_read(voxel)
        if source.running:
            self.button.text = "Stop"
            set_available(self.button, None, "Stop reading (data so far are kept).")
            return
        self.button.text = "Continue" if source.done and source.how == "kept" else "Read this voxel"
        why = "The point is outside of the series." if voxel is None else None
        set_available(self.button, why, READ_TIP)

    @guard("error")
    def _read_or_stop(self) -> None:
        if self._source is None:
            return
        if self._source.running:
            self._source.stop()
        else:
            self._source.start(self._voxel())


def _progress_text(source: VoxelSource) -> str:
    series, size = source.series, format_bytes(n_bytes(source.series))
    name, percent = series.name or "The series", f"{100 * source.done // series.n_volumes} %"
    if source.how == "kept":
        if source.done == series.n_volumes:
            return f"{name} was decompressed and is kept in memory ({size})."
        return f"{name} is compressed. It is decompressed once and kept in memory ({size}), {percent} so far."
    running = f" {percent} so far." if source.running else ""
    return (
        f"{name} is compressed, and its {size} exceed the {format_bytes(BUDGET)} that fit into memory. Each "
        f"voxel takes a pass over the file.{running} Decompress the file to see every voxel immediately."
    )
