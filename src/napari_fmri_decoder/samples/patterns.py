"""Paths that a recipe gives: as they are, or as patterns with a *."""

from __future__ import annotations

from pathlib import Path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.nifti import natural_key


def expand(given: str, base: Path, what: str) -> list[Path]:
    """Find the files that a path or a pattern names, naturally sorted.

    Parameters
    ----------
    given : str
        Relative to `base`, or absolute; only one with a ``*`` is a pattern.
    base : Path
    what : str
        What messages call the files: "events".

    Raises
    ------
    InputError
        If a pattern matches nothing. A plain path is given back whether it is there or not.
    """
    if "*" not in given:
        return [base / given]
    pattern = Path(given)
    start = Path(pattern.anchor) if pattern.is_absolute() else base
    within = str(pattern.relative_to(pattern.anchor))
    files = sorted(start.glob(within), key=natural_key)
    if not files:
        raise InputError(
            f"The pattern {given!r} must match {what} files, found none in {start}. Check the path."
        )
    return files
