"""How far a packed series has been read for its time courses, and the button that reads and stops."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.timecourses import BUDGET, Voxel, VoxelSource
from napari_fmri_decoder.volumes.timecourse import n_bytes

if TYPE_CHECKING:
    from collections.abc import Callable


class ReadingView(QWidget):
    """Hidden where a voxel is read at once.

    Parameters
    ----------
    voxel : callable
        Gives the voxel that is to be read.
    """

    def __init__(self, voxel: Callable[[], Voxel | None]) -> None:
        super().__init__()
        self._voxel = voxel
        self._source: VoxelSource | None = None
        self.text = words(name="voxel_reading")
        self.button = QPushButton("Read")
        self.button.setObjectName("voxel_read")
        self.button.clicked.connect(self._read_or_stop)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.text)
        rows.addWidget(self.button)
        self.hide()

    def show_source(self, source: VoxelSource | None, voxel: Voxel | None) -> None:
        """Say how far a series has been read, and offer what can be done."""
        self._source = source
        self.setVisible(source is not None and source.how != "at once")
        if source is None or source.how == "at once":
            return
        self.text.setText(_in_words(source))
        self.button.setVisible(source.running or voxel is None or not source.is_read(voxel))
        if source.running:
            self.button.setText("Stop")
            tell_why(self.button, "End reading; what was read is kept.", None)
            return
        self.button.setText("Read on" if source.done and source.how == "kept" else "Read this voxel")
        why = "The point lies outside of the series." if voxel is None else None
        tell_why(self.button, "Read the volumes that are missing, in a thread.", why)

    @guard()
    def _read_or_stop(self) -> None:
        if self._source is None:
            return
        if self._source.running:
            self._source.stop()
        else:
            self._source.start(self._voxel())


def _in_words(source: VoxelSource) -> str:
    series, size = source.series, _size(n_bytes(source.series))
    name, percent = series.name or "The series", f"{100 * source.done // series.n_volumes} %"
    if source.how == "kept":
        if source.done == series.n_volumes:
            return f"{name} was unpacked and is kept in memory ({size})."
        return f"{name} is compressed: it is unpacked once and kept in memory ({size}), {percent} so far."
    running = f" {percent} so far." if source.running else ""
    return (
        f"{name} is compressed, and its {size} exceed the {_size(BUDGET)} that are kept: each voxel "
        f"takes a pass over the file.{running} Unpack the file to see every voxel at once."
    )


def _size(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"


def tell_why(widget: QWidget, tip: str, why_not: str | None) -> None:
    """Enable a widget, or grey it and say why in its tooltip."""
    widget.setEnabled(why_not is None)
    widget.setToolTip(f"<p>{tip}</p>" + (f"<p><b>{escape(why_not)}</b></p>" if why_not else ""))
