"""The widget of a field: its type chooses the widget, and everything else is read from the field.

The label is the field's name (or `title`), the tooltip its description, and the limits its own; `unit`,
`step`, `none` (the text for None), `means` (the number that None always means) and `mode` in
`json_schema_extra` set the rest. Modes are "file", "files", "folder" and "save" for paths, and "device" for a
device of torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from magicgui.widgets import CheckBox, ComboBox, LineEdit, SpinBox
from pydantic.fields import FieldInfo

from napari_fmri_decoder._napari.forms.automatic import Automatic
from napari_fmri_decoder._napari.forms.choices import NullableChoice
from napari_fmri_decoder._napari.forms.lines import Line, ListLine, NamedValues, PathLine
from napari_fmri_decoder._napari.forms.native import narrow
from napari_fmri_decoder._napari.forms.number import Number

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets.bases import BaseValueWidget

MODES = {"file": "r", "files": "rm", "folder": "d", "save": "w"}
"""Modes of a path, and those of magicgui's `FileEdit`."""
LIMITS: Mapping[type, tuple[float, float]] = {int: (-(2**31), 2**31 - 1), float: (-1e12, 1e12)}
"""Of numbers whose field has none."""
LETTERS = 8
"""Minimum width of a choice in letters; its list shows the full names."""
LEAST = 1e-25
"""The smallest number above an exclusive limit of 0."""


def field_widget(name: str, info: FieldInfo, label: str) -> BaseValueWidget[Any]:
    """Make the widget of a field.

    Parameters
    ----------
    name : str
        Name of the widget.
    info : FieldInfo
        bool, int, float, str, Path, a Literal, a list or tuple of these, a dict of such lists by name, or
        one of them or None (a number may be one word instead, such as "nested").
    label : str

    Raises
    ------
    TypeError
        If no widget fits the annotation; the message names the field.
    """
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    inner, bounds, special = _parts(info)
    kind, options = _kind(inner, bounds, info.default, extra)
    if kind is None or (special not in ((), (None,)) and kind not in (Number, SpinBox)):
        raise TypeError(
            f"Field '{label}' must have a type that a form has a widget for, but has {info.annotation}."
        )
    if special:
        kind, options = _with_special(kind, options, special[0], str(extra.get("none", "auto")))
        if kind is Automatic:
            options["means"] = extra.get("means")
    widget: BaseValueWidget[Any] = kind(name=name, label=label, **options)
    if isinstance(widget, ComboBox):
        narrow(widget.native, LETTERS)
    return widget


def _kind(
    inner: Any, bounds: Sequence[Any], default: Any, extra: Mapping[str, Any]
) -> tuple[Callable[..., Any] | None, dict[str, Any]]:
    """Class of the widget for a type without None, and its options."""
    origin, parts, mode = get_origin(inner), get_args(inner), str(extra.get("mode", ""))
    if mode == "device":
        from napari_fmri_decoder._napari.forms.device_choice import DeviceChoice  # imports torch

        return DeviceChoice, {}
    if origin is Literal:
        return ComboBox, {"choices": [(str(choice), choice) for choice in parts]}
    if inner is bool:
        return CheckBox, {}
    if inner in (int, float):
        return _number(inner, limits_of(bounds, inner), default, extra)
    several = origin in (list, tuple) and not any(get_origin(part) in (list, tuple) for part in parts)
    if inner is Path or mode or (several and Path in parts):
        usual = "files" if several else "file"
        return PathLine, {"mode": MODES.get(mode or usual, "r"), "as_text": inner is not Path}
    if inner is str:
        return LineEdit, {}
    if several:
        numbers = any(_bare(part) in (int, float) for part in parts)
        return ListLine, {"numbers": numbers, "sequence": origin}
    if origin is dict:
        values = parts[1]
        each = "text" if _bare(values) is str else "texts" if _texts(values) else "values"
        return NamedValues, {"each": each}
    return None, {}


def _with_special(
    kind: Callable[..., Any], options: dict[str, Any], special: Any, text: str
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The same where the value may also be None, or one word."""
    if kind in (Number, SpinBox):
        number = {**options, "integer": kind is SpinBox or options.get("integer", False)}
        return Automatic, {"special": special, "text": special or text, "number": number}
    if kind is CheckBox:
        return NullableChoice, {"choices": [("yes", True), ("no", False)], "text": text}
    if kind is ComboBox:
        return NullableChoice, {**options, "text": text}
    return Line if kind is LineEdit else kind, {**options, "nullable": True, "text": text}


def _number(
    kind: type, limits: tuple[float, float], default: Any, extra: Mapping[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Magicgui's spin box for an int without a unit; otherwise our own."""
    low, high = limits
    unit, step = str(extra.get("unit", "")), extra.get("step")
    if kind is int and not unit:
        return SpinBox, {"min": int(low), "max": int(high), "step": int(step or 1), "value": int(max(low, 0))}
    options: dict[str, Any] = {"min": low, "max": high, "step": step, "unit": unit, "integer": kind is int}
    return Number, {**options, "usual": default}


def limits_of(bounds: Sequence[Any], kind: type) -> tuple[float, float]:
    """Limits of a number; exclusive ones are moved inside by the smallest step."""
    low, high = LIMITS[kind]
    for bound in bounds:
        if (limit := getattr(bound, "ge", None)) is not None:
            low = limit
        if (limit := getattr(bound, "le", None)) is not None:
            high = limit
        if (limit := getattr(bound, "gt", None)) is not None:
            low = limit + 1 if kind is int else max(math.nextafter(limit, math.inf), limit + LEAST)
        if (limit := getattr(bound, "lt", None)) is not None:
            high = limit - 1 if kind is int else math.nextafter(limit, -math.inf)
    return low, high


def _parts(info: FieldInfo) -> tuple[Any, list[Any], tuple[Any, ...]]:
    """Analyze `float`, `Annotated[float, ...]`, `float | None` or `float | Literal["nested"]`.

    Returns
    -------
    inner : type
    bounds : list
        Limits of the field and of the annotation.
    special : tuple
        None or a word, or empty if there is no special value.
    """
    annotation: Any = info.annotation
    special: tuple[Any, ...] = ()
    if get_origin(annotation) in (Union, UnionType):
        parts = list(get_args(annotation))
        words = [part for part in parts if get_origin(part) is Literal and len(get_args(part)) == 1]
        if NoneType in parts:
            parts.remove(NoneType)
            special = (None,)
        elif words and len(parts) > 1:
            parts.remove(words[0])
            special = get_args(words[0])
        annotation = parts[0] if len(parts) == 1 else Union[tuple(parts)]  # noqa: UP007
    bounds = list(info.metadata)
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        bounds += [bound for e in extras for bound in (e.metadata if isinstance(e, FieldInfo) else [e])]
    return annotation, bounds, special


def _bare(annotation: Any) -> Any:
    """A type without what `Annotated` adds."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _texts(annotation: Any) -> bool:
    """Whether a type is a list of texts."""
    return get_origin(_bare(annotation)) in (list, tuple) and _bare(get_args(_bare(annotation))[0]) is str
