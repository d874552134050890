"""The field of a recipe that holds the options of any decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from napari_fmri_decoder.decoders import Decoder, get_decoder


def _as_decoder(value: object) -> object:
    return get_decoder(value) if isinstance(value, Mapping) else value


DecoderField = Annotated[SerializeAsAny[Decoder], BeforeValidator(_as_decoder)]
"""Type of a field with the options of any decoder, found by its name; all options are written."""
