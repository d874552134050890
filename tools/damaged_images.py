"""Make small images of every format with seeded random damage, for `fuzz.py`."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np

Files = dict[str, bytes]
Rng = np.random.Generator


def _array(rng: Rng, shape: tuple[int, ...], dtype: Any) -> Any:
    values = rng.normal(100, 40, shape)
    return values.astype(dtype)


def _affine(rng: Rng) -> Any:
    affine = np.diag([-2.0, 3, 2.5, 1])
    affine[:3, :3] += rng.normal(0, 0.2, (3, 3))
    affine[:3, 3] = rng.uniform(-90, 90, 3)
    return affine


def _nifti(rng: Rng, shape: tuple[int, ...], dtype: Any, kind: Any = nib.Nifti1Image) -> bytes:
    image = kind(_array(rng, shape, dtype), _affine(rng), dtype=dtype)
    image.set_qform(image.affine, code=int(rng.integers(0, 5)))
    image.header.set_xyzt_units("mm", str(rng.choice(["sec", "msec", "unknown"])))
    if rng.random() < 0.3:
        image.header.extensions.append(
            nib.nifti1.Nifti1Extension(6, b'{"napari_fmri_decoder": {"names": []}}')
        )
    if rng.random() < 0.3:
        swapped = image.header.as_byteswapped()
        image = kind(np.asarray(image.dataobj), image.affine, swapped, dtype=dtype)
    return bytes(image.to_bytes())


def _pair(rng: Rng, kind: Any, dtype: Any) -> Files:
    image = kind(_array(rng, (5, 6, 4, 3), dtype), _affine(rng))
    held = {name: io.BytesIO() for name in image.file_map}
    for name, file in held.items():
        image.file_map[name].fileobj = file
    image.to_file_map()
    endings = {"header": "hdr", "image": "img", "mat": "mat"}
    return {f"case.{endings[name]}": file.getvalue() for name, file in held.items()}


def _afni(rng: Rng) -> Files:
    shape = (5, 6, 4, int(rng.choice([1, 3])))
    attributes: list[tuple[str, str, list[Any] | str]] = [
        ("integer", "DATASET_RANK", [3, shape[3], 0, 0, 0, 0, 0, 0]),
        ("integer", "DATASET_DIMENSIONS", [*shape[:3], 0, 0]),
        ("float", "DELTA", [3, 3, 3]),
        ("float", "TAXIS_FLOATS", [0, 2, 0, 0, 0]),
        ("float", "IJK_TO_DICOM_REAL", [3, 0, 0, -49, 0, 3, 0, -82, 0, 0, 3, -52]),
        ("integer", "BRICK_TYPES", [1] * shape[3]),
        ("float", "BRICK_FLOAT_FACS", [0.5, 0, 2][: shape[3]] if rng.random() < 0.5 else [0] * shape[3]),
        ("string", "BYTEORDER_STRING", "'LSB_FIRST~"),
        ("string", "TEMPLATE_SPACE", "'ORIG~"),
    ]
    text = "".join(
        f"\ntype = {kind}-attribute\nname = {name}\ncount = "
        + (
            f"{len(value) - 1}\n{value}\n"
            if isinstance(value, str)
            else f"{len(value)}\n {' '.join(map(str, value))}\n"
        )
        for kind, name, value in attributes
    )
    return {"case+orig.HEAD": text.encode(), "case+orig.BRIK": _array(rng, shape, np.int16).tobytes("F")}


def _mgh(rng: Rng) -> bytes:
    shape = (5, 6, 4, 3) if rng.random() < 0.5 else (5, 6, 4)
    return bytes(nib.MGHImage(_array(rng, shape, np.float32), _affine(rng)).to_bytes())


def valid(rng: Rng) -> Files:
    """Make one valid image: its files by name."""
    dtype = np.dtype(str(rng.choice(["i2", "u1", "f4", "f8", "i8"])))
    shape = ((5, 6, 4), (5, 6, 4, 3))[int(rng.integers(2))]
    match int(rng.integers(8)):
        case 0 | 1:
            return {"case.nii": _nifti(rng, shape, dtype)}
        case 2:
            return {"case.nii.gz": gzip.compress(_nifti(rng, shape, dtype), 6)}
        case 3:
            return {"case.nii": _nifti(rng, shape, dtype, nib.Nifti2Image)}
        case 4:
            return {"case.mgh": _mgh(rng)}
        case 5:
            return {"case.mgz": gzip.compress(_mgh(rng))}
        case 6:
            kind = (nib.Nifti1Pair, nib.AnalyzeImage, nib.Spm99AnalyzeImage)[int(rng.integers(3))]
            return _pair(rng, kind, np.int16)
        case _:
            return _afni(rng)


def _version(raw: bytearray) -> tuple[int, str]:
    """NIfTI version, from the header length, and byte order."""
    start = bytes(raw[:4])
    return (2 if start in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") else 1), (">" if start[:2] == b"\0\0" else "<")


_NUMBERS = (0, 1, -1, 2, 7, 255, 32767, -32768, 20000)
_FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    -2.5,
    1e-30,
    1e30,
    3e38,
    float("nan"),
    float("inf"),
    float("-inf"),
    1e9,
    353.5,
)
_TYPES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 255, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2304, 77, -4)


def _main(files: Files, rng: Rng) -> str:
    """Choose the file to damage, usually the one with the header."""
    names = sorted(files, key=lambda n: ("hdr" not in n and "HEAD" not in n, n))
    return names[0] if rng.random() < 0.7 else str(rng.choice(names))


def _change(files: Files, name: str, change: Callable[[bytearray], None]) -> None:
    """Change the content of a file; of a gzip, its decompressed content."""
    packed = files[name][:2] == b"\x1f\x8b"
    try:
        raw = bytearray(gzip.decompress(files[name]) if packed else files[name])
    except (OSError, EOFError, zlib.error):
        return  # damaged already
    if len(raw) > 100:
        change(raw)
        files[name] = gzip.compress(bytes(raw), 1) if packed else bytes(raw)


def _flip(files: Files, rng: Rng) -> None:
    """Change bytes of the header."""

    def change(raw: bytearray) -> None:
        for at in rng.integers(0, min(len(raw), 560), int(rng.integers(1, 20))):
            raw[at] = int(rng.integers(256))

    _change(files, _main(files, rng), change)


def _field(files: Files, rng: Rng) -> None:
    """Put an extreme value into a field of a NIfTI, Analyze or MGH header."""
    name = _main(files, rng)

    def change(raw: bytearray) -> None:
        version, order = _version(raw)
        if "HEAD" in name:
            words = bytes(raw).split(b" ")
            words[int(rng.integers(len(words)))] = str(rng.choice([*_NUMBERS, *_FLOATS])).encode()
            raw[:] = b" ".join(words)
            return
        if ".mg" in name:
            at, kind = [(4 * i, ">i4") for i in range(7)][int(rng.integers(7))]
            if rng.random() < 0.5:
                at, kind = 30 + 4 * int(rng.integers(15)), ">f4"
        else:
            header: Any = nib.Nifti1Header if version == 1 else nib.Nifti2Header
            dtype = header().structarr.dtype.newbyteorder(order)
            fields = "dim dim pixdim datatype bitpix vox_offset scl_slope scl_inter qform_code sform_code "
            fields += "quatern_b quatern_c qoffset_x srow_x srow_y srow_z xyzt_units intent_code intent_p1 "
            fields += "magic sizeof_hdr cal_max"
            picked = str(rng.choice(fields.split()))
            part, start = dtype.fields[picked][:2]
            base, many = part.subdtype or (part, (1,))
            at, kind = start + base.itemsize * int(rng.integers(many[0])), base.str
            if picked == "datatype":
                raw[at : at + base.itemsize] = np.array(rng.choice(_TYPES), base).tobytes()
                return
        if kind[1] == "S":
            raw[at : at + 1] = rng.bytes(1)
            return
        wide = [*_NUMBERS, 2**31 - 1, -(2**31), 2**30] if kind[1:] in ("i4", "i8") else _NUMBERS
        values: Any = _FLOATS if kind[1] == "f" else wide
        with np.errstate(all="ignore"):
            value = np.array(rng.choice(values)).astype(kind)
        raw[at : at + value.itemsize] = value.tobytes()

    _change(files, name, change)


def _absurd(files: Files, rng: Rng) -> None:
    """Make the header claim far more voxels than the file has."""

    def change(raw: bytearray) -> None:
        version, order = _version(raw)
        if version == 2:
            raw[16:80] = np.array(
                [3, *[2 ** int(rng.integers(10, 40))] * 3, 1, 1, 1, 1], f"{order}i8"
            ).tobytes()
        elif int.from_bytes(raw[:4], "big") == 1:  # MGH
            raw[4:20] = np.array([2 ** int(rng.integers(8, 31))] * 4, ">i4").tobytes()
        else:
            n = int(rng.choice([4, 3, 7]))
            raw[40:56] = np.array([n, *[32767] * n, *[1] * (7 - n)], f"{order}i2").tobytes()

    name = _main(files, rng)
    if "HEAD" not in name:
        _change(files, name, change)


def _truncate(files: Files, rng: Rng) -> None:
    """Truncate a file."""
    name = _main(files, rng)
    files[name] = files[name][: int(rng.integers(0, max(1, len(files[name]))))]


def _bits(files: Files, rng: Rng) -> None:
    """Flip bits anywhere, also within a gzip."""
    name = _main(files, rng)
    raw = bytearray(files[name])
    for _ in range(int(rng.integers(1, 6)) if raw else 0):
        raw[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
    files[name] = bytes(raw)


def _longer(files: Files, rng: Rng) -> None:
    """Append extra bytes."""
    name = _main(files, rng)
    more = (b"\0" * 1000, b"garbage", files[name][:300], gzip.compress(b"more"))
    files[name] += more[int(rng.integers(len(more)))]


def _foreign(files: Files, rng: Rng) -> None:
    """Replace the file by other content."""
    name = _main(files, rng)
    others = (
        b"",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\0",
        b"this is no scan",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
        b"PK\x03\x04" + b"\0" * 500,
        b"<html>not found</html>" * 50,
        b"\0" * 128 + b"DICM" + b"\0" * 400,
        b"\0" * 1000,
        b"\xff" * 1000,
        rng.bytes(2000),
        gzip.compress(b""),
        gzip.compress(b"text"),
        gzip.compress(bytes(2**22)),
    )
    files[name] = others[int(rng.integers(len(others)))]


def _renamed(files: Files, rng: Rng) -> None:
    """Give a file the ending of another format."""
    name = _main(files, rng)
    content = files.pop(name)
    ending = rng.choice(
        ["nii", "nii.gz", "mgh", "mgz", "hdr", "img", "HEAD", "BRIK", "BRIK.gz", "NII", "img.gz"]
    )
    files[f"case.{ending}"] = content


def _axes(files: Files, rng: Rng) -> None:
    """Replace the image by a valid one with 1 to 7 axes, or with complex or RGB values."""
    shape = tuple(int(n) for n in rng.choice([1, 1, 2, 3, 4], int(rng.integers(1, 8))))
    files.clear()
    kind: Any = (nib.Nifti1Image, nib.Nifti2Image)[int(rng.integers(2))]
    if rng.random() < 0.3:
        colors = np.zeros((4, 5, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
        files["case.nii"] = bytes(nib.Nifti1Image(colors, np.eye(4)).to_bytes())
        return
    dtype = np.dtype(str(rng.choice(["c8", "c16", "i1", "u2", "u8", "f4"])))
    with np.errstate(all="ignore"):
        data = np.abs(rng.normal(50, 10, shape)).astype(dtype)
    files["case.nii"] = bytes(kind(data, _affine(rng), dtype=dtype).to_bytes())


DAMAGES = (
    _flip,
    _flip,
    _field,
    _field,
    _field,
    _absurd,
    _truncate,
    _bits,
    _longer,
    _foreign,
    _renamed,
    _axes,
)


def make_case(seed: int, case: int) -> tuple[str, Files]:
    """Make the files of a case.

    Returns
    -------
    name : str
        Name of the file to open.
    files : dict
        Content by name.
    """
    rng = np.random.default_rng([seed, case])
    files = valid(rng)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.97 else 0):
        DAMAGES[int(rng.integers(len(DAMAGES)))](files, rng)
    return sorted(files)[int(rng.integers(len(files)))], files
