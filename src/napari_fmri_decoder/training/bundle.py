"""The bundle: a trained decoder with all that predicting needs, in one safetensors file.

A safetensors file is numbers and text; nothing in it is executed on loading. What is read is
checked against its own digest and against the network that its options build.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.bundle_checks import (
    LARGEST,
    WEIGHTS,
    check_finite,
    check_options,
    check_stated,
)
from napari_fmri_decoder.training.durable import replacing
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from napari_fmri_decoder.decoders.base import Decoder

FORMAT = 1
_KEY = "napari_fmri_decoder"

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
    step : float or None
        Seconds from one volume to the next in the training; 0 of maps; None where it is not known.
    """

    model: FittedModel
    space: Space
    classes: tuple[str, ...]
    recipe: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    step: float | None = None


class _Format(BaseModel):
    """The one thing that every format says alike."""

    format: int = Field(ge=1, le=10**9)


class _Header(BaseModel):
    """What a bundle says beside its numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(ge=1, le=10**9)
    decoder: dict[str, Any]
    input_shape: tuple[Annotated[int, Field(ge=1, le=2**31)], ...]
    classes: tuple[str, ...] = Field(min_length=2)
    axis: int = Field(ge=0, le=2)
    recipe: str
    versions: dict[str, str]
    hashes: dict[str, str]
    step: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
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
    """Write a bundle; an older file of that name stays whole until the new one is on the disk.

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
    named = {f"{WEIGHTS}{name}": value for name, value in model.state.items()} | {
        "scaler.mean": model.scaler.mean,
        "scaler.std": model.scaler.std,
        **({} if model.chosen is None else {"chosen": model.chosen.astype(np.uint8)}),
        "space.mask": space.mask.astype(np.uint8),
        "space.affine": space.grid.affine,
    }
    arrays: Arrays = {name: np.array(value, order="C") for name, value in named.items()}
    size = sum(array.nbytes for array in arrays.values())
    if size > LARGEST - 2**27:  # less what the description may take
        raise InputError(
            f"A model must have less than {LARGEST / 2**30:.0f} GiB to be saved, found "
            f"{size / 2**30:.1f} GiB. Train one with fewer units, or on fewer voxels."
        )
    header = _Header(
        format=FORMAT,
        decoder=model.decoder.model_dump(mode="json"),
        input_shape=model.input_shape,
        classes=bundle.classes,
        axis=space.axis,
        recipe=bundle.recipe,
        versions=bundle.versions,
        hashes=bundle.hashes,
        step=bundle.step,
    )
    header = header.model_copy(update={"digest": _digest(header, arrays)})
    try:
        with replacing(target) as partial:
            partial.touch()
            mode = partial.stat().st_mode
            save_file(arrays, partial, metadata={_KEY: header.model_dump_json()})
            partial.chmod(mode)  # safetensors lets nobody else read what it writes
    except (OSError, SafetensorError) as error:
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
    header, decoder, arrays = _read(source)
    if _digest(header, arrays) != header.digest:
        raise InputError(
            f"A model must be as it was saved, but {source.name} has changed since (its digest differs). "
            "Take another copy, or train again."
        )
    try:
        check_finite(arrays)
        mask = arrays.pop("space.mask").astype(bool)
        x, y, z = mask.shape
        space = Space(Grid((x, y, z), arrays.pop("space.affine")), mask, header.axis)
        chosen = arrays.pop("chosen").astype(bool) if "chosen" in arrays else None
        scaler = Scaler(arrays.pop("scaler.mean"), arrays.pop("scaler.std"))
        state = {name.removeprefix(WEIGHTS): value for name, value in arrays.items()}
        model = FittedModel(decoder, header.input_shape, len(header.classes), state, scaler, chosen)
        _check_voxels(model, space)
    except ValueError as error:  # an InputError is one
        raise _misfit(source, str(error)) from error
    return Bundle(model, space, header.classes, header.recipe, header.versions, header.hashes, header.step)


