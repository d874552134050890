"""Reading one voxel of all volumes: at once where that is quick, else in a thread, and then kept.

To reach one voxel in every volume of a gzip, all of it must be unpacked: seconds, for each voxel.
So it is unpacked once, volume by volume, and kept in memory as long as it fits into the budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_fmri_decoder._napari.workers import Job, run_generator
from napari_fmri_decoder.volumes.timecourse import is_quick, n_bytes, read_stepwise, read_voxel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import Volume

Voxel = tuple[int, int, int]

BUDGET = 2**30
"""Bytes of a series that are kept in memory for the sake of its time courses."""
TICK_MS = 200
"""From one word about what has been read to the next; napari's bar costs more than reading a volume."""


class VoxelSource(QObject):
    """Time courses of one series.

    Parameters
    ----------
    series : Volume
    parent : QObject
        With it ends what is being read.

    Attributes
    ----------
    how : {"at once", "kept", "one by one"}
        Read when asked for; from memory, as far as it has been read; or each voxel by a pass over
        the file, which must be started.
    done : int
        Volumes that have been read, of all voxels ("kept") or of the last one ("one by one").
    read : Signal
        More was read, or the reading ended.
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
                whole = (series.n_volumes, *series.shape[:3]) if self.how == "kept" else series.n_volumes
                self._values = np.empty(whole, series.data.dtype if self.how == "kept" else np.float64)
            except MemoryError:
                self.how, self._values = "one by one", np.empty(series.n_volumes)

    @property
    def running(self) -> bool:
        """Whether something is being read in the thread."""
        return self._job is not None

    def values(self, voxel: Voxel) -> NDArray[np.float64]:
        """Give what is known of a voxel.

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
        """Whether all volumes of a voxel are known."""
        mine = self.how == "kept" or voxel == self._voxel
        return self.how == "at once" or (mine and self.done == self.series.n_volumes)

    def start(self, voxel: Voxel | None = None) -> None:
        """Read all that is missing, in a thread; one voxel where the series does not fit."""
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
        """End the reading; `start` goes on where it ended."""
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
