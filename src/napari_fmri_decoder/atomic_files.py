"""Write files atomically: complete or not at all, even after a kill, a full disk or a power failure.

A file is written under a temporary name in the same folder, flushed to disk, and then renamed. Without the
flush the system may store the new name before the content, and a power failure would then leave an empty
file where the old, complete one was.
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
"""Suffix of the name of a temporary file, which starts with a dot."""
_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
"""Errors of file systems, often network ones, that cannot flush a file to disk."""


@contextmanager
def replacing(path: Path, *, durable: bool = True, ending: str = "") -> Iterator[Path]:
    """Provide a temporary path in the same folder to write to; at the end it replaces `path`.

    If the block or the replacement fails, the old file remains and the temporary file is removed.

    Parameters
    ----------
    path : Path
        Missing folders are created.
    durable : bool
        Whether the file must survive a power failure; this takes some milliseconds.
    ending : str
        Suffix of the temporary name, for libraries that choose the format by it.

    Raises
    ------
    OSError
        If the file cannot be written. The caller adds what the file is.
    """
    make_folder(path.parent)
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    # a short name: `path` itself may have the longest name that the file system allows
    partial = path.with_name(f".{digest}.{os.getpid()}-{threading.get_ident()}{PARTIAL}{ending}")
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
    """Create a folder and its parents, so that they survive a power failure."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _sync_folder(one.parent)


def flush_to_disk(files: Iterable[Path]) -> None:
    """Flush files and their names to disk, so that they survive a power failure."""
    folders = set()
    for path in files:
        _sync_file(path)
        folders.add(path.parent)
    for folder in folders:
        _sync_folder(folder)


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:  # Windows flushes only files that are open for writing
        _sync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open folders, and stores their entries itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
