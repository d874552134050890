"""The bundle: a trained decoder with all that predictions need, in one safetensors file.

A safetensors file contains numbers and text; nothing in it is executed on loading. The content is checked
against its digest, and against the network that its options build.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from napari_fmri_decoder.atomic_files import replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.training.averaging import vote
from napari_fmri_decoder.training.bundle.checks import LARGEST, check_finite, check_stated
from napari_fmri_decoder.training.bundle.header import (
    FORMAT,
    KEY,
    Arrays,
    Header,
    Network,
    damaged,
    decoder_of,
    digest_of,
    read_header,
)
from napari_fmri_decoder.training.bundle.parts import arrays_of, divided, model_of, prefix_of
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    import os

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.events import FittedModel


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A trained decoder and its provenance.

    Attributes
    ----------
    model : FittedModel
    space : Space
        The voxels that are its features.
    classes : tuple of str
        In the order of the probabilities.
    recipe : str
        The resolved recipe as TOML.
    versions : dict of str to str
        Of the software that trained it; see `versions`.
    hashes : dict of str to str
        SHA-256 of each input file by its path in the recipe; see `file_hash`.
    step : float or None
        Seconds between volumes in the training data; 0 for maps; None if unknown.
    """

    model: FittedModel
    space: Space
    classes: tuple[str, ...]
    recipe: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    step: float | None = None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that influence the numbers of a model."""
    found = {"python": platform.python_version()}
    for name in ("napari-fmri-decoder", "torch", "numpy", "scipy", "scikit-learn", "nilearn", "nibabel"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a source tree
            found[name] = "unknown"
    return found


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_bundle(bundle: Bundle, path: str | os.PathLike[str]) -> Path:
    """Write a bundle; an existing file of that name is replaced only when the new one is complete.

    Parameters
    ----------
    bundle : Bundle
    path : path
        Usually ends in .safetensors; missing folders are created.

    Returns
    -------
    Path
    """
    target, model, space = Path(path), bundle.model, bundle.space
    named = arrays_of(model) | {
        "space.mask": space.mask.astype(np.uint8),
        "space.affine": space.grid.affine,
    }
    for i, other in enumerate(model.others):
        named |= {f"{prefix_of(i)}{name}": value for name, value in arrays_of(other).items()}
    arrays: Arrays = {name: np.array(value, order="C") for name, value in named.items()}
    size = sum(array.nbytes for array in arrays.values())
    if size > LARGEST - 2**27:  # reserved for the description
        raise InputError(
            f"A model must have less than {format_bytes(LARGEST)} to be saved, found "
            f"{format_bytes(size)}. Train a model with fewer units, or on fewer voxels."
        )
    header = Header(
        format=FORMAT if model.whitening is not None or model.others else 1,  # earlier versions read it
        decoder=model.decoder.written(),
        input_shape=model.input_shape,
        networks=tuple(
            Network(decoder=other.decoder.written(), input_shape=other.input_shape) for other in model.others
        ),
        classes=bundle.classes,
        axis=space.axis,
        recipe=bundle.recipe,
        versions=bundle.versions,
        hashes=bundle.hashes,
        step=bundle.step,
    )
    header = header.model_copy(update={"digest": digest_of(header, arrays)})
    try:
        with replacing(target) as partial:
            partial.touch()
            mode = partial.stat().st_mode
            save_file(arrays, partial, metadata={KEY: header.model_dump_json()})
            partial.chmod(mode)  # safetensors makes its files unreadable for others
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"The model cannot be written to {target}: {reason}. Choose another folder, or free disk space."
        ) from error
    return target


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a bundle.

    Parameters
    ----------
    path : path

    Returns
    -------
    Bundle

    Raises
    ------
    InputError
        If there is no such file, it is not a bundle, it is damaged, or its format is newer.
    """
    source = Path(path)
    header, decoders, arrays = read_parts(source)
    if digest_of(header, arrays) != header.digest:
        raise InputError(
            f"{source.name} was changed after it was saved (its digest differs). Use another copy, or train "
            "again."
        )
    try:
        check_finite(arrays)
        mask = arrays.pop("space.mask").astype(bool)
        x, y, z = mask.shape
        space = Space(Grid((x, y, z), arrays.pop("space.affine")), mask, header.axis)
        shapes = header.input_shape, *(other.input_shape for other in header.networks)
        parts = divided(arrays, len(header.networks))
        models = [
            model_of(decoder, shape, len(header.classes), part)
            for decoder, shape, part in zip(decoders, shapes, parts, strict=True)
        ]
        for model in models:
            _check_voxels(model, space)
    except ValueError as error:  # an InputError is one
        raise _misfit(source, str(error)) from error
    return Bundle(
        vote(models), space, header.classes, header.recipe, header.versions, header.hashes, header.step
    )


def read_parts(path: Path) -> tuple[Header, list[Decoder], Arrays]:
    """Read a file; each part is checked before the next is read, and the arrays are read last.

    The decoders are those of all networks.
    """
    if not path.is_file():
        raise InputError(f"A model must be an existing .safetensors file, found none at {path}.")
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(
            f"A model must have at most {format_bytes(LARGEST)}, found {format_bytes(size)} in "
            f"{path.name}. Choose the model.safetensors of a run folder."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            header = read_header(file.metadata() or {}, path)
            networks: list[Header | Network] = [header, *header.networks]
            decoders = [decoder_of(one.decoder, path) for one in networks]
            pieces = {name: file.get_slice(name) for name in file.keys()}
            stated = {name: (str(p.get_dtype()), tuple(p.get_shape())) for name, p in pieces.items()}
            parts = divided(stated, len(header.networks))
            try:
                for one, decoder, part in zip(networks, decoders, parts, strict=True):
                    check_stated(decoder, one.input_shape, header.classes, part)
            except ValueError as error:
                raise _misfit(path, str(error)) from error
            return header, decoders, {name: file.get_tensor(name) for name in pieces}
    except InputError:
        raise
    except (SafetensorError, OSError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{damaged(path)} safetensors reports: {str(error)[:200]}.") from error
    except MemoryError as error:
        raise InputError(
            f"A model must fit into memory, but {path.name} with its {format_bytes(size)} does not. Close "
            "other programs, or use a larger machine."
        ) from error


def _check_voxels(model: FittedModel, space: Space) -> None:
    """Refuse a mask, or a selection within it, that does not have the voxels of scaler and network.

    Raises
    ------
    ValueError
    """
    screened = model.screened
    if screened is not None and (screened.shape != (space.n_features,) or not screened.any()):
        raise ValueError(
            f"{int(screened.sum())} of {len(screened)} voxels selected, in a mask of {space.n_features}"
        )
    space = space.only(screened)
    features = (space.n_features,)
    found = (model.scaler.mean.shape, model.scaler.std.shape, model.input_shape)
    if found != (features, features, space.input_shape(model.decoder.layout)):
        raise ValueError(f"a mask of {features[0]} voxels, a scaler and an input_shape of {found}")
    whitening = model.whitening
    if whitening is not None and whitening.axes.shape != (len(whitening.gains), *features):
        raise ValueError(f"a mask of {features[0]} voxels, axes of whitening of {whitening.axes.shape}")


def _misfit(path: Path, found: str) -> InputError:
    return InputError(
        f"The content of {path.name} does not fit the decoder that it describes; found: "
        f"{found[:300].rstrip('.')}. It was changed by hand; use another copy, or train again."
    )
