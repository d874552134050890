"""Files of a recipe that were moved: which are missing, and the same recipe with their new folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.paths import paths_of, with_paths
from napari_fmri_decoder.samples.path_patterns import matching

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe import Recipe


def missing_paths(recipe: Recipe) -> list[str]:
    """List the paths and patterns of a recipe that match no file.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths.
    """
    paths = dict.fromkeys(path for _, path in paths_of(recipe))
    return [path for path in paths if not matching(path, Path())]


def common_folder(paths: list[str]) -> Path:
    """Find the deepest folder that contains all of some absolute paths; the first one's if there is none."""
    folders = [os.path.dirname(path) for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on two drives
        return Path(folders[0])


def moved_to(recipe: Recipe, folder: Path) -> Recipe:
    """Look for the missing files of a recipe in another folder.

    Each is looked for at the end of its path, as long as possible: of ``/old/study/sub-1/bold.nii``, first
    ``folder/old/study/sub-1/bold.nii``, then ``folder/study/sub-1/bold.nii``, and last ``folder/bold.nii``.
    The folder may therefore be the new place of any folder above the files.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths.
    folder : Path

    Returns
    -------
    Recipe
        Files that are not found keep their paths.

    Examples
    --------
    >>> from napari_fmri_decoder.recipe import make_recipe
    >>> labels, decoder = {"source": "table", "table": "/gone/volumes.tsv"}, {"name": "mlp"}
    >>> recipe = make_recipe({"data": {"images": "/gone/bold.nii"}, "labels": labels, "decoder": decoder})
    >>> moved_to(recipe, Path("/nowhere")).data.images
    ('/gone/bold.nii',)
    """
    missing, folder = set(missing_paths(recipe)), folder.absolute()

    def found(path: str) -> str:
        if path not in missing:
            return path
        parts = Path(path).parts[1:]
        ends = (folder.joinpath(*parts[i:]) for i in range(len(parts)))
        return next((str(new) for new in ends if matching(str(new), Path())), path)

    return with_paths(recipe, found)
