"""Open files that users name: only regular files are opened, and text is always decoded as UTF-8."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import nfc, printable

LARGEST_TEXT = 2**28
"""Maximum size in bytes of a text file: 256 MiB."""
DEEPEST = 64
"""Maximum number of levels of nested lists and tables in a file."""


def check_regular(path: Path, what: str) -> Path:
    """Raise an error unless a path is a regular file; reading a pipe or a device may never end.

    Parameters
    ----------
    path : Path
    what : str
        How messages refer to the file, such as "recipe" or "events file".

    Returns
    -------
    Path
        `path`, or the file with this name in the other Unicode form if only that exists.

    Raises
    ------
    InputError
        If the file is missing, or is a folder, a pipe, a device or a socket.
    """
    try:
        path = existing(path)
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            raise InputError(_not_downloaded(path, what, "link")) from error
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"The {what} must be a file that exists, got {printable(path)}: {reason}. Check the path."
        ) from error
    if not stat.S_ISREG(mode):
        found = next(name for test, name in _TYPES if test(mode))
        raise InputError(
            f"The {what} must be a regular file, but {printable(path)} is a {found}. Give a file."
        )
    if is_absent(path):
        raise InputError(_not_downloaded(path, what, "placeholder"))
    return path


def is_absent(path: Path) -> bool:
    """Whether a path is only a link or a placeholder for content that was not downloaded.

    git-annex (DataLad) leaves broken links or, on file systems without links, small text files that name
    the content; Git LFS leaves such text files too.

    Parameters
    ----------
    path : Path
    """
    try:
        if not path.exists():
            return path.is_symlink()
        if not path.is_file() or path.stat().st_size > _LARGEST_POINTER:
            return False
        with path.open("rb") as file:
            start = file.read(_LARGEST_POINTER)
    except (OSError, ValueError):
        return False
    return start.startswith(_POINTERS) or (start.startswith(b"../") and b".git/annex/objects/" in start)


def _not_downloaded(path: Path, what: str, kind: str) -> str:
    return (
        f"The {what} must be downloaded, but {printable(path)} is a {kind} without its content (as in a "
        "DataLad dataset before `datalad get`, or Git LFS before `git lfs pull`). Download the content first."
    )


_LARGEST_POINTER = 2**10
_POINTERS = (b"/annex/objects/", b"version https://git-lfs.github.com/spec/")


_TYPES = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (lambda mode: True, "special file"),
)


def existing(path: Path) -> Path:
    """Find the Unicode form of a path that exists on disk; return the path unchanged if neither does.

    Parameters
    ----------
    path : Path
        With ``..`` in it, it may pass through folders that do not exist: paths of a run are relative to
        its folder, which may not have been created yet.

    Returns
    -------
    Path
    """
    if os.path.lexists(path):  # a broken link exists too
        return path
    if ".." in path.parts and os.path.lexists(plain := Path(os.path.normpath(path))):
        return plain
    found = Path(path.anchor)
    for part in path.parts[1:] if path.anchor else path.parts:
        found = child(found, part)
    return found if os.path.lexists(found) else path


def child(folder: Path, name: str) -> Path:
    """Find a file in a folder by name, in either Unicode form; return the name as given if it is missing.

    Parameters
    ----------
    folder : Path
    name : str
    """
    path = folder / name
    if name.isascii() or os.path.lexists(path):
        return path
    try:
        return next((p for p in sorted(folder.iterdir()) if nfc(p.name) == nfc(name)), path)
    except OSError:  # not a folder, or not readable
        return path


def read_text(path: Path, what: str, largest: int = LARGEST_TEXT) -> str:
    """Read a text file: UTF-8, with or without a byte order mark.

    Parameters
    ----------
    path : Path
    what : str
        See `check_regular`.
    largest : int
        Maximum size in bytes.

    Raises
    ------
    InputError
        If the file is not regular, is larger than `largest`, or is not UTF-8.
    """
    path = check_regular(path, what)
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(
                f"The {what} must be a text file of at most {largest} bytes, but {printable(path)} has "
                f"{size}. Check that it is the right file."
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"The {what} must be a readable text file in UTF-8, got {printable(path)}: {reason}. "
            "Save it as UTF-8."
        ) from error


_TOO_LONG = (
    "a value that Python cannot read, such as a number with thousands of digits or an impossible date."
)


def parse_toml(text: str, what: str) -> dict[str, Any]:
    """Parse TOML from an untrusted source.

    Parameters
    ----------
    text : str
    what : str
        How messages begin, such as "recipe.toml".

    Raises
    ------
    InputError
        If the text is not TOML, or is nested more than `DEEPEST` levels deep.
    """
    found: dict[str, Any] = _parsed(tomllib.loads, text, what, "TOML", tomllib.TOMLDecodeError)
    return found


def parse_json(text: str | bytes, what: str) -> Any:
    """Parse JSON from an untrusted source.

    Parameters
    ----------
    text : str or bytes
    what : str
        How messages begin.

    Raises
    ------
    InputError
        If the text is not JSON, or is nested more than `DEEPEST` levels deep.
    """
    return _parsed(json.loads, text, what, "JSON", json.JSONDecodeError, UnicodeDecodeError)


def _parsed(
    parse: Callable[[Any], Any], text: str | bytes, what: str, language: str, *broken: type[ValueError]
) -> Any:
    """Parse a text; turn every parsing error into one `InputError`."""
    try:
        found = parse(text)
    except RecursionError:
        raise _nested(what) from None
    except broken as error:
        raise InputError(f"{what} must be {language}, found: {printable(error)}. Correct it.") from error
    except ValueError as error:  # raised by Python itself
        raise InputError(f"{what} must be {language}, but contains {_TOO_LONG} Correct it.") from error
    _check_depth(found, what)
    return found


def _check_depth(value: Any, what: str) -> None:
    """Reject nesting that would exceed the recursion limit of later functions."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise _nested(what)


def _nested(what: str) -> InputError:
    return InputError(
        f"{what} must not nest lists and tables more than {DEEPEST} levels deep. Reduce the nesting."
    )
