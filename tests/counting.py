"""Voxels that count how often each volume is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import ArrayLike, Volume


class CountingVoxels:
    """Voxels of a series that count how often each of its volumes is read.

    Attributes
    ----------
    reads : Counter
        Number of times by position of the volume.
    """

    def __init__(self, data: ArrayLike) -> None:
        self._data = data
        self.shape, self.ndim, self.dtype = tuple(data.shape), data.ndim, data.dtype
        self.reads: Counter[int] = Counter()

    def __getitem__(self, key: Any) -> Any:
        """Count and read; a slice counts each of its volumes."""
        last = key[-1] if isinstance(key, tuple) and (len(key) == self.ndim or key[0] is Ellipsis) else ...
        positions = np.arange(self.shape[-1])[slice(None) if last is ... else last]
        self.reads.update(np.atleast_1d(positions).tolist())
        return self._data[key]

    def total(self) -> int:
        """Return how many volumes were read, repeats included."""
        return self.reads.total()

    def passes(self) -> set[int]:
        """Return how often volumes were read: {1} if each was read exactly once."""
        return {self.reads[i] for i in range(self.shape[-1])}


def counted(series: Volume) -> tuple[Volume, CountingVoxels]:
    """Return the series with voxels that count, and these."""
    voxels = CountingVoxels(series.data)
    return replace(series, data=voxels), voxels
