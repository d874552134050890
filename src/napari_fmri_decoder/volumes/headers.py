"""Read headers of all formats: affine and space, TR, intent, and names."""

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
"""Which transform of a NIfTI header to use; auto is the sform if set, else the qform."""

COMMENT = 6
"""NIfTI extension code of comments."""
KEY = "napari_fmri_decoder"
"""Key in such a comment, under which this package stores what NIfTI has no field for."""
UNCERTAIN = "Left and right are not certain: "
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_MILLIMETERS = {"meter": 1e3, "micron": 1e-3}
_AFNI_UNITS = {77001: "msec", 77002: "sec", 77003: "hz"}
_AFNI_SPACES = {"ORIG": "scanner", "ANAT": "aligned", "TLRC": "talairach", "MNI": "mni"}


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """The affine of an image, and where it comes from.

    Attributes
    ----------
    affine : (4, 4) float64 array
        Voxel index to RAS+ millimeters.
    used : {"sform", "qform", "mat", "header", "guess"}
        Source of the affine: "mat" is SPM's file for an Analyze image, "header" that of MGH and AFNI,
        "guess" assumes an origin in the middle and voxels stored from right to left.
    space : str
        "scanner", "aligned", "talairach", "mni", "template", or "unknown".
    notes : tuple of str
        Caveats.
    """

    affine: Affine
    used: str
    space: str
    notes: tuple[str, ...] = ()


def is_nifti(image: Any) -> bool:
    """Whether a nibabel image is NIfTI, of any version, in one file or two."""
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
    """Code, its name and the affine of a NIfTI transform; the affine is None if not set or invalid."""
    code = int(image.header[f"{name}_code"])
    label = str(xform_codes.label[code]) if code in xform_codes.value_set() else f"code {code}"
    if code == 0:
        return code, label, None
    try:
        affine = getattr(image.header, f"get_{name}")()
    except ValueError:  # invalid quaternion
        return code, label, None
    return code, label, np.asarray(affine, dtype=np.float64) * _mm(image)


def placement(image: Any, transform: Transform = "auto") -> Placement:
    """Find the affine and space of an image.

    Parameters
    ----------
    image : nibabel image
    transform : {"auto", "sform", "qform"}
        auto is nibabel's rule: the sform if set, else the qform, else a guess.

    Returns
    -------
    Placement

    Raises
    ------
    InputError
        If the image does not have the requested transform.
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
            affine, "guess", "unknown", (f"{UNCERTAIN}this MGH file does not state its orientation.",)
        )
    if not np.allclose(affine, image.header.get_best_affine()):
        return Placement(affine, "mat", "aligned")
    return Placement(
        affine,
        "guess",
        "unknown",
        (
            f"{UNCERTAIN}an Analyze 7.5 header does not state the orientation, and there is no .mat file. "
            "As in SPM and nibabel, voxels are assumed to run from right to left.",
        ),
    )


def _nifti_placement(image: Any, transform: Transform) -> Placement:
    forms = {name: form(image, name) for name in ("sform", "qform")}
    if transform != "auto" and forms[transform][2] is None:
        code, label, _ = forms[transform]
        other = "qform" if transform == "sform" else "sform"
        what = "not set (code 0)" if code == 0 else f"invalid (code {code}, {label})"
        raise InputError(
            f"The {transform} must be set to be used, but it is {what}. "
            f'Use "{"auto" if forms[other][0] == 0 else other}".'
        )
    unit = image.header.get_xyzt_units()[0]
    notes: tuple[str, ...] = ()
    if unit in _MILLIMETERS:
        notes = (f"The header uses the unit {unit}; positions were converted to millimeters.",)
    used = transform
    if transform == "auto":
        used = next((name for name in ("sform", "qform") if forms[name][0] > 0), "auto")
    if used == "auto":
        affine = np.asarray(image.affine, dtype=np.float64) * _mm(image)
        guess = "neither sform nor qform is set. As in nibabel, voxels are assumed to run from right to left."
        return Placement(affine, "guess", "unknown", (*notes, f"{UNCERTAIN}{guess}"))
    _, label, found = forms[used]
    if found is None:
        raise InputError("The qform must be a rotation, found an invalid quaternion. Repair the header.")
    if transform == "auto":
        notes += _contradiction(image.shape, forms)
    return Placement(found, used, label, notes)


def _contradiction(
    shape: tuple[int, ...], forms: dict[str, tuple[int, str, Affine | None]]
) -> tuple[str, ...]:
    """Describe a contradiction: sform and qform name the same space but differ, or one mirrors the other.

    Transforms to different spaces, such as the scanner's and a template's, may differ.
    """
    (code, label, sform), (other_code, other_label, qform) = forms["sform"], forms["qform"]
    if sform is None or qform is None:
        return ()
    last = np.array([*shape[:3], 1, 1, 1][:3]) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    distance = float(np.abs((corners @ (sform - qform)[:3, :3].T) + (sform - qform)[:3, 3]).max())
    voxel = float(np.linalg.norm(sform[:3, :3], axis=0).min())
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    if mirrored:
        return (
            f"{UNCERTAIN}sform and qform contradict each other: one is the mirror image of the other. The "
            "sform is used. Find out which is right, and remove the other from the header.",
        )
    if (
        not np.isfinite(distance)
        or distance <= voxel / 2
        or (code != other_code and max(code, other_code) > 2)
    ):
        return ()
    return (
        f"sform ({label}) and qform ({other_label}) contradict each other: they place voxels up to "
        f"{distance:.1f} mm apart. The sform is used. Find out which is right, and correct the header.",
    )


def _mm(image: Any) -> Affine:
    """Factors from a NIfTI header's unit to millimeters, for the rows of an affine."""
    factor = _MILLIMETERS.get(image.header.get_xyzt_units()[0], 1.0)
    return np.array([[factor], [factor], [factor], [1.0]])


