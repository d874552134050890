"""Files that are no image of ours: what they are, and what can be done with them."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from napari_fmri_decoder.volumes.files import ENDINGS, ending

OPENS = "NIfTI (.nii, .nii.gz, .hdr with .img), MGH (.mgh, .mgz), Analyze 7.5 and AFNI (.HEAD with .BRIK)"
"""Formats that open, as messages list them."""

_DICOM = "a DICOM file", "Convert the series to NIfTI, for example by dcm2niix"
_MINC = "a MINC image", "Convert it to NIfTI, for example by mnc2nii"
_PARREC = "a Philips PAR/REC image", "Convert it to NIfTI, for example by dcm2niix or parrec2nii"
_GIFTI = "a GIFTI surface", "It has vertices and no voxels: give the volume that it was made from"
CIFTI = (
    "a CIFTI-2 file",
    "It has surface vertices or a matrix in place of a volume: write its volume part by "
    "wb_command -cifti-separate, or give the volume that it was made from",
)
_TRACTS = "a file of streamlines", "It has no voxels: give an image"
_TABLE = "a table", "Give the image; tables are named as labels, events or confounds"
_TEXT = "a text file", "Give an image"
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
    **dict.fromkeys((".mat", ".npy", ".npz", ".h5", ".hdf5"), ("an array without a place", "Give an image")),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".pdf"), ("a picture", "Give a scan")),
    **dict.fromkeys((".zip", ".tar", ".tar.gz", ".tgz", ".7z"), ("an archive", "Unpack it first")),
    **dict.fromkeys((".nii.bz2", ".nii.zst", ".nii.xz"), ("compressed", "Decompress it first")),
}
_CIFTI_PARTS = ("dconn", "dtseries", "dscalar", "dlabel", "pconn", "ptseries", "pscalar", "plabel", "dpconn")


def what_it_is(path: Path) -> tuple[str, str] | None:
    """Find what a file is that is no image of ours.

    Parameters
    ----------
    path : Path
        A regular file.

    Returns
    -------
    (what, advice) or None
        By its first bytes, else by its ending; None where neither says more.
    """
    own = ending(path).lower()
    start = _first_bytes(path)
    if start[128:132] == b"DICM":
        return _DICOM
    if start[:3] == b"CDF" or (start[:8] == b"\x89HDF\r\n\x1a\n" and not own):
        return _MINC if ".mnc" in path.name.lower() or own else ("an HDF5 or netCDF file", "Give an image")
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
    """Say so where an ending and the first bytes disagree on whether a file is a gzip."""
    own, start = ending(path).lower(), _raw(path)
    if not own or not start:
        return None
    packed, named = start[:2] == b"\x1f\x8b", own.endswith((".gz", ".mgz"))
    if packed and not named:
        return f"a gzip, though its name ends in {own}. Rename it to {path.name}.gz, or decompress it"
    if named and not packed and start[344:347] in (b"n+1", b"ni1"):
        return f"no gzip, though its name ends in {own}. Rename it to {path.name[:-3]}"
    return None


def is_ours(path: Path) -> bool:
    """Whether a file has the ending of a format that opens."""
    return ending(path).lower() in ENDINGS


def _raw(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError:
        return b""


def _first_bytes(path: Path) -> bytes:
    """First bytes of a file, of a gzip its content's."""
    start = _raw(path)
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        with gzip.open(path, "rb") as file:
            return file.read(512)
    except (OSError, EOFError, zlib.error):
        return b""
