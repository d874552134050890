"""Read and write NIfTI: single images, series, and folders of maps stacked into one."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.nifti1 import Nifti1Extension
from nibabel.spatialimages import HeaderDataError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.atlas_names import regions_of
from napari_fmri_decoder.volumes.kinds import kind_of
from napari_fmri_decoder.volumes.series import FileSeries, JoinedSeries
from napari_fmri_decoder.volumes.volume import Part, Volume

logger = logging.getLogger(__name__)

ENDINGS = (".nii", ".nii.gz")
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_BROKEN = (ImageFileError, HeaderDataError, OSError, EOFError, zlib.error, ValueError, struct.error)
_COMMENT = 6  # NIfTI extension code of free text


def natural_key(path: str | Path) -> list[tuple[int, int | str]]:
    """Sort key that counts: run-2 comes before run-10.

    Examples
    --------
    >>> sorted(["map_10", "map_2", "map_1"], key=natural_key)
    ['map_1', 'map_2', 'map_10']
    """
    pieces = re.split(r"(\d+)", str(path))
    return [(0, int(p)) if p.isdigit() else (1, p.lower()) for p in pieces if p]


def stem(path: str | Path) -> str:
    """File name without .nii or .nii.gz."""
    return re.sub(r"\.nii(\.gz)?$", "", Path(path).name, flags=re.IGNORECASE)


def is_image(path: str | Path) -> bool:
    """Whether a file name ends in .nii or .nii.gz."""
    return str(path).lower().endswith(ENDINGS)


def images_in(folder: Path) -> list[Path]:
    """List the image files of a folder, naturally sorted; hidden ones are left out."""
    found = (p for p in folder.iterdir() if is_image(p) and not p.name.startswith("."))
    return sorted(found, key=natural_key)


def read(path: str | Path) -> Volume:
    """Read a NIfTI file, or a folder of maps as one series.

    A single image is read into memory; a series is read volume by volume when it is asked for.

    Parameters
    ----------
    path : str or Path
        `.nii`, `.nii.gz`, or a folder of such files of one grid.

    Returns
    -------
    Volume
        In the file's voxel order, with the affine of its sform, else its qform. A folder's
        file names, naturally sorted, are the names along the last axis.

    Raises
    ------
    InputError
        If the file is missing, is no NIfTI, ends early, holds no real numbers, has no usable
        affine, or more than four axes.
    """
    path = Path(path)
    if path.is_dir():
        files = images_in(path)
        if not files:
            raise InputError(f"A folder of maps must hold .nii or .nii.gz files, found none in {path}.")
        return replace(read_series(files), name=path.name)
    return _read_file(path)


def read_series(paths: Iterable[str | Path]) -> Volume:
    """Join files of one grid along the last axis, without reading them whole.

    Parameters
    ----------
    paths : iterable of str or Path
        Sorted naturally first. 3-D files give their names to their volumes.

    Returns
    -------
    Volume
        With one `Part` per file.

    Raises
    ------
    InputError
        If there is no file, or one lies on another grid than the first or steps at another TR.
    """
    files = sorted((Path(p) for p in paths), key=natural_key)
    if not files:
        raise InputError("A series needs at least one file, found none.")
    volumes = [_read_file(p) for p in files]
    if len(volumes) == 1:
        return volumes[0]
    first = volumes[0]
    for path, volume in zip(files, volumes, strict=True):
        if not volume.grid.same_as(first.grid):
            raise InputError(
                f"All files of a series must lie on one grid, but {path.name} has shape "
                f"{volume.shape[:3]} and origin {volume.affine[:3, 3].round(2).tolist()}, and "
                f"{files[0].name} has {first.shape[:3]} and {first.affine[:3, 3].round(2).tolist()}. "
                "Resample it first, or leave it out."
            )
        if (volume.step or 0) != (first.step or 0):
            raise InputError(
                f"All files of a series must have one TR, but {path.name} has {volume.step} s and "
                f"{files[0].name} has {first.step} s."
            )
    data = JoinedSeries([v.data for v in volumes])
    names = tuple(n for v, p in zip(volumes, files, strict=True) for n in _names(v, p))
    timed = first.kind == "bold" or first.step is not None
    kind = first.kind if first.kind in ("stat", "bold") else ("bold" if first.is_series else "stat")
    return Volume(
        data,
        first.affine,
        kind,
        first.step,
        () if timed else names,
        files[0].parent.name,
        tuple(part for v in volumes for part in v.parts),
    )


def _names(volume: Volume, path: Path) -> list[str]:
    if volume.names:
        return list(volume.names)
    if not volume.is_series:
        return [stem(path)]
    return [f"{stem(path)} [{i}]" for i in range(volume.n_volumes)]


def _read_file(path: Path) -> Volume:
    if not path.exists():
        raise InputError(f"The image must exist, found no file {path}. Check the path.")
    try:
        image: Any = nib.load(path)
        header = image.header
        shape = _squeezed(image.shape, path)
        data = FileSeries(image.dataobj, shape, path)
        _check_complete(path, header, image.shape)
        first = np.asarray(data[..., 0] if len(shape) == 4 else data[...])
    except InputError:
        raise
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(
            f"{path.name} must be a NIfTI image that can be read whole, found: {reason}. "
            "Check that the file is complete and is a .nii or .nii.gz."
        ) from error
    intent = int(header["intent_code"]) if "intent_code" in header else 0
    series = len(shape) == 4
    kind = kind_of(path.name, intent, first, series=series)
    volume = Volume(
        data if series else first,
        np.asarray(image.affine, dtype=np.float64),
        kind,
        _seconds(header) if kind == "bold" else None,
        _stored_names(header, shape[3]) if series else (),
        stem(path),
        (Part(str(path), shape[3] if series else 1),),
        regions_of(path) if kind == "atlas" else {},
    )
    volume.grid.same_as(volume.grid)  # raises for an affine that places nothing
    return volume


def _squeezed(shape: Sequence[int], path: Path) -> tuple[int, ...]:
    """Shape with 3 or 4 axes: trailing axes of length 1 dropped, missing ones added."""
    kept = list(shape)
    while len(kept) > 3 and kept[-1] == 1:
        kept.pop()
    if len(kept) == 5 and kept[3] == 1:
        kept.pop(3)
    kept += [1] * (3 - len(kept))
    if len(kept) > 4 or min(kept) < 1:
        raise InputError(
            f"An image must have 3 axes (x, y, z) or 4 (x, y, z, n), found shape {tuple(shape)} in "
            f"{path.name}."
        )
    return tuple(int(n) for n in kept)


def _check_complete(path: Path, header: Any, shape: Sequence[int]) -> None:
    """Refuse a file that ends early, without decompressing it.

    The last four bytes of a gzip file say how long its content is (modulo 2^32); only where they
    disagree (truncated, or written in several members) is the end of the data really read.
    """
    if "vox_offset" not in header:
        return
    needed = int(header["vox_offset"]) + math.prod(shape) * header.get_data_dtype().itemsize
    if path.suffix.lower() == ".nii":
        if path.stat().st_size < needed:
            raise InputError(_ends_early(path, path.stat().st_size, needed))
        return
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        (length,) = struct.unpack("<I", file.read(4))
    if length >= needed % 2**32 and length - needed % 2**32 < 2**20:
        return
    found = 0
    with nib.openers.Opener(str(path)) as opened:
        while chunk := opened.read(2**24):
            found += len(chunk)
            if found >= needed:
                return
    raise InputError(_ends_early(path, found, needed))


def _ends_early(path: Path, found: int, needed: int) -> str:
    return (
        f"{path.name} must hold {needed} bytes by its own header, found {found}: it ends early. "
        "Copy or download it again."
    )


def _seconds(header: Any) -> float | None:
    """TR in seconds, from pixdim[4] and the header's unit of time; a missing unit counts as s."""
    zooms = header.get_zooms()
    if len(zooms) < 4 or not np.isfinite(zooms[3]) or zooms[3] <= 0:
        return None
    unit = header.get_xyzt_units()[1]
    if unit not in _SECONDS and unit != "unknown":
        return None
    return round(float(zooms[3]) * _SECONDS.get(unit, 1.0), 9)


