"""Open image files by nibabel, so that a bad one gets one clear error before memory is asked for."""

from __future__ import annotations

import logging
import math
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.spatialimages import HeaderDataError, ImageDataError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.volumes.files import ending, is_compressed, stem
from napari_fmri_decoder.volumes.foreign import CIFTI, OPENS, is_ours, misnamed_gzip, what_it_is

_PAIR = "an Analyze or NIfTI"
_FORMATS = {".nii": "a NIfTI", ".mg": "an MGH", ".img": _PAIR, ".hdr": _PAIR, "": "an AFNI"}
_BROKEN = (
    *(ImageFileError, HeaderDataError, ImageDataError),
    *(OSError, EOFError, zlib.error, struct.error),
    *(ValueError, TypeError, LookupError, ArithmeticError),
)
"""What nibabel and zlib raise over headers and voxels that cannot be."""

_SMALLEST_GZIP = 1100  # deflate makes nothing more than 1032 times smaller
_PIECE = 2**16  # bytes of a gzip at a time, which may be a thousand times more decompressed
_lock = threading.Lock()


def open_image(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Open an image without reading its voxels.

    Parameters
    ----------
    path : Path

    Returns
    -------
    image : nibabel image
    notes : tuple of str
        What nibabel mended in the header.

    Raises
    ------
    InputError
        If the file is missing, is no image, or is too short for what its header says.
    """
    path = check_regular(path, "image")
    for other in _companions(path):
        check_regular(other, "image")
    _check_format(path)
    with clear_errors(path):
        with _mended() as notes, np.errstate(all="ignore"):
            image = _load(path)
        if isinstance(image, nib.Cifti2Image):
            raise _foreign(path, *CIFTI)
        if not isinstance(image, _KNOWN):
            raise _foreign(path, f"a {type(image).__name__}", "Convert it to NIfTI")
        held = voxel_file(image, path)
        if held.suffix.lower() in (".bz2", ".zst", ".z"):
            raise InputError(
                f"The voxels of {path.name} must lie as they are or as .gz, found {held.name}. Decompress it."
            )
        _check_length(held, image)
    return image, tuple(notes)


def _check_format(path: Path) -> None:
    """Refuse what is no image of ours, by its true name; a damaged image is found later."""
    if found := what_it_is(path):
        raise _foreign(path, *found)
    if wrong := misnamed_gzip(path):
        raise InputError(f"{path.name} is {wrong}.")
    if not is_ours(path):
        raise _foreign(path, "of no format that is known here", "Convert it to NIfTI, or check its ending")
    _check_pair(path)


def _foreign(path: Path, what: str, advice: str) -> InputError:
    return InputError(f"An image must be {OPENS}, but {path.name} is {what}. {advice}.")


_PARTNERS = {".img": (".hdr",), ".hdr": (".img",), ".brik": (".head",)}


def _check_pair(path: Path) -> None:
    """Refuse one file of a pair without the other, in any case, compressed or not."""
    own = ending(path)
    plain = own.lower().removesuffix(".gz")
    if plain not in _PARTNERS:
        return
    base = path.name.removesuffix(own).lower()
    wanted = {f"{base}{_PARTNERS[plain][0]}{packed}" for packed in ("", ".gz", ".bz2", ".z")}
    try:
        found = any(other.name.lower() in wanted for other in path.parent.iterdir())
    except OSError:
        return  # the file can be opened, but its folder not listed
    if not found:
        partner = _PARTNERS[plain][0]
        lost = path.name.removesuffix(own) + (partner.upper() if plain == ".brik" else partner)
        holds = "voxels" if plain == ".hdr" else "header"
        raise InputError(
            f"{path.name} must have {lost} beside it, which holds its {holds}, found no such file. "
            "Put both into one folder."
        )


def _companions(path: Path) -> list[Path]:
    """Find the other files that nibabel opens with this one: header, voxels, SPM's matrix."""
    own = ending(path)
    family = next((f for f in _OPENED_TOGETHER if own.lower() in f), ())
    names = {f"{stem(path)}{e}" for end in family for e in (end, end.upper())}
    return [p for name in sorted(names - {path.name}) if (p := path.with_name(name)).exists()]


_OPENED_TOGETHER = (
    (".img", ".hdr", ".mat", ".img.gz", ".hdr.gz", ".mat.gz"),
    (".head", ".brik", ".head.gz", ".brik.gz"),
)


def _load(path: Path) -> Any:
    try:
        return _load_header(path)
    except MemoryError as error:  # an extension of the header that says that it is huge
        raise InputError(
            f"{path.name} must hold as much as its header says, but it says more than memory can. "
            "Copy or download it again."
        ) from error
    except (OSError, zlib.error):
        raise
    except Exception as error:  # what the parsers of damaged headers meet is not to be foreseen
        raise ImageFileError(str(error) or type(error).__name__) from error


def _load_header(path: Path) -> Any:
    if not ending(path).lower().startswith(".mg") or path.stat().st_size == 0:
        try:
            return nib.load(path)
        except ImageFileError:
            if is_compressed(path) and path.stat().st_size < _PIECE * 64:
                for _ in inflated(path):  # raises what nibabel does not say: that the gzip is damaged
                    pass
            raise
    # nibabel's own way leaves the file of an MGH open until it is collected
    with nib.openers.ImageOpener(str(path)) as file:
        header = nib.MGHImage.header_class.from_fileobj(file)
    proxy = nib.MGHImage.ImageArrayProxy(str(path), header)
    image = nib.MGHImage(proxy, header.get_affine(), header)
    image.file_map["image"].filename = str(path)
    return image


_KNOWN = (nib.AnalyzeImage, nib.MGHImage, nib.brikhead.AFNIImage)  # NIfTI's classes are Analyze's heirs


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file raises into one `InputError`."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{path.name} must fit into memory volume by volume, but it does not. "
            "Open it on a larger machine, or cut it into smaller images."
        ) from error
    except FileNotFoundError as error:
        lost = Path(error.filename or path).name
        raise InputError(
            f"{path.name} must have {lost} beside it, found no such file. Put both into one folder."
        ) from error
    except _BROKEN as error:
        reason = _reason(error)
        raise InputError(
            f"{path.name} must be {_expected(path)} image that can be read whole, found: {reason}. "
            "Check that the file is complete, and that its ending names its format."
        ) from error