def units(image: Any) -> tuple[str, str]:
    """Units of space and time in a header."""
    if is_nifti(image):
        space, time = image.header.get_xyzt_units()
        return str(space), str(time)
    if isinstance(image, AFNIImage):
        codes = image.header.info.get("TAXIS_NUMS", [])
        return "mm", _AFNI_UNITS.get(codes[2] if len(codes) > 2 else 0, "sec")
    return "mm", "msec" if isinstance(image, nib.MGHImage) else "sec"


def repetition_time(image: Any) -> float | None:
    """TR in seconds, from the fourth voxel size and the unit of time; seconds if there is no unit."""
    zooms = image.header.get_zooms()
    if len(zooms) < 4 or not np.isfinite(zooms[3]) or zooms[3] <= 0:
        return None
    unit = units(image)[1]
    if unit not in _SECONDS and unit != "unknown":
        return None
    # the shortest number with the same value in the header's type: 1.35, not 1.350000023841858
    return round(float(str(zooms[3])) * _SECONDS.get(unit, 1.0), 9)


def is_tr_reliable(image: Any) -> bool:
    """Whether a header's TR is reliable: programs write 1 without a unit if the TR is unknown."""
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
    """Whether an AFNI dataset is marked as statistics: a bucket without a time axis."""
    if not isinstance(image, AFNIImage):
        return False
    info = image.header.info
    return "TAXIS_NUMS" not in info and ("BRICK_STATAUX" in info or "FUNC" in str(info.get("TYPESTRING", "")))


def intent_name(image: Any) -> str:
    """Free text describing an intent, such as "face>house"; "" without one."""
    return str(image.header.get_intent()[2]) if is_nifti(image) else ""


def own_comment(image: Any) -> dict[str, Any]:
    """Data that this package stored in a comment of the header: names, kind, TR, regions."""
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
    """Names of the volumes of a stack: from this package's comment, or AFNI's sub-brick labels."""
    found = own_comment(image).get("names")
    if isinstance(image, AFNIImage) and repetition_time(image) is None:
        found = image.header.get_volume_labels()
    return tuple(str(name) for name in found) if isinstance(found, list) and len(found) == n else ()


def regions(image: Any) -> dict[int, str]:
    """Name of each value of an atlas, if this package stored them in the header."""
    found = own_comment(image).get("regions")
    try:
        return {int(value): str(name) for value, name in found.items()} if isinstance(found, dict) else {}
    except ValueError:  # edited by a user
        return {}