def _read(path: Path) -> tuple[_Header, Decoder, Arrays]:
    """Read a file; each part is judged before the next is read, and the arrays come last."""
    if not path.is_file():
        raise InputError(f"A model must be an existing .safetensors file, found none at {path}.")
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(
            f"A model must have at most {LARGEST / 2**30:.0f} GiB, found {size / 2**30:.0f} GiB in "
            f"{path.name}. Choose the model.safetensors of a run folder."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            header = _header_of(file.metadata() or {}, path)
            decoder = _decoder_of(header, path)
            pieces = {name: file.get_slice(name) for name in file.keys()}
            stated = {name: (str(p.get_dtype()), tuple(p.get_shape())) for name, p in pieces.items()}
            try:
                check_stated(decoder, header.input_shape, header.classes, stated)
            except ValueError as error:
                raise _misfit(path, str(error)) from error
            return header, decoder, {name: file.get_tensor(name) for name in pieces}
    except InputError:
        raise
    except (SafetensorError, OSError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{_damaged(path)} safetensors says: {str(error)[:200]}.") from error
    except MemoryError as error:
        raise InputError(
            f"A model must fit into memory, but {path.name} with its {size / 2**20:.0f} MiB does not. Close "
            "other programs, or use a larger machine."
        ) from error


def _header_of(metadata: Mapping[str, str], path: Path) -> _Header:
    if _KEY not in metadata:
        raise InputError(
            f"A model must be one that fmri-decoder saved; {path.name} is a safetensors file of "
            "another program. Choose the model.safetensors of a run folder."
        )
    try:
        found = _Format.model_validate_json(metadata[_KEY]).format
        if found > FORMAT:  # whatever else it says
            raise InputError(
                f"This version reads models up to format {FORMAT}, but {path.name} has format {found}. "
                "Update napari-fmri-decoder, or train again."
            )
        return _Header.model_validate_json(metadata[_KEY])
    except ValidationError as error:
        raise InputError(f"{_damaged(path)} Its description is not readable.") from error


def _decoder_of(header: _Header, path: Path) -> Decoder:
    try:
        check_options(header.decoder)
        return get_decoder(header.decoder)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The model in {path.name} must be of a decoder that this version has, with options within "
            f"their limits: {str(error)[:400]} Update napari-fmri-decoder, or train again."
        ) from error


def _damaged(path: Path) -> str:
    return (
        f"A model must be a whole .safetensors file, but {path.name} is damaged, cut short or of another "
        "kind; take another copy, or train again."
    )


def _digest(header: _Header, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of description and numbers."""
    unknown = {"step"} if header.step is None else None  # the first files of format 1 did not have it
    said = header.model_copy(update={"digest": ""}).model_dump_json(exclude=unknown)
    digest = hashlib.sha256(said.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        # The bytes where they lie: a copy of the largest array may be more than there is room for.
        digest.update(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_voxels(model: FittedModel, space: Space) -> None:
    """Refuse a mask, or a choice within it, that has not the voxels of scaler and network.

    Raises
    ------
    ValueError
    """
    chosen = model.chosen
    if chosen is not None and (chosen.shape != (space.n_features,) or not chosen.any()):
        raise ValueError(
            f"{int(chosen.sum())} of {len(chosen)} voxels chosen, in a mask of {space.n_features}"
        )
    space = space.only(chosen)
    features = (space.n_features,)
    found = (model.scaler.mean.shape, model.scaler.std.shape, model.input_shape)
    if found != (features, features, space.input_shape(model.decoder.layout)):
        raise ValueError(f"a mask of {features[0]} voxels, a scaler and an input_shape of {found}")


def _misfit(path: Path, found: str) -> InputError:
    return InputError(
        f"What {path.name} holds must fit the decoder that it describes, but does not; found: "
        f"{found[:300].rstrip('.')}. It was changed by hand; take another copy, or train again."
    )