def _reason(error: BaseException) -> str:
    """Say what was wrong; a bare key is that of a field that the header lacks."""
    cause = error.__cause__ if isinstance(error.__cause__, KeyError) else error
    if isinstance(cause, KeyError):
        return f"its header has no {cause.args[0] if cause.args else 'such field'}"
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__


def _expected(path: Path) -> str:
    """Name the format that a file's ending promises."""
    own = ending(path).lower()
    return next(name for start, name in _FORMATS.items() if own.startswith(start))


def voxel_file(image: Any, path: Path) -> Path:
    """Find the file that holds an image's voxels: another than the one opened for a pair."""
    held = image.file_map["image"].filename
    return Path(held) if held else path


def needed_bytes(image: Any) -> int:
    """Length that the voxels' file must have, once decompressed, by the header."""
    proxy = image.dataobj
    return int(proxy.offset) + math.prod(int(n) for n in image.shape) * int(proxy.dtype.itemsize)


def ends_early(path: Path, found: int, needed: int) -> InputError:
    """Make the error for a file that is too short."""
    return InputError(
        f"{path.name} must hold {needed} bytes by its own header, found {found}: it ends early. "
        "Copy or download it again."
    )


def _check_length(path: Path, image: Any) -> None:
    """Refuse a file that ends early, mostly without decompressing it.

    The last four bytes of a gzip file say how long its content is (modulo 2^32); only where they
    disagree (truncated, or written in several members) is the end of the data really read.
    """
    needed, size = needed_bytes(image), path.stat().st_size
    if not is_compressed(path):
        if size < needed:
            raise ends_early(path, size, needed)
        return
    if needed > _SMALLEST_GZIP * size:
        raise InputError(
            f"{path.name} must hold {needed} bytes by its own header, but a gzip of {size} bytes "
            "cannot. Its header is damaged: copy or download it again."
        )
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        (length,) = struct.unpack("<I", file.read(4))
    if length >= needed % 2**32 and length - needed % 2**32 < 2**20:
        return
    found = 0
    try:
        for chunk in inflated(path):
            found += len(chunk)
            if found >= needed:
                return
    except EOFError as error:
        raise ends_early(path, found, needed) from error
    raise ends_early(path, found, needed)


def inflated(path: Path) -> Iterator[bytes]:
    """Decompress a gzip of one or several members, piece by piece, its checksums verified.

    Twice as fast as the module gzip of Python 3.11, which reads 8 KB at a time.

    Raises
    ------
    EOFError
        If it breaks off.
    zlib.error
        If it is damaged.
    """
    with path.open("rb") as file:
        data = file.read(_PIECE)
        while data[:2] == b"\x1f\x8b":  # anything else after the end is ignored, as the program gzip does
            member = zlib.decompressobj(31)
            while not member.eof:
                if not data:
                    raise EOFError("the gzip breaks off")
                if piece := member.decompress(data):
                    yield piece
                data = b"" if member.eof else file.read(_PIECE)
            data = member.unused_data
            if len(data) < 2:
                data += file.read(_PIECE)


class _Collector(logging.Handler):
    """Keeps what nibabel says in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _mended() -> Iterator[list[str]]:
    """Collect what nibabel mends in headers, which it would print or warn of."""
    collector, notes = _Collector(), []  # type: tuple[_Collector, list[str]]
    with _lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        handlers, nibabel_logger.handlers = nibabel_logger.handlers, [collector]
        propagate, nibabel_logger.propagate = nibabel_logger.propagate, False
        try:
            yield notes
        finally:
            nibabel_logger.handlers, nibabel_logger.propagate = handlers, propagate
            said = [*collector.said, *(str(w.message) for w in caught)]
            notes += [f"The header was mended on reading: {text}." for text in dict.fromkeys(said)]
