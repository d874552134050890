"""Series that stay on disk: sliced like arrays, read volume by volume when asked for."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.resample import full_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class FileSeries:
    """The voxels of a file, sliced like an array and read when asked for.

    Scaled values come as float32; a file that breaks off raises `InputError`.
    """

    def __init__(self, proxy: Any, shape: tuple[int, ...], path: Path) -> None:
        self._proxy = proxy.reshape(shape) if tuple(proxy.shape) != shape else proxy
        self._path = path
        self.shape = shape
        self.ndim = len(shape)
        scaled = (proxy.slope, proxy.inter) != (1.0, 0.0)
        stored = np.dtype(proxy.dtype)
        if stored.kind not in "iuf":
            raise InputError(
                f"The voxels must be real numbers, found {stored} in {path.name}. "
                "Convert colour or complex images to one channel first."
            )
        native = stored.newbyteorder("=")
        small = native.kind != "f" and native.itemsize <= 4
        self.dtype = np.dtype(np.float32) if scaled or not small else native

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read what is asked for."""
        try:
            return np.asarray(self._proxy[key], dtype=self.dtype)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{self._path.name} must be readable to its end, found: {error}. "
                "Copy or download the file again."
            ) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all of it."""
        return np.asarray(self[...], dtype=dtype)


class JoinedSeries:
    """Images of one shape one after another along the last axis, each read when asked for."""

    def __init__(self, pieces: Sequence[Any]) -> None:
        self._pieces = list(pieces)
        lengths = [p.shape[3] if p.ndim == 4 else 1 for p in pieces]
        self._where = [(piece, i) for piece, n in enumerate(lengths) for i in range(n)]
        self.shape = (*pieces[0].shape[:3], sum(lengths))
        self.ndim = 4
        self.dtype = np.result_type(*(p.dtype for p in pieces))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read what is asked for, volume by volume."""
        keys = full_key(key, 4)
        picked = range(self.shape[3])[keys[3]]
        if isinstance(picked, int):
            return self._one(picked, keys[:3])
        return np.stack([self._one(i, keys[:3]) for i in picked], axis=-1)

    def _one(self, index: int, keys: tuple[Any, ...]) -> NDArray[Any]:
        piece, i = self._where[index]
        source = self._pieces[piece]
        return np.asarray(source[(*keys, i)] if source.ndim == 4 else source[keys], dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all of it."""
        return np.asarray(self[...], dtype=dtype)


class VolumeStack:
    """An (x, y, z, *lead) array made of a function that gives one (x, y, z) volume.

    Parameters
    ----------
    read : callable
        Takes one position per axis of `lead`.
    shape : tuple of int
        (x, y, z, *lead).
    dtype : numpy dtype
    """

    def __init__(
        self, read: Callable[..., NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._read, self.shape, self.ndim, self.dtype = read, shape, len(shape), dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read what is asked for: integers and slices."""
        keys = full_key(key, self.ndim)
        picked = [range(n)[k] for k, n in zip(keys, self.shape, strict=True)]
        boxes = [p if isinstance(p, range) else range(p, p + 1) for p in picked]
        out = np.empty([len(b) for b in boxes], dtype=self.dtype)
        space = tuple(
            k if isinstance(k, slice) else slice(p, p + 1) for k, p in zip(keys[:3], picked[:3], strict=True)
        )
        for at in np.ndindex(*out.shape[3:]):
            out[(..., *at)] = self._read(*(b[i] for b, i in zip(boxes[3:], at, strict=True)))[space]
        return np.asarray(out[tuple(slice(None) if isinstance(p, range) else 0 for p in picked)])
