"""What a form reads from a pydantic model: the defaults of its fields, and values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel


def defaults_of(model: type[BaseModel]) -> dict[str, Any]:
    """Defaults of a model, by field; those of a model in it are a dict."""
    found = {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }
    return {n: values_of(value) if isinstance(value, BaseModel) else value for n, value in found.items()}


def values_of(values: Mapping[str, Any] | Iterable[tuple[str, Any]] | BaseModel) -> dict[str, Any]:
    """Values by name, also of a model."""
    if isinstance(values, BaseModel):
        return {name: getattr(values, name) for name in type(values).model_fields}
    return dict(values)
