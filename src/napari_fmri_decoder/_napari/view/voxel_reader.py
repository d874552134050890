"""Read one voxel of all volumes: immediately where that is quick, else in the background.

Reading one voxel of every volume of a gzip file means decompressing all of it, which takes seconds. The
file is therefore decompressed once, volume by volume, and kept in memory if it fits into the budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder.volumes.timecourse import is_quick, n_bytes, read_stepwise, read_voxel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import Volume

Voxel = tuple[int, int, int]

BUDGET = 2**30
"""Bytes of the largest series that is kept in memory for its time courses."""
TICK_MS = 200
"""Milliseconds between progress updates; napari's progress bar costs more than reading a volume."""


class VoxelSource(QObject):
    """Time courses of one series.

    Parameters
    ----------
    series : Volume
    parent : QObject
        The reading ends with it.

    Attributes
    ----------
    how : {"at once", "kept", "one by one"}
        Read on request; read from memory as far as it has been loaded; or read voxel by voxel, each by a
        pass over the file that must be started.
    done : int
        Number of volumes read, of all voxels ("kept") or of the last voxel ("one by one").
    read : Signal
        Sent when more has been read, or the reading has ended.
    """

    read = Signal()

    def __init__(self, series: Volume, parent: QObject) -> None:
        super().__init__(parent)
        self.series = series
        self.how: Literal["at once", "kept", "one by one"] = "at once"
        self.done = 0
        self.stopped = False
        self._job: Job | None = None
        self._voxel: Voxel | None = None  # of "one by one"
        self._values: NDArray[Any] = np.empty(0)
        self._ticks = QTimer(self)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._tick)
        if not is_quick(series):
            self.how = "kept" if n_bytes(series) <= BUDGET else "one by one"
            try:
                shape = (series.n_volumes, *series.shape[:3]) if self.how == "kept" else series.n_volumes
                self._values = np.empty(shape, series.data.dtype if self.how == "kept" else np.float64)
            except MemoryError:
                self.how, self._values = "one by one", np.empty(series.n_volumes)

    @property
    def running(self) -> bool:
        """Whether the series is being read in the background."""
        return self._job is not None

    def values(self, voxel: Voxel) -> NDArray[np.float64]:
        """Return the values of a voxel that are known.

        Parameters
        ----------
        voxel : (i, j, k)

        Returns
        -------
        (n,) float64 array
            NaN where nothing has been read yet.
        """
        if self.how == "at once":
            return read_voxel(self.series, voxel)
        out = np.full(self.series.n_volumes, np.nan)
        if self.how == "kept":
            out[: self.done] = self._values[(slice(self.done), *voxel)]
        elif voxel == self._voxel:
            out[: self.done] = self._values[: self.done]
        return out

    def is_read(self, voxel: Voxel) -> bool:
        """Whether all volumes of a voxel have been read."""
        covered = self.how == "kept" or voxel == self._voxel
        return self.how == "at once" or (covered and self.done == self.series.n_volumes)

    def start(self, voxel: Voxel | None = None) -> None:
        """Read missing volumes in the background; only one voxel if the series is too large."""
        if self.how == "at once" or self.running:
            return
        one = voxel if self.how == "one by one" else None
        if self.how == "one by one" and one != self._voxel:
            self._voxel, self.done = one, 0
        if self.done == self.series.n_volumes or (self.how == "one by one" and one is None):
            return
        self.stopped = False
        name = self.series.name or "the series"
        self._job = run_generator(
            self._steps,
            one,
            owner=self,
            description=f"Reading a voxel of {name}" if one else f"Reading {name} for its time courses",
            on_event=self._on_event,
            on_done=lambda _: self._on_end(),
            on_error=lambda _: self._on_end(stopped=True),
            on_stopped=lambda: self._on_end(stopped=True),
        )
        self._ticks.start()
        self.read.emit()

    def stop(self) -> None:
        """Stop reading; `start` continues."""
        if self._job is not None:
            self._job.stop()

    def _steps(self, voxel: Voxel | None) -> Iterator[int]:
        return read_stepwise(self.series, self._values, voxel, self.done)

    def _on_event(self, done: int) -> None:
        self.done = done

    def _tick(self) -> None:
        if self._job is not None:
            self._job.progress(self.done, self.series.n_volumes)
        self.read.emit()

    def _on_end(self, *, stopped: bool = False) -> None:
        self._job, self.stopped = None, stopped
        self._ticks.stop()
        self.read.emit()
