"""Options as text."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from pydantic import BaseModel

from napari_fmri_decoder.paths import is_path

if TYPE_CHECKING:
    from collections.abc import Sequence


def settings(options: BaseModel, leave: Sequence[str] = (), *, defaults: bool = False) -> list[str]:
    """Write options as "name = value", without those that are empty, or that have their default.

    Parameters
    ----------
    options : BaseModel
    leave : sequence of str
        Names of options to leave out.
    defaults : bool
        Whether to write options that have their default, too.
    """
    texts = []
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if name in leave or value is None or value in ((), {}, ""):
            continue
        if not defaults and value == field.get_default(call_default_factory=True):
            continue
        texts.append(f"{name} = {_text(_names(value) if is_path(field) else value)}")
    return texts


def _names(paths: object) -> list[str] | str:
    """Names of files, without their folders."""
    if isinstance(paths, str):
        return PurePath(paths).name
    return [PurePath(str(path)).name for path in paths] if isinstance(paths, (tuple, list)) else str(paths)


def listed(texts: Sequence[str], before: str = "", after: str = "") -> str:
    """Join texts with commas; "" if there are none."""
    return f"{before}{', '.join(texts)}{after}" if texts else ""


def counted(n: int, noun: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "run"), counted(12, "run")
    ('1 run', '12 runs')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, BaseModel):
        return "(" + ", ".join(settings(value)) + ")"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    return str(value)
