"""Turn whatever nibabel and zlib raise on damaged images into one clear error."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, ImageDataError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.files import ending

_PAIR = "an Analyze or NIfTI"
_FORMATS = {".nii": "a NIfTI", ".mg": "an MGH", ".img": _PAIR, ".hdr": _PAIR, "": "an AFNI"}
_DAMAGED = (
    *(ImageFileError, HeaderDataError, ImageDataError),
    *(OSError, EOFError, zlib.error, struct.error),
    *(ValueError, TypeError, LookupError, ArithmeticError),
)
"""What nibabel and zlib raise on invalid headers and voxels."""


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn any error from a damaged file into an `InputError`."""
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
        missing = Path(error.filename or path).name
        raise InputError(
            f"{path.name} must have {missing} in the same folder, but there is no such file. "
            "Put both into one folder."
        ) from error
    except _DAMAGED as error:
        raise InputError(
            f"{path.name} must be {_expected_format(path)} image that is complete and readable, found: "
            f"{_reason(error)}. Check that the file is complete, and that its ending matches its format."
        ) from error


def _reason(error: BaseException) -> str:
    """Describe an error; a bare key is a field missing from the header."""
    cause = error.__cause__ if isinstance(error.__cause__, KeyError) else error
    if isinstance(cause, KeyError):
        return f"its header has no {cause.args[0] if cause.args else 'such field'}"
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__


def _expected_format(path: Path) -> str:
    """Name, with its article, of the format that the ending of a file belongs to."""
    own = ending(path).lower()
    return next(name for start, name in _FORMATS.items() if own.startswith(start))
