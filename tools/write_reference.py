"""Write docs/recipe.md from the fields of the options: python tools/write_reference.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from napari_fmri_decoder.decoders import registry as decoders
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.explain import explainers
from napari_fmri_decoder.recipe import AuditConfig, CompareConfig, DataConfig, NullConfig
from napari_fmri_decoder.samples.audit import severities
from napari_fmri_decoder.samples.labels import label_sources
from napari_fmri_decoder.samples.masks import mask_strategies
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.augment_config import AugmentConfig
from napari_fmri_decoder.training.config import TrainingConfig

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

TARGET = Path(__file__).parents[1] / "docs" / "recipe.md"

HEAD = """# The recipe

One TOML file describes a complete run. The docks, `fmri-decoder train` and notebooks use the same format.
Paths are relative to the recipe, and may contain environment variables: `${NAME}` or `${NAME:-default}`.
An unknown option, or a value outside of its limits, is an error that names the option.
`examples/` has recipes that run. This page is generated from the fields of the options by
`tools/write_reference.py`.
"""


def reference() -> str:
    """Write the whole page."""
    parts = [
        HEAD,
        _section("[data]", DataConfig),
        _family(
            "mask",
            "`mask` in `[data]` is a path, or a table with one of these strategies",
            mask_strategies,
            "strategy",
        ),
        _family("[labels]", "`source` is one of these", label_sources, "source"),
        _section("[zmaps]", ZMapsConfig),
        _section("[prepare]", PrepareConfig),
        _section("[slab]", SlabConfig),
        _section("[split]", SplitConfig),
        _family("[decoder]", "`name` is one of these", decoders, "name"),
        _section("[training]", TrainingConfig),
        _section("[training.augment]", AugmentConfig),
        _section("[[compare]]", CompareConfig),
        _section("[baseline]", BaselineConfig),
        _section("[null]", NullConfig),
        _section("[audit]", AuditConfig),
        "Codes: " + ", ".join(f"`{code}` ({severity})" for code, severity in severities().items()) + ".\n",
        _family("Methods of `fmri-decoder explain`", "`--method` is one of these", explainers, "name"),
    ]
    return "\n".join(parts)


def _family(title: str, text: str, members: Mapping[str, Any], key: str) -> str:
    parts = [f"## {title}\n\n{text}.\n"]
    for name, model in sorted(members.items()):
        parts.append(f'### {key} = "{name}"\n\n{model.summary}.\n')
        parts.append(_table(model, leave_out=key))
    return "\n".join(parts)


def _section(title: str, model: type[BaseModel]) -> str:
    return f"## {title}\n\n{_table(model)}"


def _table(model: type[BaseModel], leave_out: str = "") -> str:
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {_text(field)} |"
        for name, field in model.model_fields.items()
        if name != leave_out
    ]
    if not rows:
        return "No options.\n"
    return "\n".join(["| option | type | default | description |", "|---|---|---|---|", *rows]) + "\n"


def _text(field: FieldInfo) -> str:
    limits = []
    for rule in field.metadata:
        for name, sign in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
            if getattr(rule, name, None) is not None:
                limits.append(f"{sign} {getattr(rule, name):g}")
    text = (field.description or "").replace("|", "\\|")
    return f"{text} ({', '.join(limits)})" if limits else text


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value == () or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return " or ".join(f"`{v}`" for v in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(a) for a in inner if a is not NoneType))
    if origin is tuple:
        return f"list of {_type(inner[0])}" if inner[-1] is Ellipsis else f"{len(inner)} numbers"
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return names.get(annotation, "table")


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
