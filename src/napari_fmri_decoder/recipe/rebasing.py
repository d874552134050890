"""Paths of a recipe, rewritten for another folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.paths import expanded, with_paths

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe.options import Recipe


def rebased(recipe: Recipe, base: Path, target: Path | None) -> Recipe:
    """Rewrite a recipe's paths for another folder, so that it can be run from that folder.

    Paths become relative to `target` if they share any parent folder with it other than the root, so that a
    project can be copied together with its runs. Other paths, and all paths if `target` is None, become
    absolute.
    """
    start, folder = base.resolve(), None if target is None else target.resolve()

    def moved(path: str) -> str:
        absolute = os.path.abspath(start / path)
        if folder is None or not _share_parent(absolute, folder):
            return absolute
        return Path(os.path.relpath(absolute, folder)).as_posix()

    return with_paths(expanded(recipe), moved)


def _share_parent(path: str, folder: Path) -> bool:
    try:
        common = Path(os.path.commonpath([path, folder]))
    except ValueError:  # on two drives
        return False
    return common != Path(common.anchor)
