"""Files that a recipe names: its images, masks and tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.paths import paths_of
from napari_fmri_decoder.samples.bids.names import find_confounds
from napari_fmri_decoder.samples.opening import KindChoice, open_images
from napari_fmri_decoder.samples.path_patterns import expand, matching
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.files import deduplicate_pairs, images_in, is_image

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe.options import Recipe
    from napari_fmri_decoder.volumes.volume import Volume


def read_images(
    images: tuple[str, ...], base: Path, *, kind: KindChoice = "auto", tr: float | None = None
) -> Volume:
    """Read the images of a recipe as one series; see `image_files` and `open_images`."""
    files = image_files(images, base)
    series = open_images(files, kind=kind, tr=tr)
    only = matching(images[0], base) if len(images) == 1 else []
    return replace(series, name=only[0].name) if len(only) == 1 and only[0].is_dir() else series


def image_files(images: tuple[str, ...], base: Path) -> list[Path]:
    """Find the image files of a recipe, in the order of its list; matches of a pattern are naturally sorted.

    Parameters
    ----------
    images : tuple of str
        Paths, folders or patterns, relative to `base`.
    base : Path

    Raises
    ------
    InputError
        If a path matches no image, or a file is listed twice.
    """
    found: list[Path] = []
    named: dict[Path, str] = {}
    for given in images:
        paths = matching(given, base)
        exact = len(paths) == 1 and nfc(paths[0].name) == nfc(Path(given).name) and not paths[0].is_dir()
        matches = [p for path in paths for p in _images_at(path, exact)]
        if not matches:
            raise InputError(
                f"The images must exist, but nothing matches {printable(given)} in {printable(base)}. Check "
                "data.images."
            )
        if exact and matches[0] in named:
            raise InputError(
                f"Each image must be listed once, but {printable(matches[0].name)} is listed as "
                f"{printable(named[matches[0]])} and as {printable(given)}. List it once in data.images."
            )
        named |= dict.fromkeys(matches, given) if exact else {}
        found += matches
    return deduplicate_pairs(found)


def _images_at(path: Path, exact: bool) -> list[Path]:
    """Images of one match of a path or pattern; a pattern skips other files."""
    if path.is_dir():
        return images_in(path)
    return [path] if exact or is_image(path) else []


def input_files(recipe: Recipe, base: Path) -> list[Path]:
    """Find the files that the results of a recipe depend on: images, masks and tables.

    Parameters
    ----------
    recipe : Recipe
        With images; a dataset (`data.bids`) must be resolved first.
    base : Path
        Folder that the recipe's paths are relative to.

    Raises
    ------
    InputError
        If images, or the files of a pattern, are missing.
    """
    images = image_files(recipe.data.images, base)
    found_by_name = [] if any(paths_of(recipe.labels)) else recipe.labels.files_of(images, base)
    found = [*images, *(path for path in found_by_name if path)]
    for options in (recipe.prepare, recipe.zmaps):
        if options is not None and options.confounds and not options.confounds_files:
            found += [path for path in map(find_confounds, images) if path]
    used = recipe.model_copy(update={"data": recipe.data.model_copy(update={"images": (), "anatomy": None})})
    for name, given in paths_of(used):
        found += [path for path in expand(given, base, name) if not path.is_dir()]
    return list(dict.fromkeys(found))
