"""Names of files that are made from an image: BIDS derivatives where its name is one of BIDS."""

from __future__ import annotations

import re
from pathlib import Path

from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import is_image, stem
from napari_fmri_decoder.volumes.kind_names import is_entity

_LONGEST = 120
"""Characters of a name; file systems allow 255 bytes."""


def derived_name(source: str, desc: str, suffix: str = "") -> str:
    """Name a file that is made from an image.

    Parameters
    ----------
    source : str
        Name of the image, with or without its ending.
    desc : str
        What was made, such as "slab"; "" if the suffix says it all.
    suffix : str
        BIDS suffix, such as "mask"; that of the image by default.

    Returns
    -------
    str
        Without an ending.

    Examples
    --------
    >>> derived_name("sub-1_task-x_bold.nii.gz", "slab")
    'sub-1_task-x_desc-slab_bold'
    >>> derived_name("sub-1_task-x_desc-preproc_bold", "", "mask")
    'sub-1_task-x_mask'
    >>> derived_name("my scan", "slab"), derived_name("my scan", "", "mask")
    ('my_scan_slab', 'my_scan_mask')
    """
    parts = file_name(stem(source)).split("_")
    entities = [part for part in parts if is_entity(part)]
    if not entities:
        return file_name("_".join(filter(None, ("_".join(parts), desc or suffix))))
    kept = [part for part in entities if not part.startswith("desc-")]
    own = parts[-1] if not is_entity(parts[-1]) else ""
    added = [f"desc-{desc}"] if desc else []
    return file_name("_".join(filter(None, (*kept, *added, suffix or own))))


def file_name(text: str) -> str:
    """Make a text the name of a file: letters, digits, and ``. + = -``, with "_" for everything else.

    Examples
    --------
    >>> file_name("left > right (z)"), file_name("../a")
    ('left_right_z', 'a')
    """
    plain = re.sub(r"[^\w.+=-]+", "_", nfc(text))
    return plain.strip("._-")[:_LONGEST] or "image"


def with_ending(path: str | Path) -> Path:
    """Add .nii.gz to a name that has no ending; any other name stays as it is.

    Examples
    --------
    >>> [with_ending(p).name for p in ("a", "a.nii", "b.tif", "fwhm-1.5mm")]
    ['a.nii.gz', 'a.nii', 'b.tif', 'fwhm-1.5mm.nii.gz']
    """
    path = Path(path)
    if not path.name or is_image(path) or re.search(r"\.[A-Za-z][A-Za-z0-9]{0,4}$", path.name):
        return path
    return path.with_name(path.name.rstrip(".") + ".nii.gz")
