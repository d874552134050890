"""Controls of a form: one small Qt widget for each type of parameter, with the same way to get and set it.

Qt widgets instead of magicgui's, which support neither units nor "auto", and show 0.0001 as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
)
from superqt import QLargeIntSpinBox

from napari_fmri_decoder._napari.qt.spin_boxes import (
    AutoBox,
    Control,
    FloatBox,
    PathEdit,
    Special,
    WheelGuard,
    default_text,
)
from napari_fmri_decoder._napari.qt.text_values import (
    MARKS,
    format_value,
    parse_value,
    quoted,
    split_list,
    split_pairs,
    split_unquoted,
    unquoted,
)

INT_LIMITS = (-(2**31), 2**31 - 1)
FLOAT_LIMITS = (-1e12, 1e12)
DECIMALS = 10
"""Decimals of the smallest step inside an exclusive limit."""
STORED_DECIMALS = 25
"""Decimals of a stored number: all that a float has, even if fewer are shown."""


def make_control(annotation: Any, info: FieldInfo, label: str) -> Control:
    """Make the control of a field.

    Parameters
    ----------
    annotation : type
        bool, int, float, str, Path, a Literal, a list or tuple of these, a dict of such lists by
        name, or one of them or None.
    info : FieldInfo
        Limits, default, and in `json_schema_extra` "unit", "step", "none" (the text for None)
        and "mode": for paths "file", "files", "folder" or "save"; "device" for a device of torch.
    label : str

    Raises
    ------
    TypeError
        If there is no control for the annotation.
    """
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    if extra.get("mode") == "device":
        return _device()
    inner, bounds, special = _parts(annotation, info, str(extra.get("none", "auto")))
    origin = get_origin(inner)
    if origin is Literal:
        return _choice([(str(choice), choice) for choice in get_args(inner)], special)
    if inner is bool:
        return _choice([("yes", True), ("no", False)], special) if special else _check()
    several = origin in (list, tuple) and not any(
        get_origin(part) in (list, tuple) for part in get_args(inner)
    )
    if origin is dict:
        values = get_args(inner)[1]
        return (
            _names()
            if _is_text(values)
            else _lists(get_origin(values) is tuple and _is_text(get_args(values)[0]))
        )
    if inner is Path or inner is str or several:
        return _text(inner, origin, str(extra.get("mode", "")), label, special)
    if inner in (int, float):
        number = _number(inner, _limits(bounds, inner), info.default, extra)
        if special is None:
            return number
        box = AutoBox(number, special)
        return Control(box, box.get, box.set, box.changed, box.automatic)
    raise TypeError(f"Field '{label}' must have a type that a form has a control for, got {annotation}.")


def _check() -> Control:
    box = QCheckBox()
    return Control(box, box.isChecked, lambda value: box.setChecked(bool(value)), box.toggled)


def _choice(choices: Sequence[tuple[str, Any]], special: Special | None) -> Control:
    box = QComboBox()
    for text, value in [(special.text, special.value), *choices] if special else choices:
        box.addItem(text, value)
    _ignore_wheel(box)
    values = [box.itemData(i) for i in range(box.count())]
    automatic = (lambda value: box.setItemText(0, default_text(special, value))) if special else None
    return Control(
        box,
        box.currentData,
        lambda value: box.setCurrentIndex(values.index(value)),
        box.currentIndexChanged,
        automatic,
    )


def _device() -> Control:
    from napari_fmri_decoder._napari.qt.device_box import DeviceBox  # imports torch, which few forms need

    box = DeviceBox()
    _ignore_wheel(box)
    return Control(box, box.device, box.set_device, box.currentIndexChanged)


def _text(inner: Any, origin: Any, mode: str, label: str, special: Special | None) -> Control:
    """A line of text: one string or path, or several separated by commas. Empty is the special value."""
    parts = get_args(inner) if origin else (inner,)
    widget: QLineEdit | PathEdit
    if Path in parts or mode:
        widget = PathEdit(mode or ("files" if origin else "file"), label)
        line, changed = widget.line, widget.changed
    else:
        widget = line = QLineEdit()
        changed = line.textChanged
    line.setPlaceholderText(special.text if special else "")

    def get() -> Any:
        text = line.text().strip()
        if not text and (special or inner is Path):
            return special.value if special else None
        if not origin:
            return text
        return [parse_value(part) for part in split_list(text)] if _of_numbers(parts) else split_list(text)

    def put(value: Any) -> None:
        empty = value is None or (special is not None and value == special.value)
        line.setText("" if empty else ", ".join(map(quoted, value)) if origin else str(value))

    automatic = (lambda value: line.setPlaceholderText(default_text(special, value))) if special else None
    return Control(widget, get, put, changed, automatic)


def _of_numbers(parts: tuple[Any, ...]) -> bool:
    """Whether a list holds numbers, by the types of its parts."""
    bare = [get_args(part)[0] if get_origin(part) is Annotated else part for part in parts]
    return any(part in (int, float) for part in bare)


def _line_of_pairs(read: Callable[[str], Any], write: Callable[[Any], str], example: str = "") -> Control:
    """A line of name = value; name = value."""
    line = QLineEdit()
    line.setPlaceholderText(example)

    def put(value: Mapping[str, Any] | None) -> None:
        pairs = (f"{quoted(name, MARKS)} = {write(one)}" for name, one in (value or {}).items())
        line.setText("; ".join(pairs))

    return Control(
        line, lambda: {name: read(v) for name, v in split_pairs(line.text()).items()}, put, line.textChanged
    )


def _lists(of_text: bool) -> Control:
    """A line of lists by name: hidden = [30, 100]; weight_decay = [0.01, 0.1]; animate = [face, cat]."""
    read, write = (unquoted, lambda v: quoted(v, MARKS)) if of_text else (parse_value, format_value)
    return _line_of_pairs(
        lambda text: [read(part) for part in split_unquoted(text.strip(" []"), ",")],
        lambda values: f"[{', '.join(map(write, values))}]",
        "new = [old, old]; new = [old, old]" if of_text else "",
    )


def _names() -> Control:
    """A line of names and new names: cond1 = face; cond2 = house."""
    return _line_of_pairs(unquoted, lambda name: quoted(name, MARKS), "old = new; old = new")


def _is_text(annotation: Any) -> bool:
    return annotation is str or (get_origin(annotation) is Annotated and get_args(annotation)[0] is str)


def _number(kind: type, limits: tuple[float, float], default: Any, extra: dict[str, Any]) -> Control:
    """A spin box within limits."""
    low, high = limits
    box: QSpinBox | QLargeIntSpinBox | FloatBox
    if kind is int:
        box = QSpinBox() if INT_LIMITS[0] <= low and high <= INT_LIMITS[1] else QLargeIntSpinBox()
        box.setRange(int(low), int(high))
        box.setSingleStep(int(extra.get("step", 1)))
    else:
        box = FloatBox()
        box.setDecimals(STORED_DECIMALS)
        box.setRange(low, high)
        box.setSingleStep(float(extra.get("step", 0.05 if 0 <= low and high <= 1 else 1.0)))
        usual = default if isinstance(default, float) else 1.0
        if "step" not in extra and (low > 0 or 0 < usual < box.singleStep()):
            box.decade = 10.0 ** math.floor(math.log10(usual)) if usual > 0 else None
    box.setValue(kind(1 if low > 0 else 0))
    box.setKeyboardTracking(False)
    box.setMinimumWidth(70)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    if (unit := str(extra.get("unit", ""))) and not isinstance(box, QLargeIntSpinBox):
        box.setSuffix(unit if unit.startswith("°") else f" {unit}")
    _ignore_wheel(box)

    def get() -> Any:
        # typed text counts even before the box loses the focus
        if isinstance(box, QLargeIntSpinBox):
            large: Any = box  # superqt's has no types
            with suppress(ValueError):
                large.setValue(int(large.text()))
        else:
            box.interpretText()
        return box.value()

    return Control(box, get, lambda value: box.setValue(kind(value)), box.valueChanged)


def _limits(bounds: Sequence[Any], kind: type) -> tuple[float, float]:
    """Limits of a number; exclusive ones are moved inside by the smallest step."""
    (low, high), least = (INT_LIMITS, 1) if kind is int else (FLOAT_LIMITS, 10.0**-DECIMALS)
    found: dict[str, float] = {}
    for bound in bounds:
        for name in ("ge", "gt", "le", "lt"):
            if (limit := getattr(bound, name, None)) is not None:
                found[name] = limit
    low = found.get("ge", found["gt"] + least if "gt" in found else low)
    high = found.get("le", found["lt"] - least if "lt" in found else high)
    return low, high


def _parts(annotation: Any, info: FieldInfo, none: str) -> tuple[Any, list[Any], Special | None]:
    """Analyze `float`, `Annotated[float, ...]`, `float | None` or `float | Literal["nested"]`.

    Returns
    -------
    inner : type
    bounds : list
        Limits of the field and of the annotation.
    special : Special or None
    """
    special = None
    if get_origin(annotation) in (Union, UnionType):
        parts = list(get_args(annotation))
        words = [p for p in parts if get_origin(p) is Literal and len(get_args(p)) == 1]
        if NoneType in parts:
            parts.remove(NoneType)
            special = Special(None, none)
        elif words and len(parts) > 1:
            parts.remove(words[0])
            special = Special(get_args(words[0])[0], str(get_args(words[0])[0]))
        annotation = parts[0] if len(parts) == 1 else Union[tuple(parts)]  # noqa: UP007
    bounds = list(info.metadata)
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        bounds += [bound for e in extras for bound in (e.metadata if isinstance(e, FieldInfo) else [e])]
    return annotation, bounds, special


def _ignore_wheel(box: QAbstractSpinBox | QComboBox) -> None:
    """Let the mouse wheel change `box` only after it was clicked."""
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(box))
