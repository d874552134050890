"""Open image files with nibabel; report a bad file by one clear error before memory is allocated."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.volumes.file_length import check_length, voxel_file
from napari_fmri_decoder.volumes.files import ending, is_compressed, stem
from napari_fmri_decoder.volumes.gzip_files import PIECE, decompressed
from napari_fmri_decoder.volumes.header_repairs import repair_notes
from napari_fmri_decoder.volumes.other_formats import (
    CIFTI,
    SUPPORTED,
    identify,
    is_supported,
    misnamed_gzip,
)
from napari_fmri_decoder.volumes.read_errors import clear_errors

_IMAGES = (nib.AnalyzeImage, nib.MGHImage, nib.brikhead.AFNIImage)  # NIfTI images are subclasses of Analyze
_PARTNERS = {".img": (".hdr",), ".hdr": (".img",), ".brik": (".head",)}
_OPENED_TOGETHER = (
    (".img", ".hdr", ".mat", ".img.gz", ".hdr.gz", ".mat.gz"),
    (".head", ".brik", ".head.gz", ".brik.gz"),
)


def open_image(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Open an image without reading its voxels.

    Parameters
    ----------
    path : Path

    Returns
    -------
    image : nibabel image
    notes : tuple of str
        What nibabel repaired in the header.

    Raises
    ------
    InputError
        If the file is missing, is not an image, or is shorter than its header requires.
    """
    path = check_regular(path, "image")
    for other in _companions(path):
        check_regular(other, "image")
    _check_format(path)
    with clear_errors(path):
        with repair_notes() as notes, np.errstate(all="ignore"):
            image = _load(path)
        if isinstance(image, nib.Cifti2Image):
            raise _unsupported(path, *CIFTI)
        if not isinstance(image, _IMAGES):
            raise _unsupported(path, f"a {type(image).__name__}", "Convert it to NIfTI")
        voxels = voxel_file(image, path)
        if voxels.suffix.lower() in (".bz2", ".zst", ".z"):
            raise InputError(
                f"The voxels of {path.name} must be uncompressed or compressed as .gz, found {voxels.name}. "
                "Decompress it."
            )
        check_length(voxels, image)
    return image, tuple(notes)


def _check_format(path: Path) -> None:
    """Raise an error that names the format of an unsupported file; damaged images are detected later."""
    if found := identify(path):
        raise _unsupported(path, *found)
    if wrong := misnamed_gzip(path):
        raise InputError(f"{path.name} is {wrong}.")
    if not is_supported(path):
        raise _unsupported(path, "of an unknown format", "Convert it to NIfTI, or check its ending")
    _check_pair(path)


def _unsupported(path: Path, what: str, advice: str) -> InputError:
    return InputError(f"An image must be {SUPPORTED}, but {path.name} is {what}. {advice}.")


def _check_pair(path: Path) -> None:
    """Raise an error if one file of a pair is missing, whatever its case and compression."""
    own = ending(path)
    plain = own.lower().removesuffix(".gz")
    if plain not in _PARTNERS:
        return
    base = path.name.removesuffix(own).lower()
    wanted = {f"{base}{_PARTNERS[plain][0]}{packed}" for packed in ("", ".gz", ".bz2", ".z")}
    try:
        found = any(other.name.lower() in wanted for other in path.parent.iterdir())
    except OSError:
        return  # the file can be opened, but its folder cannot be listed
    if not found:
        partner = _PARTNERS[plain][0]
        missing = path.name.removesuffix(own) + (partner.upper() if plain == ".brik" else partner)
        content = "voxels" if plain == ".hdr" else "header"
        raise InputError(
            f"{path.name} must have {missing} in the same folder, which holds its {content}, but there is no "
            "such file. Put both into one folder."
        )


def _companions(path: Path) -> list[Path]:
    """Find the other files that nibabel opens with this one: header, voxels, SPM's matrix."""
    own = ending(path)
    family = next((f for f in _OPENED_TOGETHER if own.lower() in f), ())
    names = {f"{stem(path)}{e}" for end in family for e in (end, end.upper())}
    return [p for name in sorted(names - {path.name}) if (p := path.with_name(name)).exists()]


def _load(path: Path) -> Any:
    try:
        return _load_header(path)
    except MemoryError as error:  # a header extension that claims to be huge
        raise InputError(
            f"{path.name} must be as long as its header states, but the header states more than fits into "
            "memory. Copy or download it again."
        ) from error
    except (OSError, zlib.error):
        raise
    except Exception as error:  # parsers of damaged headers may raise anything
        raise ImageFileError(str(error) or type(error).__name__) from error


def _load_header(path: Path) -> Any:
    if not ending(path).lower().startswith(".mg") or path.stat().st_size == 0:
        try:
            return nib.load(path)
        except ImageFileError:
            if is_compressed(path) and path.stat().st_size < PIECE * 64:
                for _ in decompressed(path):  # raises what nibabel does not report: a damaged gzip
                    pass
            raise
    # nib.load leaves the file of an MGH image open until it is garbage collected
    with nib.openers.ImageOpener(str(path)) as file:
        header = nib.MGHImage.header_class.from_fileobj(file)
    proxy = nib.MGHImage.ImageArrayProxy(str(path), header)
    image = nib.MGHImage(proxy, header.get_affine(), header)
    image.file_map["image"].filename = str(path)
    return image
