"""What a form reads from a pydantic model: the labels of its fields, their defaults, and values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def defaults_of(model: type[BaseModel]) -> dict[str, Any]:
    """Defaults of a model, by field."""
    return {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }


def label_of(name: str, info: FieldInfo) -> str:
    """Label of a field: its "label" or title, or its name with spaces."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    words = name.replace("_", " ")
    return str(extra.get("label") or info.title or words[:1].upper() + words[1:])


def values_of(values: Mapping[str, Any] | Iterable[tuple[str, Any]] | BaseModel) -> dict[str, Any]:
    """Values by name, also of a model."""
    if isinstance(values, BaseModel):
        return {name: getattr(values, name) for name in type(values).model_fields}
    return dict(values)
