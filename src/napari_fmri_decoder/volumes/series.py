"""Series that stay on disk: sliced like arrays, and read volume by volume on access."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from nibabel.brikhead import AFNIArrayProxy
from nibabel.volumeutils import apply_read_scaling

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.file_length import needed_bytes, too_short, voxel_file
from napari_fmri_decoder.volumes.files import is_compressed
from napari_fmri_decoder.volumes.gzip_files import decompressed
from napari_fmri_decoder.volumes.read_errors import clear_errors
from napari_fmri_decoder.volumes.resample import full_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BEYOND = 2**26  # bytes after the voxels (extensions, padding) that are read to verify the checksum


class FileSeries:
    """The voxels of a file, sliced like an array and read on access.

    An uncompressed file is mapped into memory only while it is read: if the file is truncated in the
    meantime, this is an error, whereas a permanent mapping would crash the program. A gzip file is
    decompressed only from the last point before the requested voxels that indexed_gzip knows.
    Scaled values are float32; a truncated file raises `InputError`.

    Parameters
    ----------
    image : nibabel image
    shape : tuple of int
        3 or 4 axes, with as many voxels as the image has.
    path : Path
        The file that was opened.
    """

    def __init__(self, image: Any, shape: tuple[int, ...], path: Path) -> None:
        proxy = image.dataobj
        stored = np.dtype(proxy.dtype)
        if stored.kind not in "iuf":
            raise InputError(
                f"The voxels must be real numbers, found {stored} in {path.name}. "
                "Convert color or complex images to one channel first."
            )
        # AFNI scales each sub-brick by a different factor, which nibabel applies.
        scaled_by_brick = isinstance(proxy, AFNIArrayProxy) and proxy.scaling is not None
        self._scaled = scaled_by_brick or (proxy.slope, proxy.inter) != (1.0, 0.0)
        self._path = voxel_file(image, path)
        self._needed = needed_bytes(image)
        self._packed = is_compressed(self._path)
        self._raw = not scaled_by_brick
        # An AFNI proxy cannot be reshaped; raw reading uses only its offset, type and scaling.
        as_it_is = isinstance(proxy, AFNIArrayProxy) or tuple(proxy.shape) == shape
        self._proxy = proxy if as_it_is else proxy.reshape(shape)
        self.shape = shape
        self.ndim = len(shape)
        native = stored.newbyteorder("=")
        small = native.kind != "f" and native.itemsize <= 4
        self.dtype = np.dtype(np.float32) if self._scaled or not small else native

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read the selected voxels."""
        with clear_errors(self._path):
            if self._raw and not self._packed:
                return self._scaled_values(self._mapped(key))
            if self._proxy.ndim > self.ndim:  # AFNI counts a single brick as a series
                key = (*full_key(key, self.ndim), *(0,) * (self._proxy.ndim - self.ndim))
            with np.errstate(over="ignore", invalid="ignore"):
                return np.asarray(self._proxy[key], dtype=self.dtype)

    def read_all(self) -> NDArray[Any]:
        """Read the whole file at once; a gzip file in one pass, with its checksum verified.

        Integers of 8 bytes become int32 if they fit, so that no label is rounded.
        """
        if not self._raw:
            return self[...]
        with clear_errors(self._path):
            stored = self._unpacked() if self._packed else self._mapped(...)
            fits = np.iinfo(np.int32)
            if not self._scaled and stored.dtype.kind in "iu" and self.dtype.kind == "f":
                if fits.min <= stored.min() and stored.max() <= fits.max:
                    return stored.astype(np.int32)
            return self._scaled_values(stored)

    def _unpacked(self) -> NDArray[Any]:
        content = _decompressed(self._path, self._needed)
        offset, count = int(self._proxy.offset), math.prod(self.shape)
        return np.frombuffer(content, self._proxy.dtype, count, offset).reshape(self.shape, order="F")

    def _mapped(self, key: Any) -> NDArray[Any]:
        with self._path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < self._needed:
                raise too_short(self._path, size, self._needed)
            offset = int(self._proxy.offset)
            voxels = np.memmap(file, self._proxy.dtype, "r", offset, self.shape, "F")
            return np.array(voxels[key])  # a copy, as no view may outlive the mapping

    def _scaled_values(self, stored: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore", invalid="ignore"):
            if self._scaled:
                slope, inter = np.float64(self._proxy.slope), np.float64(self._proxy.inter)
                stored = apply_read_scaling(stored, slope, inter)
            return np.asarray(stored, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read everything."""
        return np.asarray(self.read_all(), dtype=dtype)


def _decompressed(path: Path, needed: int) -> bytearray:
    """Decompress a gzip file up to `needed` bytes, and read it to its end to verify its checksum."""
    content, found = bytearray(), 0
    try:
        for piece in decompressed(path):
            found += len(piece)
            content += piece[: needed - len(content)]
            if found > needed + _BEYOND:
                break
    except EOFError as error:
        if found < needed:
            raise too_short(path, found, needed) from error
    if found < needed:
        raise too_short(path, found, needed)
    return content


class JoinedSeries:
    """Images of one shape, concatenated along the last axis; each is read on access."""

    def __init__(self, pieces: Sequence[Any]) -> None:
        self._pieces = list(pieces)
        lengths = [p.shape[3] if p.ndim == 4 else 1 for p in pieces]
        self._sources = [(piece, i) for piece, n in enumerate(lengths) for i in range(n)]
        self.shape = (*pieces[0].shape[:3], sum(lengths))
        self.ndim = 4
        self.dtype = np.result_type(*(p.dtype for p in pieces))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read the selected voxels, volume by volume."""
        keys = full_key(key, 4)
        picked = range(self.shape[3])[keys[3]]
        if isinstance(picked, int):
            return self._one(picked, keys[:3])
        return np.stack([self._one(i, keys[:3]) for i in picked], axis=-1)

    def _one(self, index: int, keys: tuple[Any, ...]) -> NDArray[Any]:
        piece, i = self._sources[index]
        source = self._pieces[piece]
        return np.asarray(source[(*keys, i)] if source.ndim == 4 else source[keys], dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read everything."""
        return np.asarray(self[...], dtype=dtype)


class VolumeStack:
    """An (x, y, z, *lead) array whose (x, y, z) volumes are computed by a function.

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
        """Compute the volumes that integers and slices select."""
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
