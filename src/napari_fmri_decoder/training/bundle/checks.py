"""Checks of the arrays of a bundle, before any of them is read.

A description of a huge network, and a file that claims to contain it, use no memory: the network is built
without values, and compared with the types and shapes that the file declares.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder

LARGEST = 2**33
"""Largest size of a model file in bytes."""
LONGEST_OPTIONS = 4096
"""Most characters of a decoder's options as JSON: each of them may add a layer."""
LARGEST_GRID = 2**28
"""Most voxels of a grid."""

Stated = Mapping[str, tuple[str, tuple[int, ...]]]
"""Type, as safetensors names it, and shape of each array."""

WEIGHTS = "weights."
_TYPES = {
    **{"torch.float16": "F16", "torch.bfloat16": "BF16", "torch.float32": "F32", "torch.float64": "F64"},
    **{"torch.bool": "BOOL", "torch.uint8": "U8", "torch.int32": "I32", "torch.int64": "I64"},
}


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options of a decoder that are longer than any real ones.

    Raises
    ------
    ValueError
    """
    length = len(json.dumps(options))
    if length > LONGEST_OPTIONS:
        raise ValueError(f"the decoder's options are {length} characters long")


def check_stated(
    decoder: Decoder, input_shape: tuple[int, ...], classes: Sequence[str], stated: Stated
) -> None:
    """Compare the arrays that a file declares with those that its description needs.

    Parameters
    ----------
    decoder : Decoder
    input_shape : tuple of int
        Shape of one sample in the decoder's layout.
    classes : sequence of str
        Each name must be unique.
    stated : mapping of str to (str, tuple of int)

    Raises
    ------
    ValueError
        With the first that does not fit.
    """
    if len(set(classes)) < len(classes):
        raise ValueError(f"two classes with the same name in {', '.join(classes)[:200]}")
    grid = _stated(stated, "space.mask", "U8", 3)
    voxels = math.prod(grid)
    if not 0 < voxels <= LARGEST_GRID:
        raise ValueError(f"a grid of {' x '.join(map(str, grid))} voxels")
    axes = {"vector": 1, "planes": 3, "volume": 4}[decoder.layout]
    if len(input_shape) != axes or math.prod(input_shape) > voxels:
        raise ValueError(f"input_shape is {input_shape}, for a grid of {grid}")
    if _stated(stated, "space.affine", "F64", 2) != (4, 4):
        raise ValueError(f"space.affine is {stated['space.affine'][1]}")
    if "chosen" in stated and _stated(stated, "chosen", "U8", 1)[0] > voxels:
        raise ValueError(f"chosen is {stated['chosen'][1]}")
    for name in ("scaler.mean", "scaler.std"):
        if _stated(stated, name, "F32", 1)[0] > voxels:
            raise ValueError(f"{name} is {stated[name][1]}")
    whitening: tuple[str, ...] = ()
    if "whitening.axes" in stated:
        r, length = _stated(stated, "whitening.axes", "F32", 2)
        sizes = _stated(stated, "whitening.gains", "F32", 1), _stated(stated, "whitening.scale", "F32", 1)
        if sizes != ((r,), (length,)) or max(r, length) > voxels:
            raise ValueError(f"whitening has {r} axes of {length} voxels, gains and scale of {sizes}")
        whitening = ("whitening.axes", "whitening.scale", "whitening.gains")
    import torch

    try:
        with torch.device("meta"):
            network = decoder.build(input_shape, len(classes)).state_dict()
    except (RuntimeError, TypeError, ValueError, OverflowError, InputError) as error:
        raise ValueError(f"no such network can be built ({str(error)[:200]})") from error
    needed = {f"{WEIGHTS}{name}": (_TYPES.get(str(v.dtype)), tuple(v.shape)) for name, v in network.items()}
    others = ("space.mask", "space.affine", "scaler.mean", "scaler.std", "chosen", *whitening)
    found = {name: what for name, what in stated.items() if name not in others}
    for name in sorted(needed.keys() | found.keys()):
        if needed.get(name) != found.get(name):
            raise ValueError(
                f"{name[:100]} must be {needed.get(name, 'absent')}, is {found.get(name, 'absent')}"
            )


def check_finite(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse numbers that no fit can produce.

    Raises
    ------
    ValueError
        If one is NaN or infinite, a standard deviation is not positive, or a variance is negative.
    """
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{name} contains NaN or infinity")
        if name.endswith(".running_var") and not (value >= 0).all():
            raise ValueError(f"{name} contains a negative variance")
        if name.endswith("scaler.std") and not (value > 0).all():
            raise ValueError(f"{name} contains a standard deviation that is not positive")


def _stated(stated: Stated, name: str, dtype: str, ndim: int) -> tuple[int, ...]:
    if name not in stated:
        raise ValueError(f"{name} is missing")
    found, shape = stated[name]
    if found != dtype or len(shape) != ndim:
        raise ValueError(f"{name} is {found} of shape {shape}")
    return shape
