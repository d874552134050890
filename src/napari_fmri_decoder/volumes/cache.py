"""Keep uncompressed copies of large gzip files in the user's cache folder, for fast random access."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.volumes.file_length import needed_bytes, too_short, voxel_file
from napari_fmri_decoder.volumes.files import is_compressed
from napari_fmri_decoder.volumes.gzip_files import decompressed
from napari_fmri_decoder.volumes.opening import open_image
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.read_errors import clear_errors
from napari_fmri_decoder.volumes.series import JoinedSeries

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

SLOW_BYTES = 100_000_000
"""Decompressed bytes that take about a second."""
_SPARE = 200 * 2**20  # bytes that must remain free on the disk

Progress = Callable[[int, int], object]
"""Called with the bytes done and in total; an exception from it stops the copying."""


def cache_folder() -> Path:
    """Folder of this plugin in the user's cache; it may not exist yet."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "napari-fmri-decoder" / "uncompressed"


def slow_to_seek(path: str | Path) -> str | None:
    """Check whether the last volume of a file is slow to read.

    A gzip file can only be read from its beginning: the first access to a late volume decompresses
    everything before it (then indexed_gzip knows points to start from).

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str or None
        A sentence to show; None if every volume is fast to read. Only the header is read.

    Raises
    ------
    InputError
        If the file is not an image.
    """
    path = Path(path)
    if path.is_dir():
        return None
    image, _ = open_image(path)
    if not is_compressed(voxel_file(image, path)) or len(image.shape) < 4:
        return None
    needed = needed_bytes(image)
    before = needed - (needed - int(image.dataobj.offset)) // image.shape[3]
    if before < SLOW_BYTES:
        return None
    return (
        f"{path.name} is a gzip file: reading its last volume means decompressing {format_bytes(before)} "
        "first, so going to another volume takes a moment."
    )


def kept_copy(path: str | Path, cache_dir: Path | None = None) -> Path | None:
    """Find the uncompressed copy of a file in its current state; None if there is none."""
    with clear_errors(Path(path)):
        copy = _copy_path(Path(path), cache_dir)
    return copy if copy.exists() else None


