"""Recognize image files by their endings, and list those of a folder in natural order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from napari_fmri_decoder.text import nfc

ENDINGS = (
    *(".nii", ".nii.gz", ".mgh", ".mgz"),
    *(".img", ".hdr", ".img.gz", ".hdr.gz"),
    *(".head", ".brik", ".brik.gz"),
)
"""Endings of NIfTI-1 and -2, MGH, Analyze 7.5, NIfTI pairs and AFNI; upper or lower case."""

# Either file of a pair opens the image, but the image is listed once, under the first of these endings.
_PAIRS = ((".img", ".img.gz", ".hdr", ".hdr.gz"), (".head", ".brik", ".brik.gz"))


def natural_key(path: str | Path) -> list[tuple[int, int | str]]:
    """Sort key for natural order: run-2 comes before run-10.

    Examples
    --------
    >>> sorted(["map_10", "map_2", "map_1"], key=natural_key)
    ['map_1', 'map_2', 'map_10']
    """
    pieces = re.split(r"([0-9]+)", nfc(str(path)))
    return [(0, int(p)) if p.isdecimal() and p.isascii() else (1, p.lower()) for p in pieces if p]


def ending(path: str | Path) -> str:
    """Ending of an image's file name, in the case in which it is written; "" for any other file.

    Examples
    --------
    >>> ending("bold+orig.BRIK.gz"), ending("notes.txt")
    ('.BRIK.gz', '')
    """
    name = Path(path).name
    fitting = [e for e in ENDINGS if name.lower().endswith(e)]
    return name[-max(map(len, fitting)) :] if fitting else ""


def stem(path: str | Path) -> str:
    """File name without the ending of an image.

    Examples
    --------
    >>> stem("sub-1/face.nii.gz"), stem("bold+orig.HEAD")
    ('face', 'bold+orig')
    """
    return Path(path).name.removesuffix(ending(path))


def is_image(path: str | Path) -> bool:
    """Whether a file name has the ending of an image."""
    return ending(path) != ""


def is_compressed(path: str | Path) -> bool:
    """Whether a file name has the ending of a gzip file."""
    return str(path).lower().endswith((".gz", ".mgz"))


def images_in(folder: Path) -> list[Path]:
    """List the images of a folder in natural order, without hidden files; a pair is listed once."""
    return deduplicate_pairs(
        sorted((p for p in folder.iterdir() if is_image(p) and not p.name.startswith(".")), key=natural_key)
    )


def has_images(path: Path) -> bool:
    """Whether a path is an image by its name, or a folder with images."""
    return is_image(path) or (path.is_dir() and bool(images_in(path)))


def deduplicate_pairs(paths: Iterable[Path]) -> list[Path]:
    """Remove duplicates from a list of images, keeping its order; of a pair keep one file.

    Examples
    --------
    >>> [str(p) for p in deduplicate_pairs([Path("b.hdr"), Path("b.img"), Path("a.nii")])]
    ['b.img', 'a.nii']
    """
    best: dict[object, tuple[int, Path]] = {}
    for path in paths:
        own = ending(path).lower()
        family = next((f for f in _PAIRS if own in f), ())
        rank = family.index(own) if family else 0
        key = (path.parent, stem(path), family) if family else path
        if key not in best or rank < best[key][0]:
            best[key] = rank, path
    return [path for _, path in best.values()]
