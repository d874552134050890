"""Options that a person can set: frozen, each with its type, unit and limits."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.paths import is_path
from napari_fmri_decoder.text import nfc, printable, shortened

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

LONGEST = 80
"""Characters of a value that a message repeats."""
MOST = 4
"""Number of wrong options that one message names."""


class Options(BaseModel):
    """A frozen set of options; each field has its unit, limits and description, and others are refused.

    A value must have the type of its option: no text for a number, no number for true or false. An integer
    counts as a number, and a single value as a list of one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _own_type(cls, value: Any, info: ValidationInfo) -> Any:
        return natural(value, cls.model_fields[str(info.field_name)].annotation)

    @field_validator("*", mode="before")
    @classmethod
    def _normalized(cls, value: Any, info: ValidationInfo) -> Any:
        """Normalize text so that it can be compared; a path stays as it is on the disk."""
        field = cls.model_fields[str(info.field_name)]
        return value if is_path(field) or not _holds_text(field.annotation) else _nfc(value)


def natural(value: Any, annotation: Any) -> Any:
    """Refuse a value of the wrong type for an option; turn a single value for a list into a list.

    Parameters
    ----------
    value : object
        From TOML, a form or Python.
    annotation : type
        Of the option. Types other than numbers, text, booleans, and lists and tables of them accept every
        value here: they check it themselves.

    Raises
    ------
    ValueError
        If the value has the wrong type; the message names the right one.

    Examples
    --------
    >>> natural("rest", tuple[str, ...]), natural(1, float)
    (['rest'], 1)
    >>> natural(True, int)
    Traceback (most recent call last):
    ...
    ValueError: must be a number, not true or false
    """
    kinds = _members(annotation)
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not contain the character NUL")
    if isinstance(value, Mapping):
        items = next((get_args(kind) for kind in kinds if get_origin(kind) is dict), ())
        if items:
            return {key: natural(item, items[1]) for key, item in value.items()}
    several = next((get_args(kind) for kind in kinds if get_origin(kind) is tuple), ())
    if several:
        endless = several[-1] is Ellipsis
        if isinstance(value, (list, tuple)):
            inner = several[:1] * len(value) if endless else several
            fits = len(inner) == len(value)
            return [natural(v, kind) for v, kind in zip(value, inner, strict=True)] if fits else value
        return [natural(value, several[0])] if endless and value is not None else value
    numbers, truth = any(kind in (int, float) for kind in kinds), bool in kinds
    if isinstance(value, bool) and numbers and not truth:
        raise ValueError("must be a number, not true or false")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and truth and not numbers:
        raise ValueError("must be true or false, not a number")
    if isinstance(value, (str, bytes)) and (numbers or truth) and not _takes_text(kinds, value):
        words = [repr(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
        wanted = ["a number"] * numbers + ["true or false"] * truth + words
        raise ValueError(f"must be {' or '.join(wanted)}, not {'other ' if words else ''}text")
    return value


def _members(annotation: Any) -> list[Any]:
    """Types that an annotation allows: the members of a union, without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in _members(part)]
    return [annotation]


def wants_text(annotation: Any) -> bool:
    """Whether an option is text, or a list of texts, and nothing else: then 3 is text as well.

    Examples
    --------
    >>> wants_text(tuple[str, ...]), wants_text(str | None), wants_text(float | Literal["nested"])
    (True, True, False)
    """
    kinds = [kind for kind in _members(annotation) if kind is not NoneType]
    inner = [part for kind in kinds for part in (get_args(kind)[:1] if get_origin(kind) is tuple else [kind])]
    return bool(inner) and all(kind is str for kind in inner)


SECTION_TITLES = {
    "data": "Data",
    "labels": "Labels",
    "zmaps": "Z-maps",
    "prepare": "Preparation",
    "slab": "Slab",
    "split": "Training and test sets",
    "decoder": "Network",
    "training": "Training",
    "compare": "Compared decoder",
    "baseline": "Baselines",
    "null": "Permutation test",
    "audit": "Audit",
    "report": "Report",
    "where": "Where in the brain",
}
"""Title of each section of a recipe, in its order."""


def is_basic(field: FieldInfo) -> bool:
    """Whether a form shows an option at first: it has ``json_schema_extra={"basic": True}``.

    All other options are advanced.
    """
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("basic") is True


def label_of(name: str, info: FieldInfo) -> str:
    """Label of a field: its "label" or title, or its name with spaces, without the unit."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    words = name.removesuffix(f"_{extra.get('unit')}").replace("_", " ")
    return str(extra.get("label") or info.title or words[:1].upper() + words[1:])


def is_list(annotation: Any) -> bool:
    """Whether an option is a list."""
    return any(get_origin(kind) is tuple for kind in _members(annotation))


def _takes_text(kinds: list[Any], value: object) -> bool:
    return str in kinds or any(get_origin(kind) is Literal and value in get_args(kind) for kind in kinds)


def several_texts(value: object) -> object:
    """Accept numbers for the names of runs or subjects, as TOML has them: 3 for "3".

    Examples
    --------
    >>> several_texts([1, "02"])
    ['1', '02']
    """
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in several]


def shown(value: object, longest: int = LONGEST) -> str:
    """Format a value for a message: on one line, without control characters, shortened in the middle.

    Examples
    --------
    >>> shown("a" * 200, 20)
    "'aaaaaaaaa ... aaaa'"
    """
    try:
        text = printable(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits; lists in lists
        text = f"a value of type {type(value).__name__} that is too long to show"
    return shortened(text, longest)


def _holds_text(annotation: Any) -> bool:
    return annotation is str or any(map(_holds_text, get_args(annotation)))


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return nfc(value)
    if isinstance(value, (list, tuple)):
        return [_nfc(one) for one in value]
    if isinstance(value, dict):
        return {_nfc(key): _nfc(one) for key, one in value.items()}
    return value


def explain(error: ValidationError) -> str:
    """List in one line the wrong options, and the values found.

    Examples
    --------
    >>> class Smoothing(Options):
    ...     width: float
    >>> try:
    ...     Smoothing(width="wide")
    ... except ValidationError as error:
    ...     explain(error)
    "width: must be a number, not text (got 'wide')"
    """
    problems: list[str] = []
    for one in error.errors(include_url=False):
        place = shown(".".join(str(part) for part in one["loc"]) or "options", 200).strip("'\"")
        # An InputError of a nested option, as `choose` raises, already names the value.
        complete = isinstance(one.get("ctx", {}).get("error"), InputError)
        all_options = not one["loc"]  # options that contradict one another
        omit = complete or all_options or one["type"] == "missing"
        found = "" if omit else f" (got {shown(one['input'])})"
        problems.append(f"{place}: {one['msg'].removeprefix('Value error, ')}{found}")
    more = f"; and {len(problems) - MOST} more" if len(problems) > MOST else ""
    return "; ".join(problems[:MOST]) + more
