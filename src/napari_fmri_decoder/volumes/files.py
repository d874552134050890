"""Which files are images: their endings, their names, and those of a folder in natural order."""

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
"""Of NIfTI-1 and -2, MGH, Analyze 7.5 and NIfTI pairs, AFNI; upper or lower case."""

# Of an image in two files both names open it, but it is listed once, under the first of these.
_PAIRS = ((".img", ".img.gz", ".hdr", ".hdr.gz"), (".head", ".brik", ".brik.gz"))


def natural_key(path: str | Path) -> list[tuple[int, int | str]]:
    """Sort key that counts: run-2 comes before run-10.

    Examples
    --------
    >>> sorted(["map_10", "map_2", "map_1"], key=natural_key)
    ['map_1', 'map_2', 'map_10']
    """
    pieces = re.split(r"([0-9]+)", nfc(str(path)))
    return [(0, int(p)) if p.isdecimal() and p.isascii() else (1, p.lower()) for p in pieces if p]


def ending(path: str | Path) -> str:
    """Ending of an image's file name as it is written there, "" for any other file.

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
    """Whether a file name says that the file is a gzip."""
    return str(path).lower().endswith((".gz", ".mgz"))


def images_in(folder: Path) -> list[Path]:
    """List the images of a folder, naturally sorted; hidden ones are left out, a pair comes once."""
    return once(
        sorted((p for p in folder.iterdir() if is_image(p) and not p.name.startswith(".")), key=natural_key)
    )


def once(paths: Iterable[Path]) -> list[Path]:
    """Keep each image once, in the order given; of an image in two files keep one name.

    Examples
    --------
    >>> [str(p) for p in once([Path("b.hdr"), Path("b.img"), Path("a.nii")])]
    ['b.img', 'a.nii']
    """
    kept: dict[object, tuple[int, Path]] = {}
    for path in paths:
        own = ending(path).lower()
        family = next((f for f in _PAIRS if own in f), ())
        rank = family.index(own) if family else 0
        key = (path.parent, stem(path), family) if family else path
        if key not in kept or rank < kept[key][0]:
            kept[key] = rank, path
    return [path for _, path in kept.values()]
