"""What the headers of the formats say: where an image lies, its TR, its intent, its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import nibabel as nib
import numpy as np
from nibabel.brikhead import AFNIImage
from nibabel.nifti1 import Nifti1Header, xform_codes

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine

Transform = Literal["auto", "sform", "qform"]
"""Which of a NIfTI header's two transforms places the image; auto is the sform, else the qform."""

COMMENT = 6
"""NIfTI extension code of free text."""
KEY = "napari_fmri_decoder"
"""Under which such a text keeps what NIfTI has no field for."""
UNCERTAIN = "Left and right are not certain: "
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_MILLIMETRES = {"meter": 1e3, "micron": 1e-3}
_AFNI_UNITS = {77001: "msec", 77002: "sec", 77003: "hz"}
_AFNI_SPACES = {"ORIG": "scanner", "ANAT": "aligned", "TLRC": "talairach", "MNI": "mni"}


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where an image lies, and by whose word.

    Attributes
    ----------
    affine : (4, 4) float64 array
        Voxel index to RAS+ millimetres.
    used : {"sform", "qform", "mat", "header", "guess"}
        What it was taken from: "mat" is SPM's file beside an Analyze image, "header" that of MGH
        and AFNI, "guess" an origin in the middle and voxels stored from right to left.
    space : str
        "scanner", "aligned", "talairach", "mni", "template", or "unknown".
    notes : tuple of str
        What to know before believing it.
    """

    affine: Affine
    used: str
    space: str
    notes: tuple[str, ...] = ()


def is_nifti(image: Any) -> bool:
    """Whether a nibabel image is a NIfTI of any version, in one file or two."""
    return isinstance(image.header, Nifti1Header)


def format_name(image: Any) -> str:
    """Name of an image's format, such as "NIfTI-1"."""
    if is_nifti(image):
        version = 2 if int(image.header["sizeof_hdr"]) == 540 else 1
        return f"NIfTI-{version}{'' if image.header.is_single else ' pair'}"
    if isinstance(image, nib.MGHImage):
        return "MGH"
    return "AFNI" if isinstance(image, AFNIImage) else "Analyze 7.5"


def form(image: Any, name: Literal["sform", "qform"]) -> tuple[int, str, Affine | None]:
    """Code, its name and the affine of a NIfTI transform; affine None where it is not set or broken."""
    code = int(image.header[f"{name}_code"])
    label = str(xform_codes.label[code]) if code in xform_codes.value_set() else f"code {code}"
    if code == 0:
        return code, label, None
    try:
        affine = getattr(image.header, f"get_{name}")()
    except ValueError:  # quaternions that are none
        return code, label, None
    return code, label, np.asarray(affine, dtype=np.float64) * _mm(image)


def placement(image: Any, transform: Transform = "auto") -> Placement:
    """Find where an image lies.

    Parameters
    ----------
    image : nibabel image
    transform : {"auto", "sform", "qform"}
        auto is nibabel's rule: the sform where it is set, else the qform, else a guess.

    Returns
    -------
    Placement

    Raises
    ------
    InputError
        If a transform is asked for that the image does not have.
    """
    if is_nifti(image):
        return _nifti_placement(image, transform)
    if transform != "auto":
        raise InputError(
            f"Only NIfTI images have a {transform}, found the format {format_name(image)}. "
            'Use transform = "auto".'
        )
    affine = np.asarray(image.affine, dtype=np.float64)
    if isinstance(image, AFNIImage):
        return Placement(affine, "header", _AFNI_SPACES.get(image.header.get_space(), "unknown"))
    if isinstance(image, nib.MGHImage):
        if int(image.header["goodRASFlag"]) > 0:
            return Placement(affine, "header", "scanner")
        return Placement(
            affine, "guess", "unknown", (f"{UNCERTAIN}this MGH file says nothing of its orientation.",)
        )
    if not np.allclose(affine, image.header.get_best_affine()):
        return Placement(affine, "mat", "aligned")
    return Placement(
        affine,
        "guess",
        "unknown",
        (
            f"{UNCERTAIN}an Analyze 7.5 header does not tell, and no .mat lies beside it. "
            "It is shown as stored from right to left, as SPM and nibabel take it.",
        ),
    )


def _nifti_placement(image: Any, transform: Transform) -> Placement:
    forms = {name: form(image, name) for name in ("sform", "qform")}
    if transform != "auto" and forms[transform][2] is None:
        code, label, _ = forms[transform]
        other = "qform" if transform == "sform" else "sform"
        what = "not set (code 0)" if code == 0 else f"broken (code {code}, {label})"
        raise InputError(
            f"The {transform} must be set to be used, but it is {what}. "
            f'Use "{"auto" if forms[other][0] == 0 else other}".'
        )
    unit = image.header.get_xyzt_units()[0]
    notes: tuple[str, ...] = ()
    if unit in _MILLIMETRES:
        notes = (f"The header measures in the unit {unit}; the image is placed in millimetres.",)
    used = transform
    if transform == "auto":
        used = next((name for name in ("sform", "qform") if forms[name][0] > 0), "auto")
    if used == "auto":
        affine = np.asarray(image.affine, dtype=np.float64) * _mm(image)
        guess = (
            "neither sform nor qform is set. It is shown as stored from right to left, as nibabel takes it."
        )
        return Placement(affine, "guess", "unknown", (*notes, f"{UNCERTAIN}{guess}"))
    _, label, found = forms[used]
    if found is None:
        raise InputError("The qform must be a rotation, found quaternions that are none. Repair the header.")
    if transform == "auto":
        notes += _contradiction(image.shape, forms)
    return Placement(found, used, label, notes)


