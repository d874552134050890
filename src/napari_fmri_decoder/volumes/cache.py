"""Uncompressed copies of large gzips, in the user's cache folder, so that every volume is at hand."""

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
from napari_fmri_decoder.volumes.files import is_compressed
from napari_fmri_decoder.volumes.opening import (
    clear_errors,
    ends_early,
    inflated,
    needed_bytes,
    open_image,
    voxel_file,
)
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.series import JoinedSeries

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

SLOW_BYTES = 100_000_000
"""Decompressing as much takes about a second."""
_SPARE = 200 * 2**20  # bytes that a copy leaves free on the disk

Progress = Callable[[int, int], object]
"""Called with the bytes done and all bytes; what it raises ends the copying."""


def cache_folder() -> Path:
    """Folder of this plugin in the user's cache; not made yet, maybe."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "napari-fmri-decoder" / "uncompressed"


def slow_to_seek(path: str | Path) -> str | None:
    """Say so where the last volume of a file is slow to reach.

    A gzip can be read from its beginning only: the first time that a late volume is asked for, all
    before it is decompressed (then indexed_gzip knows points to start from).

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str or None
        A sentence to show; None where every volume is at hand. Only the header is read.

    Raises
    ------
    InputError
        If the file is no image.
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
        f"{path.name} is a gzip: its last volume comes after {before / 1e6:.0f} MB are decompressed, "
        "and every jump takes a moment."
    )


def kept_copy(path: str | Path, cache_dir: Path | None = None) -> Path | None:
    """Find the uncompressed copy of a file as it is now; None where none is kept."""
    with clear_errors(Path(path)):
        copy = _place(Path(path), cache_dir)
    return copy if copy.exists() else None


def uncompressed_copy(
    path: str | Path, cache_dir: Path | None = None, progress: Progress | None = None
) -> Path:
    """Keep an uncompressed copy of an image, or find the one that is kept.

    Parameters
    ----------
    path : str or Path
        An image with compressed voxels.
    cache_dir : Path, optional
        `cache_folder()` if None. The copy is known by the file's path, size and time; the copy of
        an earlier state of the same file goes.
    progress : callable, optional
        Takes the bytes done and all bytes; may raise to end the copying, and nothing is left.

    Returns
    -------
    Path
        The copy: `.nii` for `.nii.gz`, `.mgh` for `.mgz`; the header lies beside where it has a
        file of its own.

    Raises
    ------
    InputError
        If the disk has no room, the cache cannot be written, or the file is damaged.
    """
    path = Path(path)
    image, _ = open_image(path)
    held = voxel_file(image, path)
    if not is_compressed(held):
        raise InputError(f"Only a gzip needs an uncompressed copy, found {held.name}. Open it as it is.")
    copy = _place(path, cache_dir)
    if copy.exists():
        return copy
    total = needed_bytes(image)
    with _writable(copy.parent.parent):
        copy.parent.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(copy.parent.parent).free
        if free < total + _SPARE:
            raise InputError(
                f"An uncompressed copy of {path.name} needs {(total + _SPARE) / 1e9:.1f} GB on the disk of "
                f"{copy.parent.parent}, found {free / 1e9:.1f} GB. Make room, or set XDG_CACHE_HOME to a "
                "larger disk."
            )
        partial = copy.parent.with_name(f".partial-{os.getpid()}-{copy.parent.name}")
        try:
            partial.mkdir(0o700, exist_ok=True)  # the image may be closed to other users of the machine
            for part in _files(image, path):
                if part == held:
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
    """Files of a series that is not in memory whose last volumes are slow to reach."""
    if isinstance(volume.data, np.ndarray) or reads_copies(volume):
        return ()
    return tuple(part.path for part in volume.parts if slow_to_seek(part.path))


def on_copies(volume: Volume, cache_dir: Path | None = None) -> Volume:
    """Let a series read from the copies that are kept of its files.

    Parameters
    ----------
    volume : Volume
        Its `parts` go on naming the files themselves.
    cache_dir : Path, optional

    Returns
    -------
    Volume
        The same one where no copy is kept.

    Raises
    ------
    InputError
        If the copies do not hold as many voxels.
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
            f"The files must hold {volume.shape} voxels as '{volume.name}' does, found {data.shape}. "
            "They changed: open them again."
        )
    return replace(volume, data=data)


class _Copies(JoinedSeries):
    """A series read from copies; named so that it is told from one that is read from the files."""


def reads_copies(volume: Volume) -> bool:
    """Whether a series is read from uncompressed copies of its files."""
    return isinstance(volume.data, _Copies)


def _place(path: Path, cache_dir: Path | None) -> Path:
    """Where the copy of a file lies, in a folder of its own that is named by the file's state."""
    where = path.resolve()
    state = where.stat()
    name, now = (
        sha256(repr(key).encode()).hexdigest()[:16]
        for key in (str(where), (state.st_size, state.st_mtime_ns, state.st_ino))
    )
    return (cache_dir or cache_folder()) / f"{name}-{now}" / _plain(path.name)


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
    """All files of an image that are there: voxels, header, SPM's .mat."""
    holders = getattr(image, "file_map", {}).values()
    named = dict.fromkeys(Path(h.filename) for h in holders if h.filename)
    return [p for p in named if p.exists()] or [path]


def _unpack(source: Path, target: Path, total: int, progress: Progress | None) -> None:
    """Decompress the file of the voxels."""
    done = shown = 0
    with clear_errors(source), target.open("wb") as file:
        for piece in inflated(source):
            file.write(piece)
            done += len(piece)
            if progress is not None and done - shown >= 2**22:
                progress(min(done, total), total)
                shown = done
    if done < total:
        raise ends_early(source, done, total)


def _copy(source: Path, target: Path) -> None:
    """Copy a small file beside the voxels, decompressed where it is a gzip."""
    if not is_compressed(source):
        shutil.copyfile(source, target)
        return
    with clear_errors(source):
        target.write_bytes(b"".join(inflated(source)))


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Say in words that the cache cannot be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The cache folder {folder} must take new files, but it does not: {error.strerror or error}. "
            "Change its rights, or set XDG_CACHE_HOME to another folder."
        ) from error
