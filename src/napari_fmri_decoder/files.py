"""Files as users give them: regular ones alone are opened, and text is decoded in one way."""

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
"""Bytes of the largest text file that is read: 256 MiB."""
DEEPEST = 64
"""Levels to which lists and tables of a file may be nested in one another."""


def check_regular(path: Path, what: str) -> Path:
    """Refuse whatever is not a regular file: reading a pipe or a device may never end.

    Parameters
    ----------
    path : Path
    what : str
        What messages call it: "recipe", "events file".

    Returns
    -------
    Path
        `path`, or the file of this name in the other Unicode form where only that exists.

    Raises
    ------
    InputError
        If there is no such file, or it is a folder, a pipe, a device or a socket.
    """
    try:
        path = existing(path)
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            raise InputError(_not_here(path, what, "link")) from error
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
        raise InputError(_not_here(path, what, "placeholder"))
    return path


def is_absent(path: Path) -> bool:
    """Whether a path is there in name only: a link, or a placeholder, whose content was not downloaded.

    git-annex (DataLad) leaves links that lead nowhere, or where a disk has no links small text files
    that name the content; Git LFS leaves such files too.

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


def _not_here(path: Path, what: str, kind: str) -> str:
    return (
        f"The {what} must be here, but {printable(path)} is a {kind} whose content is not (as in a DataLad "
        "dataset before `datalad get`, or Git LFS before `git lfs pull`). Get the content first."
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
    """Find a path in whichever Unicode form it has on the disk; as given where neither exists.

    Parameters
    ----------
    path : Path
        One that leads through ``..`` need not lead through folders that exist: a run's paths start
        from its folder, which may not be made yet.

    Returns
    -------
    Path
    """
    if os.path.lexists(path):  # a link that leads nowhere is there, too
        return path
    if ".." in path.parts and os.path.lexists(plain := Path(os.path.normpath(path))):
        return plain
    found = Path(path.anchor)
    for part in path.parts[1:] if path.anchor else path.parts:
        found = child(found, part)
    return found if os.path.lexists(found) else path


def child(folder: Path, name: str) -> Path:
    """Find a name in a folder, in whichever Unicode form it has there; as given where there is none.

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
    except OSError:  # no folder, or one that may not be listed
        return path


def read_text(path: Path, what: str, largest: int = LARGEST_TEXT) -> str:
    """Read a text file: UTF-8, with or without a byte order mark.

    Parameters
    ----------
    path : Path
    what : str
        See `check_regular`.
    largest : int
        Bytes that it may have.

    Raises
    ------
    InputError
        If it is no regular file, larger than `largest`, or not UTF-8.
    """
    path = check_regular(path, what)
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(
                f"The {what} must be a text file of at most {largest} bytes, but {printable(path)} has "
                f"{size}. Give the right file."
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"The {what} must be a text file in UTF-8 that can be read, got {printable(path)}: {reason}. "
            "Save it as UTF-8."
        ) from error


_TOO_LONG = (
    "a value that Python does not read, such as a number of thousands of digits or an impossible date."
)


def parse_toml(text: str, what: str) -> dict[str, Any]:
    """Read TOML that somebody else may have written.

    Parameters
    ----------
    text : str
    what : str
        What messages begin with: "recipe.toml".

    Raises
    ------
    InputError
        If it is no TOML, or nested deeper than `DEEPEST` levels.
    """
    found: dict[str, Any] = _parsed(tomllib.loads, text, what, "TOML", tomllib.TOMLDecodeError)
    return found


def parse_json(text: str | bytes, what: str) -> Any:
    """Read JSON that somebody else may have written.

    Parameters
    ----------
    text : str or bytes
    what : str
        What messages begin with.

    Raises
    ------
    InputError
        If it is no JSON, or nested deeper than `DEEPEST` levels.
    """
    return _parsed(json.loads, text, what, "JSON", json.JSONDecodeError, UnicodeDecodeError)


def _parsed(
    parse: Callable[[Any], Any], text: str | bytes, what: str, language: str, *broken: type[ValueError]
) -> Any:
    """Parse a text, with one clear error for whatever is wrong with it."""
    try:
        found = parse(text)
    except RecursionError:
        raise _nested(what) from None
    except broken as error:
        raise InputError(f"{what} must be {language}, found: {printable(error)}. Correct it.") from error
    except ValueError as error:  # of Python itself
        raise InputError(f"{what} must be {language}, but holds {_TOO_LONG} Correct it.") from error
    _check_depth(found, what)
    return found


def _check_depth(value: Any, what: str) -> None:
    """Refuse what the functions that walk through it later would not survive."""
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
        f"{what} must not nest its lists and tables deeper than {DEEPEST} levels. Write it flatter."
    )
