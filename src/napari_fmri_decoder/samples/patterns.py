"""Paths that a recipe gives: as they are, or as patterns; names on the disk are matched in either form."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import child, existing
from napari_fmri_decoder.samples.paths import with_variables
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.nifti import natural_key

_MAGIC = re.compile(r"[*?[]")


def matching(given: str, base: Path) -> list[Path]:
    """Find the files and folders that a path or a pattern names, naturally sorted.

    What is there under the very name that is given is no pattern, nor is each folder on the way that is
    there: ``study [2024]/*.nii.gz`` looks into the folder of that name. Texts are compared in Unicode's
    composed form, as a Mac writes names otherwise. ``*``, ``?`` and ``[...]`` stay within one name and
    pass over hidden files, as those that a Mac leaves beside others (``._name``); ``**`` is any folders.

    Parameters
    ----------
    given : str
        Relative to `base`, or absolute; ``${NAME}`` is a variable of the environment.
    base : Path

    Returns
    -------
    list of Path
        Empty where nothing is there. Links whose content is missing are among them.
    """
    given = with_variables(given)
    path = existing(_joined(base, given))
    if os.path.lexists(path):
        return [path]
    if not _MAGIC.search(given):
        return []
    if (path.is_absolute() and ".." in Path(given).parts) or Path(given).is_absolute():
        start, parts = Path(path.anchor), path.parts[1:]
    else:
        start, parts = base, Path(given).parts
    return sorted(dict.fromkeys(_walk(start, parts)), key=natural_key)


def expand(given: str, base: Path, what: str) -> list[Path]:
    """Find the files that a path or a pattern names; see `matching`.

    Parameters
    ----------
    given : str
        Relative to `base`, or absolute.
    base : Path
    what : str
        What messages call the files: "events".

    Raises
    ------
    InputError
        If a pattern matches nothing. A plain path is given back whether it is there or not.
    """
    found = [path for path in matching(given, base) if not path.is_dir()]
    if found:
        return found
    if not _MAGIC.search(given):
        return [_joined(base, with_variables(given))]
    raise InputError(
        f"The pattern {printable(given)!r} must match {what} files, found none in {printable(base)}. Check "
        "the path."
    )


def _joined(base: Path, given: str) -> Path:
    """Join a path to its folder; ``..`` is taken out, so that one file has one name."""
    path = base / given
    return Path(os.path.abspath(base.resolve() / given)) if ".." in Path(given).parts else path


def _walk(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _walk(folder, rest) if rest else _names(folder)
        for inner in _names(folder):
            if inner.is_dir() and not inner.is_symlink():  # a link may lead back up
                yield from _walk(inner, parts)
        return
    there = child(folder, part)
    if os.path.lexists(there):
        yield from _walk(there, rest)
    elif _MAGIC.search(part):
        fits = re.compile(translate(nfc(part))).match
        for path in _names(folder, hidden=part.startswith(".")):
            if fits(nfc(path.name)) and (not rest or path.is_dir()):
                yield from _walk(path, rest)


def _names(folder: Path, *, hidden: bool = False) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # no folder, or one that may not be listed
        return []
    return [folder / n for n in names if not n.startswith("._" if hidden else ".")]
