"""Write NIfTI files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from nibabel.nifti1 import Nifti1Extension, intent_codes, xform_codes
from nibabel.openers import ImageOpener

from napari_fmri_decoder.atomic_files import replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import ending
from napari_fmri_decoder.volumes.headers import COMMENT, KEY
from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind
from napari_fmri_decoder.volumes.mask_voxels import marked_voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.volumes.volume import Volume

WRITTEN = (".nii", ".nii.gz")
"""Endings that `write` accepts."""
_Z_NAME = re.compile(r"(?:^|[^a-z])z(?:[-_ ]?(?:maps?|stats?|scores?))?(?:[^a-z]|$)", re.IGNORECASE)


def write(volume: Volume, path: str | Path) -> Path:
    """Write a volume as NIfTI, atomically; of a series only one volume is in memory at a time.

    The file contains affine (the sform exactly, the qform without shear), space, TR and its unit,
    intent and, in a comment extension, the names of a stack, the names of an atlas' regions, and the
    kind if it could not be inferred from the file. Masks are stored as uint8, atlases as int32,
    everything else in its own type or as float32.

    Parameters
    ----------
    volume : Volume
    path : str or Path
        Ends in .nii or .nii.gz; a missing folder is created.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the path has another ending, is a folder, or cannot be written; no partial file is left behind.
    """
    return run_to_end(write_steps(volume, path))


def write_steps(volume: Volume, path: str | Path) -> Steps[int, Path]:
    """Write a volume as `write` does, in steps; closing the generator leaves no file, or the earlier one.

    Parameters
    ----------
    volume, path
        See `write`.

    Yields
    ------
    int
        Number of volumes written so far.

    Returns
    -------
    Path
    """
    path = Path(path)
    check_target(path)
    voxels = _StoredVoxels(volume)
    header = _header(volume, path, voxels)
    try:
        with replacing(path, durable=False, ending=ending(path)) as partial:
            with ImageOpener(str(partial), "wb") as file:
                header.write_to(file)
                file.write(bytes(header.get_data_offset() - file.tell()))
                for i in range(volume.n_volumes):
                    file.write(voxels.volume(i).tobytes("F"))
                    yield i + 1
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"The folder of an image must be writable, but {path.parent} is not: {error.strerror}. "
            "Choose another folder, or change its permissions."
        ) from error
    except OSError as error:
        raise InputError(
            f"An image must be saved where there is enough space, but {printable(path)} cannot be written: "
            f"{error.strerror or error}. Free some space, or choose another folder or name."
        ) from error
    return path


def check_target(path: Path) -> None:
    """Raise `InputError` if an image cannot be written to a path: wrong ending, or a folder."""
    if not path.name.lower().endswith(WRITTEN):
        raise InputError(
            f"An image must be saved as .nii or .nii.gz, got {printable(path.name)}. Change its ending."
        )
    if os.path.isdir(path):  # False if the name is too long, for which is_dir raises an OSError
        raise InputError(
            f"An image must be saved as a file, but {printable(path)} is a folder. Add a file name."
        )


class _StoredVoxels:
    """The voxels of a volume in the type in which they are stored, read one volume at a time."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._mask = _stored_mask(volume) if volume.kind == "mask" else None
        own = np.dtype(volume.data.dtype)
        small = own.kind in "iu" and own.itemsize <= 4
        other = np.dtype(np.int32 if volume.kind == "atlas" else np.float32)
        self.dtype = (
            np.dtype(np.uint8)
            if self._mask is not None
            else own.newbyteorder("=")
            if small and volume.kind != "atlas"
            else other
        )

    def volume(self, index: int) -> NDArray[Any]:
        """One (x, y, z) volume; the only one of an image without a fourth axis is 0."""
        source = self._volume.data if self._mask is None else self._mask
        voxels = source[..., index] if self._volume.is_series else source[...]
        return np.asarray(voxels).astype(self.dtype, copy=False)


def _stored_mask(volume: Volume) -> NDArray[np.uint8]:
    """All voxels of a mask: its labels from 0 to 255, else the voxels that it marks."""
    values = np.asarray(volume.data[...])
    labels = values.dtype.kind in "iub" and values.size and 0 <= values.min() and values.max() <= 255
    return (values if labels else marked_voxels(values)[0]).astype(np.uint8)


def _header(volume: Volume, path: Path, voxels: _StoredVoxels) -> Any:
    """Make the NIfTI header of a volume."""
    image = nib.Nifti1Image(np.broadcast_to(voxels.dtype.type(0), volume.shape), volume.affine)
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
    comment: dict[str, Any] = {"names": list(volume.names)} if volume.names else {}
    if _inferred_kind(volume, path, voxels, int(header["intent_code"])) != volume.kind:
        comment["kind"] = volume.kind
    if volume.step and volume.kind != "bold":
        comment["timed"] = True
    if volume.kind == "atlas" and volume.regions:
        comment["regions"] = {str(value): text for value, text in volume.regions.items()}
    if comment:
        header.extensions.append(Nifti1Extension(COMMENT, json.dumps({KEY: comment}).encode()))
    image.update_header()
    header.set_slope_inter(1, 0)
    return header


def _inferred_kind(volume: Volume, path: Path, voxels: _StoredVoxels, intent: int) -> str:
    """Kind that would be inferred for the file without our comment; "" if that is uncertain."""
    several = volume.is_series
    second = voxels.volume(1) if volume.n_volumes > 1 else None
    step = volume.step if several else None
    guess = guess_kind(ImageFacts(path.name, voxels.volume(0), several, intent, step, second=second))
    return guess.kind if guess.sure or not several else ""


def _intent(volume: Volume) -> tuple[str | None, tuple[float, ...]]:
    """Intent to write: that of the volume, else one that fits its kind."""
    if volume.intent in intent_codes.value_set("label"):
        return volume.intent, volume.intent_parameters
    if volume.kind == "stat":
        return "z score" if _Z_NAME.search(volume.name) else "estimate", ()
    return ("label", ()) if volume.kind == "atlas" else (None, ())
