"""Files that are whole or not there: after a kill, on a full disk, and after a power cut.

A file is written beside its place, brought to the disk, and only then moved there: a system may else write
down the new name before the content, and after a power cut an empty file stands where an old one was whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL = ".partial"
"""End of the name of what is being written, which begins with a dot."""
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
"""What disks say (some of networks do) that know no such thing as to bring a file to the disk."""


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a place beside `path` to write to; what lies there in the end takes the place of `path`.

    Where the block, or what comes after it, fails, the old file stays, and nothing else.

    Parameters
    ----------
    path : Path
        Folders are made.
    durable : bool
        Whether it must outlive a power cut, which takes some milliseconds.

    Raises
    ------
    OSError
        If it cannot be written; it is for the caller to say what of.
    """
    make_folder(path.parent)
    known = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    # no longer than the name of `path`, which may be as long as a name can be
    partial = path.with_name(f".{known}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        yield partial
        if durable:
            _sync_file(partial)
        os.replace(partial, path)
        if durable:
            _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, such that a power cut does not take them away again."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _sync_folder(one.parent)


def bring_to_disk(files: Iterable[Path]) -> None:
    """Wait until files that were written, and their names, would outlive a power cut."""
    folders = set()
    for path in files:
        _sync_file(path)
        folders.add(path.parent)
    for folder in folders:
        _sync_folder(folder)


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:  # Windows brings to the disk what is open for writing only
        _sync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows opens no folders, and writes their entries down itself
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        _sync(place)
    finally:
        os.close(place)


def _sync(place: int) -> None:
    try:
        os.fsync(place)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
