"""The bundle: a trained decoder with all that predicting needs, in one safetensors file.

A safetensors file is numbers and text; nothing in it is executed on loading. What is read is
checked against its own digest and against the network that its options build.
"""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
_KEY = "napari_fmri_decoder"
_WEIGHTS = "weights."

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A trained decoder and where it came from.

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
    """

    model: FittedModel
    space: Space
    classes: tuple[str, ...]
    recipe: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


class _Header(BaseModel):
    """What a bundle says beside its numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    decoder: dict[str, Any]
    input_shape: tuple[PositiveInt, ...]
    classes: tuple[str, ...]
    axis: int = Field(ge=0, le=2)
    recipe: str
    versions: dict[str, str]
    hashes: dict[str, str]
    digest: str = ""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose numbers end up in a model."""
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
    """Write a bundle; an older file of that name stays whole until the new one is.

    Parameters
    ----------
    bundle : Bundle
    path : path
        Ends in .safetensors by custom; folders are made.

    Returns
    -------
    Path
    """
    target, model, space = Path(path), bundle.model, bundle.space
    named = {f"{_WEIGHTS}{name}": value for name, value in model.state.items()} | {
        "scaler.mean": model.scaler.mean,
        "scaler.std": model.scaler.std,
        **({} if model.chosen is None else {"chosen": model.chosen.astype(np.uint8)}),
        "space.mask": space.mask.astype(np.uint8),
        "space.affine": space.grid.affine,
    }
    arrays: Arrays = {name: np.array(value, order="C") for name, value in named.items()}
    header = _Header(
        format=FORMAT,
        decoder=model.decoder.model_dump(mode="json"),
        input_shape=model.input_shape,
        classes=bundle.classes,
        axis=space.axis,
        recipe=bundle.recipe,
        versions=bundle.versions,
        hashes=bundle.hashes,
    )
    header = header.model_copy(update={"digest": _digest(header, arrays)})
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, partial, metadata={_KEY: header.model_dump_json()})
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"A model must be saved where a file can be written, but {target} cannot be: {reason}. "
            "Choose another folder, or make room."
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
        If there is no such file, it is none of ours, it is damaged, or its format is newer.
    """
    source = Path(path)
    header, arrays = _read(source)
    if _digest(header, arrays) != header.digest:
        raise InputError(
            f"A model must be as it was saved, but {source.name} has changed since (its digest differs). "
            "Take another copy, or train again."
        )
    decoder = get_decoder(header.decoder)
    try:
        mask = arrays.pop("space.mask").astype(bool)
        x, y, z = mask.shape
        space = Space(Grid((x, y, z), arrays.pop("space.affine")), mask, header.axis)
        chosen = arrays.pop("chosen").astype(bool) if "chosen" in arrays else None
        scaler = Scaler(arrays.pop("scaler.mean"), arrays.pop("scaler.std"))
    except (KeyError, ValueError) as error:
        raise InputError(f"{_damaged(source)} Found wrong: {error}.") from error
    state = {name.removeprefix(_WEIGHTS): value for name, value in arrays.items()}
    model = FittedModel(decoder, header.input_shape, len(header.classes), state, scaler, chosen)
    _check(model, space, source)
    return Bundle(model, space, header.classes, header.recipe, header.versions, header.hashes)


def _read(path: Path) -> tuple[_Header, Arrays]:
    if not path.is_file():
        raise InputError(f"A model must be an existing .safetensors file, found none at {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, TypeError, AttributeError) as error:
        raise InputError(f"{_damaged(path)} safetensors says: {error}.") from error
    if _KEY not in metadata:
        raise InputError(
            f"A model must be one that fmri-decoder saved; {path.name} is a safetensors file of "
            "another program. Choose the model.safetensors of a run folder."
        )
    try:
        header = _Header.model_validate_json(metadata[_KEY])
    except ValidationError as error:
        raise InputError(f"{_damaged(path)} Its description is not readable.") from error
    if header.format != FORMAT:
        raise InputError(
            f"This version reads models of format {FORMAT}, but {path.name} has format {header.format}. "
            "Update napari-fmri-decoder, or train again."
        )
    return header, arrays


def _damaged(path: Path) -> str:
    return (
        f"A model must be a whole .safetensors file, but {path.name} is damaged, cut short or of another "
        "kind; take another copy, or train again."
    )


def _digest(header: _Header, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of description and numbers."""
    digest = hashlib.sha256(header.model_copy(update={"digest": ""}).model_dump_json().encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.array(arrays[name], order="C").tobytes())
    return digest.hexdigest()


def _check(model: FittedModel, space: Space, path: Path) -> None:
    """Refuse weights that do not fit their network, and a network that does not fit its voxels."""
    fits = model.chosen is None or (model.chosen.shape == (space.n_features,) and bool(model.chosen.any()))
    space = space.only(model.chosen) if fits else space
    fits = fits and space.input_shape(model.decoder.layout) == model.input_shape
    features = (space.n_features,)
    if fits and model.scaler.mean.shape == model.scaler.std.shape == features:
        with torch.device("meta"):  # shapes only, so that no description can ask for much memory
            wanted = model.decoder.build(model.input_shape, model.n_classes).state_dict()
        expected = {name: tuple(value.shape) for name, value in wanted.items()}
        fits = expected == {name: value.shape for name, value in model.state.items()}
    else:
        fits = False
    if not fits:
        raise InputError(
            f"The weights in {path.name} must fit the decoder {model.decoder.name!r} that it describes, but "
            "do not. It was saved by another version, or changed by hand; train again."
        )
