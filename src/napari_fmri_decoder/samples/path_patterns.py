"""Paths and patterns (*) of a recipe, matched to files on disk in either Unicode form."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import child, existing
from napari_fmri_decoder.paths import with_variables
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.files import natural_key

_MAGIC = re.compile(r"[*?[]")


def matching(pattern: str, base: Path) -> list[Path]:
    """Find the files and folders that a path or pattern matches, naturally sorted.

    An existing file or folder with exactly the given name takes precedence over a pattern:
    ``study [2024]/*.nii.gz`` looks into the folder of that name. Names are compared in composed Unicode,
    because macOS writes decomposed names. ``*``, ``?`` and ``[...]`` match within one name and skip
    hidden files, such as the ``._name`` files of macOS; ``**`` matches any folders.

    Parameters
    ----------
    pattern : str
        Relative to `base`, or absolute; ``${NAME}`` is an environment variable.
    base : Path

    Returns
    -------
    list of Path
        Empty if nothing matches. Includes links whose content is missing.
    """
    pattern = with_variables(pattern)
    path = existing(_joined(base, pattern))
    if os.path.lexists(path):
        return [path]
    if not _MAGIC.search(pattern):
        return []
    if (path.is_absolute() and ".." in Path(pattern).parts) or Path(pattern).is_absolute():
        start, parts = Path(path.anchor), path.parts[1:]
    else:
        start, parts = base, Path(pattern).parts
    return sorted(dict.fromkeys(_walk(start, parts)), key=natural_key)


def expand(pattern: str, base: Path, what: str) -> list[Path]:
    """Find the files that a path or pattern matches; see `matching`.

    Parameters
    ----------
    pattern : str
        Relative to `base`, or absolute.
    base : Path
    what : str
        Name of the files in messages: "events".

    Raises
    ------
    InputError
        If a pattern matches nothing. A plain path is returned whether it exists or not.
    """
    found = [path for path in matching(pattern, base) if not path.is_dir()]
    if found:
        return found
    if not _MAGIC.search(pattern):
        return [_joined(base, with_variables(pattern))]
    raise InputError(
        f"The pattern {printable(pattern)!r} must match {what} files, found none in {printable(base)}. Check "
        "the path."
    )


def _joined(base: Path, pattern: str) -> Path:
    """Join a path to its folder; ``..`` is resolved, so that one file has one name."""
    path = base / pattern
    return Path(os.path.abspath(base.resolve() / pattern)) if ".." in Path(pattern).parts else path


def _walk(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _walk(folder, rest) if rest else _names(folder)
        for inner in _names(folder):
            if inner.is_dir() and not inner.is_symlink():  # a link can point to a parent folder
                yield from _walk(inner, parts)
        return
    literal = child(folder, part)
    if os.path.lexists(literal):
        yield from _walk(literal, rest)
    elif _MAGIC.search(part):
        matches = re.compile(translate(nfc(part))).match
        for path in _names(folder, hidden=part.startswith(".")):
            if matches(nfc(path.name)) and (not rest or path.is_dir()):
                yield from _walk(path, rest)


def _names(folder: Path, *, hidden: bool = False) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # not a folder, or no permission to list it
        return []
    return [folder / n for n in names if not n.startswith("._" if hidden else ".")]
