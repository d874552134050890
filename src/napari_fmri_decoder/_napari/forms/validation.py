"""Validate the values of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import explain

if TYPE_CHECKING:
    from pydantic import BaseModel


def validate(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Make the model, with one clear message if it is not valid.

    Raises
    ------
    InputError
        Names every invalid field, what must hold and what was found.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"All fields must be valid; {explain(error)}. Correct it.") from error