def _contradiction(
    shape: tuple[int, ...], forms: dict[str, tuple[int, str, Affine | None]]
) -> tuple[str, ...]:
    """Say so where sform and qform claim one space, or mirror one another, but place voxels differently.

    Transforms to different spaces, such as the scanner's and a template's, may differ.
    """
    (code, label, sform), (other_code, other_label, qform) = forms["sform"], forms["qform"]
    if sform is None or qform is None:
        return ()
    last = np.array([*shape[:3], 1, 1, 1][:3]) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    apart = float(np.abs((corners @ (sform - qform)[:3, :3].T) + (sform - qform)[:3, 3]).max())
    voxel = float(np.linalg.norm(sform[:3, :3], axis=0).min())
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    if mirrored:
        return (
            f"{UNCERTAIN}sform and qform contradict each other, one is the mirror image of the other. The "
            "sform is used. Find out which is right, and remove the other from the header.",
        )
    if not np.isfinite(apart) or apart <= voxel / 2 or (code != other_code and max(code, other_code) > 2):
        return ()
    return (
        f"sform ({label}) and qform ({other_label}) contradict each other: they place voxels up to "
        f"{apart:.1f} mm apart. The sform is used. Find out which is right, and correct the header.",
    )


def _mm(image: Any) -> Affine:
    """Factor from a NIfTI header's unit to millimetres, for the rows of an affine."""
    factor = _MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
    return np.array([[factor], [factor], [factor], [1.0]])


def units(image: Any) -> tuple[str, str]:
    """Units of space and time that a header gives."""
    if is_nifti(image):
        space, time = image.header.get_xyzt_units()
        return str(space), str(time)
    if isinstance(image, AFNIImage):
        codes = image.header.info.get("TAXIS_NUMS", [])
        return "mm", _AFNI_UNITS.get(codes[2] if len(codes) > 2 else 0, "sec")
    return "mm", "msec" if isinstance(image, nib.MGHImage) else "sec"


def seconds(image: Any) -> float | None:
    """TR in seconds, from the fourth voxel size and the unit of time; a missing unit counts as s."""
    zooms = image.header.get_zooms()
    if len(zooms) < 4 or not np.isfinite(zooms[3]) or zooms[3] <= 0:
        return None
    unit = units(image)[1]
    if unit not in _SECONDS and unit != "unknown":
        return None
    # the shortest number that the header's type tells apart: 1.35, not 1.350000023841858
    return round(float(str(zooms[3])) * _SECONDS.get(unit, 1.0), 9)


def means_its_step(image: Any) -> bool:
    """Whether a header's TR is meant: a 1 without a unit is what programs write that know no TR."""
    zooms = image.header.get_zooms()
    if isinstance(image, (AFNIImage, nib.MGHImage)) or len(zooms) < 4 or float(zooms[3]) != 1.0:
        return True
    return is_nifti(image) and units(image)[1] in _SECONDS


def intent(image: Any) -> tuple[int, str | None, tuple[float, ...]]:
    """NIfTI intent of an image: its code, its name (None for code 0) and its parameters."""
    if not is_nifti(image) or int(image.header["intent_code"]) == 0:
        return 0, None, ()
    label, parameters, _ = image.header.get_intent()
    return int(image.header["intent_code"]), str(label), tuple(float(p) for p in parameters)


def is_statistic(image: Any) -> bool:
    """Whether an AFNI dataset says that its sub-bricks are statistics: a bucket, and not in time."""
    if not isinstance(image, AFNIImage):
        return False
    info = image.header.info
    return "TAXIS_NUMS" not in info and ("BRICK_STATAUX" in info or "FUNC" in str(info.get("TYPESTRING", "")))


def intent_name(image: Any) -> str:
    """Free text that names an intent, such as "face>house"; "" without one."""
    return str(image.header.get_intent()[2]) if is_nifti(image) else ""


def kept(image: Any) -> dict[str, Any]:
    """What this plugin kept in a comment of the header: names, kind, step, regions."""
    for extension in getattr(image.header, "extensions", ()):
        if extension.get_code() != COMMENT:
            continue
        try:
            found = parse_json(extension.get_content(), "A comment of the header")[KEY]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def names(image: Any, n: int) -> tuple[str, ...]:
    """Names of the volumes of a stack: our own, or AFNI's labels of sub-bricks."""
    found = kept(image).get("names")
    if isinstance(image, AFNIImage) and seconds(image) is None:
        found = image.header.get_volume_labels()
    return tuple(str(name) for name in found) if isinstance(found, list) and len(found) == n else ()


def regions(image: Any) -> dict[int, str]:
    """Name of each value of an atlas, where this plugin kept them in the header."""
    found = kept(image).get("regions")
    try:
        return {int(value): str(name) for value, name in found.items()} if isinstance(found, dict) else {}
    except ValueError:  # edited by hand
        return {}