def uncompressed_copy(
    path: str | Path, cache_dir: Path | None = None, progress: Progress | None = None
) -> Path:
    """Find the uncompressed copy of an image, or make one.

    Parameters
    ----------
    path : str or Path
        An image with compressed voxels.
    cache_dir : Path, optional
        `cache_folder()` if None. A copy is identified by the file's path, size and time; copies of
        earlier states of the file are deleted.
    progress : callable, optional
        Called with the bytes done and in total. If it raises, copying stops and nothing is left behind.

    Returns
    -------
    Path
        The copy: `.nii` for `.nii.gz`, `.mgh` for `.mgz`; a separate header file is copied next to it.

    Raises
    ------
    InputError
        If the disk is full, the cache cannot be written, or the file is damaged.
    """
    path = Path(path)
    image, _ = open_image(path)
    voxels = voxel_file(image, path)
    if not is_compressed(voxels):
        raise InputError(
            f"Only a gzip file needs an uncompressed copy, found {voxels.name}. Open it as it is."
        )
    copy = _copy_path(path, cache_dir)
    if copy.exists():
        return copy
    total = needed_bytes(image)
    with _writable(copy.parent.parent):
        copy.parent.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(copy.parent.parent).free
        if free < total + _SPARE:
            raise InputError(
                f"An uncompressed copy of {path.name} needs {format_bytes(total + _SPARE)} on the disk of "
                f"{copy.parent.parent}, found {format_bytes(free)}. Free some space, or set XDG_CACHE_HOME "
                "to a folder on a larger disk."
            )
        partial = copy.parent.with_name(f".partial-{os.getpid()}-{copy.parent.name}")
        try:
            partial.mkdir(0o700, exist_ok=True)  # other users may not be allowed to read the image
            for part in _files(image, path):
                if part == voxels:
                    _unpack(part, partial / _plain(part.name), total, progress)
                else:
                    _copy(part, partial / _plain(part.name))
            if not copy.exists():
                partial.rename(copy.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    for older in copy.parent.parent.glob(f"{copy.parent.name.partition('-')[0]}-*"):
        if older != copy.parent:
            shutil.rmtree(older, ignore_errors=True)
    return copy


def slow_files(volume: Volume) -> tuple[str, ...]:
    """Files of a series whose last volumes are slow to read; none if the series is in memory."""
    if isinstance(volume.data, np.ndarray) or reads_copies(volume):
        return ()
    return tuple(part.path for part in volume.parts if slow_to_seek(part.path))


def on_copies(volume: Volume, cache_dir: Path | None = None) -> Volume:
    """Make a series read from the uncompressed copies of its files.

    Parameters
    ----------
    volume : Volume
        Its `parts` still name the original files.
    cache_dir : Path, optional

    Returns
    -------
    Volume
        The same series if there are no copies.

    Raises
    ------
    InputError
        If the copies have another number of voxels.
    """
    if isinstance(volume.data, np.ndarray) or reads_copies(volume):
        return volume
    paths = [Path(part.path) for part in volume.parts]
    copies = [kept_copy(path, cache_dir) for path in paths if path.exists()]
    if len(copies) < len(paths) or not any(copies):
        return volume
    pieces = [read(copy or path).data for copy, path in zip(copies, paths, strict=True)]
    data = _Copies(pieces)
    if data.shape != volume.shape:
        raise InputError(
            f"The files must have {volume.shape} voxels, as '{volume.name}' has, found {data.shape}. "
            "The files have changed: open them again."
        )
    return replace(volume, data=data)


class _Copies(JoinedSeries):
    """A series that reads from copies; a class for `reads_copies` to recognize."""


def reads_copies(volume: Volume) -> bool:
    """Whether a series reads from uncompressed copies of its files."""
    return isinstance(volume.data, _Copies)


def _copy_path(path: Path, cache_dir: Path | None) -> Path:
    """Path of the copy of a file, in a folder named after the state of the file."""
    source = path.resolve()
    state = source.stat()
    name, current = (
        sha256(repr(key).encode()).hexdigest()[:16]
        for key in (str(source), (state.st_size, state.st_mtime_ns, state.st_ino))
    )
    return (cache_dir or cache_folder()) / f"{name}-{current}" / _plain(path.name)


def _plain(name: str) -> str:
    """File name without the compression.

    Examples
    --------
    >>> _plain("bold.nii.gz"), _plain("T1.mgz"), _plain("bold+orig.HEAD")
    ('bold.nii', 'T1.mgh', 'bold+orig.HEAD')
    """
    if name.lower().endswith(".mgz"):
        return f"{name[:-1]}h"
    return name[:-3] if name.lower().endswith(".gz") else name


def _files(image: object, path: Path) -> list[Path]:
    """All existing files of an image: voxels, header, SPM's .mat."""
    holders = getattr(image, "file_map", {}).values()
    named = dict.fromkeys(Path(h.filename) for h in holders if h.filename)
    return [p for p in named if p.exists()] or [path]


def _unpack(source: Path, target: Path, total: int, progress: Progress | None) -> None:
    """Decompress the file with the voxels."""
    done = reported = 0
    with clear_errors(source), target.open("wb") as file:
        for piece in decompressed(source):
            file.write(piece)
            done += len(piece)
            if progress is not None and done - reported >= 2**22:
                progress(min(done, total), total)
                reported = done
    if done < total:
        raise too_short(source, done, total)


def _copy(source: Path, target: Path) -> None:
    """Copy a small file next to the voxels, decompressing a gzip."""
    if not is_compressed(source):
        shutil.copyfile(source, target)
        return
    with clear_errors(source):
        target.write_bytes(b"".join(decompressed(source)))


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turn an error on writing to the cache into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The cache folder {folder} must be writable, but it is not: {error.strerror or error}. "
            "Change its permissions, or set XDG_CACHE_HOME to another folder."
        ) from error
