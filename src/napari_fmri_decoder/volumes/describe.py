"""Describe an image and its header as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes import headers
from napari_fmri_decoder.volumes.frames import Affine, apply_affine, axis_codes, degrees_oblique
from napari_fmri_decoder.volumes.opening import open_image
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume


def describe(image: str | Path | Volume) -> dict[str, Any]:
    """Describe an image.

    Parameters
    ----------
    image : path or Volume
        For a folder or series, the header of the first file is described.

    Returns
    -------
    dict
        For the image as it is used here:

        - `file`, `kind`, `shape`, `dtype` (of the scaled voxels);
        - `orientation` (letters of the directions in which voxel indices increase), `oblique` (degrees
          from the scanner's axes), `voxel_mm`, `origin_mm` (center of the first voxel), `centre_mm`
          (center of the image), `affine` (4 lists of 4);
        - `kind_from`, `TR_from`: how it was determined, "stated" or a reason ("" if unknown);
        - `TR_s` (None if the last axis is not time);
        - `space` ("scanner", "aligned", "talairach", "mni", "template", "unknown");
        - `notes` (list of str): caveats.

        For its header; all None if the volume does not come from a file:

        - `format`: "NIfTI-1", "NIfTI-2", with " pair" if header and voxels are separate files, "MGH",
          "Analyze 7.5" or "AFNI";
        - `stored_dtype`, such as "int16"; `byte_order`: "little" or "big";
        - `slope`, `intercept`: of the scaling from stored to actual values, None without scaling (a
          list if the factors of AFNI's sub-bricks differ);
        - `intent_code` (0 for none), `intent` (its name or None), `intent_parameters`,
          `intent_name` (free text);
        - `unit_space`, `unit_time`: "mm", "sec", "msec", ..., or "unknown";
        - `sform`, `qform`: each a dict of `code`, `name` ("unknown" for code 0, "scanner",
          "aligned", "talairach", "mni", "template") and `affine` (None if not set or
          invalid); None for formats without them;
        - `transform`: which was used, "sform", "qform", "mat", "header" or "guess"; None if the image
          was cut or moved;
        - `description`: free text.
    """
    volume = image if isinstance(image, Volume) else read(image)
    middle = (np.array(volume.shape[:3]) - 1) / 2
    return {
        "file": volume.name if isinstance(image, Volume) else str(image),
        "kind": volume.kind,
        "kind_from": volume.kind_from,
        "shape": list(volume.shape),
        "orientation": axis_codes(volume.affine),
        "oblique": round(degrees_oblique(volume.affine), 3),
        "voxel_mm": _rounded(volume.grid.voxel_size),
        "TR_s": volume.step,
        "TR_from": volume.step_from,
        "origin_mm": _rounded(volume.affine[:3, 3]),
        "centre_mm": _rounded(apply_affine(volume.affine, middle)),
        "dtype": str(volume.data.dtype),
        "space": volume.space,
        "affine": volume.affine.tolist(),
        "notes": list(volume.notes),
        **_of_header(volume),
    }


_OF_HEADER = (
    *("format", "stored_dtype", "byte_order", "slope", "intercept"),
    *("intent_code", "intent", "intent_parameters", "intent_name"),
    *("unit_space", "unit_time", "sform", "qform", "transform", "description"),
)


def _of_header(volume: Volume) -> dict[str, Any]:
    """Describe the header of a volume's first file."""
    try:
        header, _ = open_image(Path(volume.parts[0].path)) if volume.parts else (None, ())
    except InputError:  # moved or changed since
        header = None
    if header is None:
        return dict.fromkeys(_OF_HEADER)
    proxy, stored = header.dataobj, np.dtype(header.dataobj.dtype)
    slope, intercept = float(proxy.slope), float(proxy.inter)
    factors = getattr(proxy, "scaling", None)
    scaled = (slope, intercept) != (1.0, 0.0)
    code, intent, parameters = headers.intent(header)
    space, time = headers.units(header)
    nifti = headers.is_nifti(header)
    return {
        "format": headers.format_name(header),
        "stored_dtype": stored.newbyteorder("=").name,
        "byte_order": "big" if stored.str.startswith(">") else "little",
        "slope": _one_or_all(factors) if factors is not None else slope if scaled else None,
        "intercept": intercept if scaled else None,
        "intent_code": code,
        "intent": intent,
        "intent_parameters": list(parameters),
        "intent_name": headers.intent_name(header),
        "unit_space": space,
        "unit_time": time,
        "sform": _form(header, "sform") if nifti else None,
        "qform": _form(header, "qform") if nifti else None,
        "transform": _used(header, volume.affine),
        "description": _text(header, "descrip"),
    }


def _form(header: Any, name: Literal["sform", "qform"]) -> dict[str, Any]:
    code, label, affine = headers.form(header, name)
    return {"code": code, "name": label, "affine": None if affine is None else affine.tolist()}


def _used(header: Any, affine: Affine) -> str | None:
    """Find which of the header's transforms equals an affine."""
    found = headers.placement(header)
    if np.allclose(found.affine, affine, atol=1e-6):
        return found.used
    if headers.is_nifti(header):
        for name in ("sform", "qform"):
            _, _, other = headers.form(header, name)
            if other is not None and np.allclose(other, affine, atol=1e-6):
                return name
    return None


def _text(header: Any, field: str) -> str:
    """Text of a header field; AFNI and MGH have none."""
    fields = list(header.header.keys()) if hasattr(header.header, "keys") else []
    return str(header.header[field].item().decode("latin-1")).strip() if field in fields else ""


def _rounded(values: Any) -> list[float]:
    return [round(float(v), 4) for v in values]


def _one_or_all(factors: Any) -> float | list[float]:
    """Reduce the factors of AFNI's sub-bricks to one number if they are equal."""
    values = [float(f) for f in factors]
    return values[0] if len(set(values)) == 1 else values
