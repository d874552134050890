"""Check that the file of an image's voxels is as long as its header requires."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.files import is_compressed
from napari_fmri_decoder.volumes.gzip_files import decompressed

_SMALLEST_GZIP = 1100  # deflate compresses by a factor of 1032 at most


def voxel_file(image: Any, path: Path) -> Path:
    """Find the file with an image's voxels; in a pair it may not be the one that was opened."""
    name = image.file_map["image"].filename
    return Path(name) if name else path


def needed_bytes(image: Any) -> int:
    """Minimum length of the voxels' file, decompressed, according to the header."""
    proxy = image.dataobj
    return int(proxy.offset) + math.prod(int(n) for n in image.shape) * int(proxy.dtype.itemsize)


def too_short(path: Path, found: int, needed: int) -> InputError:
    """Make the error for a file that ends early."""
    return InputError(
        f"{path.name} must hold {needed} bytes according to its header, found {found}: the file ends early. "
        "Copy or download it again."
    )


def check_length(path: Path, image: Any) -> None:
    """Raise an error if a file ends early, in most cases without decompressing it.

    The last four bytes of a gzip file give the length of its content (modulo 2^32). Only if they disagree
    with the header (the file is truncated, or has several members) is the file decompressed.
    """
    needed, size = needed_bytes(image), path.stat().st_size
    if not is_compressed(path):
        if size < needed:
            raise too_short(path, size, needed)
        return
    if needed > _SMALLEST_GZIP * size:
        raise InputError(
            f"{path.name} must hold {needed} bytes according to its header, but a gzip file of {size} bytes "
            "cannot. Its header is damaged: copy or download it again."
        )
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        (length,) = struct.unpack("<I", file.read(4))
    if length >= needed % 2**32 and length - needed % 2**32 < 2**20:
        return
    found = 0
    try:
        for piece in decompressed(path):
            found += len(piece)
            if found >= needed:
                return
    except EOFError as error:
        raise too_short(path, found, needed) from error
    raise too_short(path, found, needed)
