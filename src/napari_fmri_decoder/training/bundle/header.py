"""The description of a bundle: JSON in the metadata of its safetensors file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError, MissingPackageError
from napari_fmri_decoder.text import shortened
from napari_fmri_decoder.training.bundle.checks import check_options

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder

FORMAT = 2
"""The newest format: that of models with whitening, or of several networks. All others have format 1."""
KEY = "napari_fmri_decoder"
"""Of the description, in the metadata of the file."""

Arrays = dict[str, NDArray[Any]]
Shape = tuple[Annotated[int, Field(ge=1, le=2**31)], ...]


class FormatNumber(BaseModel):
    """The number that a description of any format has."""

    format: int = Field(ge=1, le=10**9)


class Network(BaseModel):
    """A further network that votes, as `Header` describes the first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoder: dict[str, Any]
    input_shape: Shape


class Header(BaseModel):
    """What a bundle describes in addition to its arrays.

    `decoder` has the key `package` where another package provides the decoder; see `Registered.written`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(ge=1, le=10**9)
    decoder: dict[str, Any]
    input_shape: Shape
    networks: tuple[Network, ...] = Field((), max_length=1000)
    classes: tuple[str, ...] = Field(min_length=2)
    axis: int = Field(ge=0, le=2)
    recipe: str
    versions: dict[str, str]
    hashes: dict[str, str]
    step: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    digest: str = ""


def read_header(metadata: Mapping[str, str], path: Path) -> Header:
    """Read the description in the metadata of a file.

    Raises
    ------
    InputError
        If there is none, its format is newer, or it cannot be read.
    """
    if KEY not in metadata:
        raise InputError(
            f"A model must be saved by fmri-decoder, but {path.name} is a safetensors file of another "
            "program. Choose the model.safetensors of a run folder."
        )
    try:
        found = FormatNumber.model_validate_json(metadata[KEY]).format
        if found > FORMAT:  # whatever else it contains
            raise InputError(
                f"This version reads models up to format {FORMAT}, but {path.name} has format {found}. "
                "Update napari-fmri-decoder, or train again."
            )
        return Header.model_validate_json(metadata[KEY])
    except ValidationError as error:
        raise InputError(f"{damaged(path)} Its description cannot be read.") from error


def decoder_of(options: dict[str, Any], path: Path) -> Decoder:
    """Build a decoder from its options in a description.

    Raises
    ------
    InputError
        If it is not registered, or its options are not valid; names the package to install if known.
    """
    try:
        check_options(options)
        return get_decoder(options)
    except MissingPackageError as error:
        raise InputError(f"The model in {path.name} cannot be opened. {error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The model in {path.name} must have a decoder of this version, with options within their "
            f"limits: {shortened(str(error), 400)} Update napari-fmri-decoder, or train again."
        ) from error


def damaged(path: Path) -> str:
    """Begin an error about a file that is not as it was saved."""
    return (
        f"A model must be a complete .safetensors file, but {path.name} is damaged, truncated or another "
        "kind of file; use another copy, or train again."
    )


def digest_of(header: Header, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the description and the arrays."""
    # Files of format 1 have no networks, and the first of them no step.
    unknown = {"step"} if header.step is None else set()
    unknown |= set() if header.networks else {"networks"}
    description = header.model_copy(update={"digest": ""}).model_dump_json(exclude=unknown)
    digest = hashlib.sha256(description.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        # A view, not a copy: the largest array may not fit in memory twice.
        digest.update(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
