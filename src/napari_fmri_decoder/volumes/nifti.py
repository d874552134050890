"""Write NIfTI; reading it, and the other formats that open by the same path, is named here too."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from nibabel.nifti1 import Nifti1Extension, intent_codes, xform_codes

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import ending, images_in, is_image, natural_key, stem
from napari_fmri_decoder.volumes.headers import COMMENT, KEY
from napari_fmri_decoder.volumes.inside import inside
from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind
from napari_fmri_decoder.volumes.read import read, read_series

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

__all__ = ["images_in", "is_image", "natural_key", "read", "read_series", "stem", "write"]

WRITTEN = (".nii", ".nii.gz")
"""Endings that `write` takes."""
_Z_NAME = re.compile(r"(?:^|[^a-z])z(?:[-_ ]?(?:maps?|stats?|scores?))?(?:[^a-z]|$)", re.IGNORECASE)


def write(volume: Volume, path: str | Path) -> Path:
    """Write a volume as NIfTI, whole or not at all.

    Kept are affine (the sform exactly, the qform without shear), space, TR and its unit, intent,
    and, in a comment extension, the names of a stack, those of an atlas' regions, and a kind that
    the file would not be taken for. Masks are stored as uint8, atlases as int32, all else as its
    own type or float32.

    Parameters
    ----------
    volume : Volume
    path : str or Path
        Ends in .nii or .nii.gz; its folder is made if missing.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the path has another ending, is a folder, or lies where nothing can be written; nothing is left
        there then.
    """
    path = Path(path)
    if not path.name.lower().endswith(WRITTEN):
        raise InputError(f"An image must be saved as .nii or .nii.gz, got {path.name}. Change its ending.")
    if os.path.isdir(path):  # False of a name that is too long, which is_dir raises an OSError for
        raise InputError(f"An image must be saved as a file, but {path} is a folder. Add a file name.")
    image = _image(volume, path)
    known = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    partial = path.with_name(f".partial-{os.getpid()}-{known}{ending(path)}")  # no longer than `path` may be
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            nib.save(image, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"The folder of an image must take new files, but {path.parent} does not: {error.strerror}. "
            "Choose another folder, or change its rights."
        ) from error
    except OSError as error:
        raise InputError(
            f"An image must be saved where there is room for it, but {printable(path)} cannot be written: "
            f"{error.strerror or error}. Make room, or choose another folder or name."
        ) from error
    return path


def _image(volume: Volume, path: Path) -> Any:
    """Make nibabel's image of a volume."""
    data = _stored(volume)
    image = nib.Nifti1Image(data, volume.affine)
    header: Any = image.header
    code = xform_codes[volume.space] if volume.space in xform_codes.value_set("label") else 0
    image.set_sform(volume.affine, code=code or 1)
    image.set_qform(volume.affine, code=code or 1, strip_shears=True)
    header.set_xyzt_units("mm", "sec" if volume.step else "unknown")
    if volume.is_series:
        header.set_zooms((*header.get_zooms()[:3], volume.step or 0.0))
    name, parameters = _intent(volume)
    if name is not None:
        header.set_intent(name, parameters)
        header["intent_name"] = volume.intent_name.encode("latin-1", "replace")[:16]
    kept: dict[str, Any] = {"names": list(volume.names)} if volume.names else {}
    if _taken_for(volume, path, data, int(header["intent_code"])) != volume.kind:
        kept["kind"] = volume.kind
    if volume.step and volume.kind != "bold":
        kept["timed"] = True
    if volume.kind == "atlas" and volume.regions:
        kept["regions"] = {str(value): text for value, text in volume.regions.items()}
    if kept:
        header.extensions.append(Nifti1Extension(COMMENT, json.dumps({KEY: kept}).encode()))
    return image


def _taken_for(volume: Volume, path: Path, data: Any, intent: int) -> str:
    """Find the kind that a file would be taken for without a word of ours in it; "" where it is a guess."""
    several = volume.is_series
    first = data[..., 0] if several else data
    second = data[..., 1] if volume.n_volumes > 1 else None
    step = volume.step if several else None
    guess = guess_kind(ImageFacts(path.name, first, several, intent, step, second=second))
    return guess.kind if guess.sure or not several else ""


def _stored(volume: Volume) -> Any:
    """Voxels in the type that they are stored in."""
    own = np.dtype(volume.data.dtype)
    if volume.kind == "mask":
        values = np.asarray(volume.data[...])
        labels = values.dtype.kind in "iub" and values.size and 0 <= values.min() and values.max() <= 255
        return (values if labels else inside(values)[0]).astype(np.uint8)
    if volume.kind == "atlas":
        return np.asarray(volume.data[...]).astype(np.int32)
    small = own.kind in "iu" and own.itemsize <= 4
    return np.asarray(volume.data[...]).astype(own.newbyteorder("=") if small else np.float32)


def _intent(volume: Volume) -> tuple[str | None, tuple[float, ...]]:
    """Intent to write: the volume's own, else one that its kind says."""
    if volume.intent in intent_codes.value_set("label"):
        return volume.intent, volume.intent_parameters
    if volume.kind == "stat":
        return "z score" if _Z_NAME.search(volume.name) else "estimate", ()
    return ("label", ()) if volume.kind == "atlas" else (None, ())
