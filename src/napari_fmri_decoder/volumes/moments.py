"""Mean and standard deviation of each voxel over the volumes of a series.

A series can be large and compressed, so that reading it is what takes time. `RunningMoments` therefore
takes the volumes from whoever reads them for another purpose, and `with_moments` hands the result to
functions that would otherwise read the series again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume


class Moments(NamedTuple):
    """Mean and standard deviation of each voxel over the volumes.

    Attributes
    ----------
    mean, std : (x, y, z) float64 array
        In the units of the images; values that are not finite count as 0, and std divides by n.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


class RunningMoments:
    """Computes `Moments` from volumes that are added one at a time.

    It sums the values and the squared differences from the first volume: these differences are small, so
    that the variance is not the difference of two large numbers.
    """

    def __init__(self) -> None:
        self._n = 0

    def add(self, volume: NDArray[np.float32]) -> None:
        """Add one (x, y, z) volume."""
        finite = np.isfinite(volume)
        if not finite.all():
            volume = np.where(finite, volume, np.float32(0))
        if self._n == 0:
            self._first = volume.astype(np.float64, order="F")  # the order in which files are stored
            self._sum, self._squares = np.zeros_like(self._first), np.zeros_like(self._first)
            self._difference = np.empty_like(self._first)
        self._n += 1
        self._sum += volume
        np.subtract(volume, self._first, out=self._difference)
        self._squares += np.square(self._difference, out=self._difference)

    def over(self, volumes: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Give the volumes on, each added as it passes."""
        for volume in volumes:
            self.add(volume)
            yield volume

    def result(self) -> Moments:
        """Compute the moments of the volumes that were added so far; at least one is needed."""
        mean = self._sum / self._n
        variance = self._squares / self._n - (mean - self._first) ** 2
        return Moments(mean, np.sqrt(np.maximum(variance, 0)))


class MeasuringVoxels:
    """The voxels of a series, which adds each volume that is read to moments.

    Parameters
    ----------
    data : (x, y, z, n) array-like
    running : RunningMoments
    """

    def __init__(self, data: ArrayLike, running: RunningMoments) -> None:
        self._data, self._running = data, running
        self.shape, self.ndim, self.dtype = tuple(data.shape), data.ndim, data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read voxels."""
        read: NDArray[Any] = self._data[key]
        if np.shape(read) == self.shape[:3]:
            self._running.add(np.asarray(read, dtype=np.float32))
        return read


class MeasuredVoxels:
    """The voxels of a series together with their moments.

    Parameters
    ----------
    data : (x, y, z) or (x, y, z, n) array-like
    moments : Moments
        Of `data`; `Volume.mean` uses them.
    """

    def __init__(self, data: ArrayLike, moments: Moments) -> None:
        self.moments, self._data = moments, data
        self.shape, self.ndim, self.dtype = tuple(data.shape), data.ndim, data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read voxels."""
        read: NDArray[Any] = self._data[key]
        return read


def moments(series: Volume) -> Moments:
    """Compute mean and standard deviation of each voxel over the volumes.

    The volumes are read one at a time; none is read if the series comes from `with_moments`.

    Parameters
    ----------
    series : Volume

    Returns
    -------
    Moments

    Examples
    --------
    >>> from napari_fmri_decoder.volumes.volume import Volume
    >>> mean, std = moments(Volume(np.array([1.0, 3.0]).reshape(1, 1, 1, 2), np.eye(4)))
    >>> mean.item(), std.item()
    (2.0, 1.0)
    """
    if isinstance(series.data, MeasuredVoxels):
        return series.data.moments
    running = RunningMoments()
    for volume in series:
        running.add(volume)
    return running.result()


def with_moments(series: Volume, known: Moments) -> Volume:
    """Return the same series, for which `moments` and `Volume.mean` use `known` and read nothing."""
    return replace(series, data=MeasuredVoxels(series.data, known))
