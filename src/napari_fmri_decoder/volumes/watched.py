"""Voxels with an eye on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_fmri_decoder.volumes.volume import ArrayLike


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
