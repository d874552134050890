"""Arrays that napari reads in pieces: a cache of volumes, and a view with reversed axes."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.volumes.resample import full_key

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import ArrayLike

_BUDGET = 256 * 2**20  # bytes of cached volumes per series


class VolumeReader:
    """Reads an (x, y, z, *lead) source one volume at a time and caches the last ones.

    napari reads in the main thread, and decompressing a volume takes long: moving a slider back and
    forth, or through the slices of one volume, must not read it again.

    Parameters
    ----------
    source : array-like
        (x, y, z, *lead).
    dtype : numpy dtype
        Of the values returned.
    fill : float or None
        Replaces NaN and infinity; None leaves them.
    """

    def __init__(self, source: ArrayLike, dtype: np.dtype[Any], fill: float | None = None) -> None:
        self.source, self.dtype, self._fill = source, dtype, fill
        self._cache: OrderedDict[tuple[int, ...], NDArray[Any]] = OrderedDict()
        volume_bytes = int(np.prod(source.shape[:3])) * dtype.itemsize
        self._cache_size = int(np.clip(_BUDGET // max(1, volume_bytes), 2, 128))

    def padded(self, *lead: int) -> NDArray[Any]:
        """Read the volume at one position per leading axis: (x + 2, y + 2, z + 2), with a border of zeros."""
        if lead not in self._cache:
            self._cache[lead] = np.pad(self.clean(np.asarray(self.source[(..., *lead)])), 1)
            if len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        self._cache.move_to_end(lead)
        return self._cache[lead]

    def volume(self, *lead: int) -> NDArray[Any]:
        """Read the (x, y, z) volume at one position per leading axis."""
        return self.padded(*lead)[1:-1, 1:-1, 1:-1]

    def clean(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values as they are shown; the same array if nothing changes."""
        if self._fill is not None and values.dtype.kind == "f" and not np.isfinite(values).all():
            values = np.where(np.isfinite(values), values, values.dtype.type(self._fill))
        return values.astype(self.dtype, copy=False)


class LayerArray:
    """An (x, y, z, *lead) source in the order that napari uses: all axes reversed, (*lead, z, y, x).

    An array-like that is read slice by slice: indexing slices `source` by the reversed key and
    transposes the result. It is read-only.

    Examples
    --------
    >>> source = np.arange(24).reshape(2, 3, 4)
    >>> LayerArray(source)[1, :, 0].tolist() == source[0, :, 1].tolist()
    True
    """

    def __init__(self, source: ArrayLike) -> None:
        self._source = source
        self.shape = tuple(int(n) for n in source.shape[::-1])
        self.ndim = len(self.shape)
        self.dtype = np.dtype(source.dtype)
        self.size = int(np.prod(self.shape))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read one part, by integers and slices."""
        return np.asarray(self._source[full_key(key, self.ndim)[::-1]]).T

    def __len__(self) -> int:
        """Length of the first axis."""
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read the array completely."""
        return np.asarray(self[...], dtype=dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> LayerArray:
        """Return itself, so that a duplicated layer shares the cache."""
        return self
