"""Voxels with an eye on them: each volume that is read counts, and none is read after a stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume


class WatchedVoxels:
    """Voxels that tell a watch when they are read.

    Parameters
    ----------
    data : array-like
        Kept as `unwatched`.
    watch : callable
        Called before each read; what it raises ends the reading.
    """

    def __init__(self, data: ArrayLike, watch: Callable[[], None]) -> None:
        self.unwatched, self._watch = data, watch
        self.shape, self.ndim, self.dtype = tuple(data.shape), data.ndim, data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Tell, and read."""
        self._watch()
        read: NDArray[Any] = self.unwatched[key]
        return read


class StoppedReading(Exception):
    """Raised by the read after a stop."""


class ReadCounter:
    """Counts the volumes that are read, and ends the reading.

    Parameters
    ----------
    stopped : callable
        Whether a stop was asked for.

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
        """Give the series with an eye on its voxels."""
        return replace(series, data=WatchedVoxels(series.data, self))
