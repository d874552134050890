"""Identify files of unsupported formats, with advice for each."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from napari_fmri_decoder.volumes.files import ENDINGS, ending

SUPPORTED = "NIfTI (.nii, .nii.gz, .hdr with .img), MGH (.mgh, .mgz), Analyze 7.5 and AFNI (.HEAD with .BRIK)"
"""Supported formats, as messages list them."""

_DICOM = "a DICOM file", "Convert the series to NIfTI, for example with dcm2niix"
_MINC = "a MINC image", "Convert it to NIfTI, for example with mnc2nii"
_PARREC = "a Philips PAR/REC image", "Convert it to NIfTI, for example with dcm2niix or parrec2nii"
_GIFTI = "a GIFTI surface", "It has vertices, not voxels: open the volume that it was made from"
CIFTI = (
    "a CIFTI-2 file",
    "It has surface vertices or a matrix instead of a volume: extract its volume part with "
    "wb_command -cifti-separate, or open the volume that it was made from",
)
_TRACTS = "a file of streamlines", "It has no voxels: open an image"
_TABLE = "a table", "Open the image here; tables belong to labels, events or confounds"
_PICTURE = "a picture", "Open a scan"
_TEXT = "a text file", "Open an image"
_BY_ENDING: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".dcm", ".ima", ".dicom"), _DICOM),
    **dict.fromkeys((".mnc", ".mnc.gz", ".mnc2"), _MINC),
    **dict.fromkeys((".par", ".rec"), _PARREC),
    **dict.fromkeys((".gii", ".gii.gz"), _GIFTI),
    **dict.fromkeys((".trk", ".tck", ".trx", ".tt", ".tt.gz"), _TRACTS),
    **dict.fromkeys((".nrrd", ".nhdr"), ("an NRRD image", "Convert it to NIfTI")),
    **dict.fromkeys((".mha", ".mhd"), ("a MetaImage", "Convert it to NIfTI")),
    **dict.fromkeys((".v",), ("an ECAT image", "Convert it to NIfTI")),
    **dict.fromkeys((".vmr", ".vtc", ".fmr", ".stc"), ("a BrainVoyager file", "Export it as NIfTI")),
    **dict.fromkeys((".tsv", ".csv", ".xlsx"), _TABLE),
    **dict.fromkeys((".md", ".txt", ".rst", ".json", ".toml", ".py", ".m", ".html", ".log"), _TEXT),
    **dict.fromkeys((".bval", ".bvec", ".1d", ".par.txt"), _TEXT),
    **dict.fromkeys(
        (".mat", ".npy", ".npz", ".h5", ".hdf5"), ("an array without an affine", "Open an image")
    ),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".pdf"), _PICTURE),
    **dict.fromkeys((".zip", ".tar", ".tar.gz", ".tgz", ".7z"), ("an archive", "Unpack it first")),
    **dict.fromkeys((".nii.bz2", ".nii.zst", ".nii.xz"), ("compressed", "Decompress it first")),
}
_CIFTI_PARTS = ("dconn", "dtseries", "dscalar", "dlabel", "pconn", "ptseries", "pscalar", "plabel", "dpconn")


def identify(path: Path) -> tuple[str, str] | None:
    """Identify a file of an unsupported format.

    Parameters
    ----------
    path : Path
        A regular file.

    Returns
    -------
    (what, advice) or None
        From its first bytes, else from its ending; None if the format is supported or unknown.
    """
    own = ending(path).lower()
    start = _first_bytes(path)
    if start[128:132] == b"DICM":
        return _DICOM
    if start[:3] == b"CDF" or (start[:8] == b"\x89HDF\r\n\x1a\n" and not own):
        return _MINC if ".mnc" in path.name.lower() or own else ("an HDF5 or netCDF file", "Open an image")
    if b"<GIFTI" in start:
        return _GIFTI
    if start.lstrip()[:1] == b"<" and b"<html" in start.lower():
        return "a web page", "Download the image itself: the server sent a page, such as a login"
    name = path.name.lower()
    if own in (".nii", ".nii.gz") and name.removesuffix(own).rpartition(".")[2] in _CIFTI_PARTS:
        return CIFTI
    if own:
        return None
    endings = sorted((e for e in _BY_ENDING if name.endswith(e)), key=len)
    return _BY_ENDING[endings[-1]] if endings else None


def misnamed_gzip(path: Path) -> str | None:
    """Describe a disagreement between ending and first bytes on whether a file is a gzip; else None."""
    own, start = ending(path).lower(), _raw(path)
    if not own or not start:
        return None
    packed, named = start[:2] == b"\x1f\x8b", own.endswith((".gz", ".mgz"))
    if packed and not named:
        return f"a gzip file, but its name ends in {own}. Rename it to {path.name}.gz, or decompress it"
    if named and not packed and start[344:347] in (b"n+1", b"ni1"):
        return f"not a gzip file, but its name ends in {own}. Rename it to {path.name[:-3]}"
    return None


def is_supported(path: Path) -> bool:
    """Whether a file has the ending of a supported format."""
    return ending(path).lower() in ENDINGS


def _raw(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError:
        return b""


def _first_bytes(path: Path) -> bytes:
    """First bytes of a file; of a gzip, of its decompressed content."""
    start = _raw(path)
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        with gzip.open(path, "rb") as file:
            return file.read(512)
    except (OSError, EOFError, zlib.error):
        return b""
