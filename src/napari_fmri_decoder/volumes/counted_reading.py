"""Counting the volumes that are read from a series, and stopping the reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume


class WatchedVoxels:
    """Voxels that call a function before each read.

    Parameters
    ----------
    data : array-like
        Available as `unwatched`.
    watch : callable
        Called before each read; an exception from it ends the reading.
    """

    def __init__(self, data: ArrayLike, watch: Callable[[], None]) -> None:
        self.unwatched, self._watch = data, watch
        self.shape, self.ndim, self.dtype = tuple(data.shape), data.ndim, data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Call the function, and read."""
        self._watch()
        read: NDArray[Any] = self.unwatched[key]
        return read


class StoppedReading(Exception):
    """Raised by the first read after a stop was requested."""


class ReadCounter:
    """Counts the volumes that are read, and ends the reading when it is stopped.

    Parameters
    ----------
    stopped : callable
        Whether a stop was requested.

    Attributes
    ----------
    done : int
    """

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.done = 0
        self._stopped = stopped

    def __call__(self) -> None:
        """Count one volume, or raise `StoppedReading`."""
        if self._stopped():
            raise StoppedReading
        self.done += 1

    def over(self, series: Volume) -> Volume:
        """Return the series with voxels that are counted when they are read."""
        return replace(series, data=WatchedVoxels(series.data, self))