def _stored_names(header: Any, n: int) -> tuple[str, ...]:
    for extension in getattr(header, "extensions", ()):
        if extension.get_code() != _COMMENT:
            continue
        try:
            names = json.loads(extension.get_content())["napari_fmri_decoder"]["names"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(names, list) and len(names) == n:
            return tuple(str(name) for name in names)
    return ()


def write(volume: Volume, path: str | Path) -> Path:
    """Write a volume as NIfTI, whole or not at all.

    Kept are affine (sform and qform), TR and its unit, the names of a stack (as a comment
    extension) and, for statistical maps, an intent. Masks are stored as uint8, atlases as int32,
    all else as its own type or float32.

    Parameters
    ----------
    volume : Volume
    path : str or Path
        Ends in .nii or .nii.gz; its folder is made if missing.

    Returns
    -------
    Path
    """
    path = Path(path)
    if not is_image(path):
        raise InputError(f"An image must be saved as .nii or .nii.gz, got {path.name}. Change its ending.")
    stored = {"mask": np.uint8, "atlas": np.int32}.get(volume.kind, np.float32)
    own = np.dtype(volume.data.dtype)
    if volume.kind not in ("mask", "atlas") and own.kind in "iu" and own.itemsize <= 4:
        stored = own  # type: ignore[assignment]
    image = nib.Nifti1Image(np.asarray(volume.data[...]).astype(stored), volume.affine)
    header: Any = image.header
    image.set_sform(volume.affine, code=1)
    image.set_qform(volume.affine, code=1, strip_shears=True)
    header.set_xyzt_units("mm", "sec" if volume.step else "unknown")
    if volume.step and volume.is_series:
        header.set_zooms((*header.get_zooms()[:3], volume.step))
    if volume.kind == "stat":
        header.set_intent("z score" if re.search("z", volume.name, re.I) else "estimate")
    if volume.names:
        text = json.dumps({"napari_fmri_decoder": {"names": list(volume.names)}})
        header.extensions.append(Nifti1Extension(_COMMENT, text.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        nib.save(image, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
