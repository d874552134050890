"""Options that a person can set: frozen, checked, and found in a registry by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.paths import is_path
from napari_fmri_decoder.text import nfc, printable, shortened

LONGEST = 80
"""Letters of a value that a message repeats."""
MOST = 4
"""Wrong options that one message names."""


class Options(BaseModel):
    """A frozen set of options; each field has its unit, limits and description, and no other is taken.

    A value must have its option's own type: no text for a number, no number for true or false. A whole
    number counts as a number, and a single value as a list of one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _own_type(cls, value: Any, info: ValidationInfo) -> Any:
        return natural(value, cls.model_fields[str(info.field_name)].annotation)

    @field_validator("*", mode="before")
    @classmethod
    def _composed(cls, value: Any, info: ValidationInfo) -> Any:
        """Bring text into the form in which it is compared; a path stays as it is on the disk."""
        field = cls.model_fields[str(info.field_name)]
        return value if is_path(field) or not _holds_text(field.annotation) else _in_one_form(value)


class Registered(Options):
    """Options of one way to do something, found by the default of their field `key`.

    A base class names its `registry` and `key`; each subclass whose `key` has a default enters itself.
    """

    registry: ClassVar[dict[str, Any]]
    key: ClassVar[str] = "name"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the registry."""
        super().__pydantic_init_subclass__(**kwargs)
        field = cls.model_fields.get(cls.key)
        if field is not None and isinstance(field.default, str):
            cls.registry[field.default] = cls


def natural(value: Any, annotation: Any) -> Any:
    """Refuse a value of another type than an option has; put a single value for a list into a list.

    Parameters
    ----------
    value : object
        As TOML, a form or Python gives it.
    annotation : type
        Of the option. Of types other than numbers, texts, truth values and lists and tables of them,
        every value passes: they check themselves.

    Raises
    ------
    ValueError
        That says what the value must be.

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
        raise ValueError("must not hold the character NUL")
    if isinstance(value, Mapping):
        held = next((get_args(kind) for kind in kinds if get_origin(kind) is dict), ())
        if held:
            return {key: natural(item, held[1]) for key, item in value.items()}
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
    """Types that an annotation allows: the parts of a union, without what annotates them."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in _members(part)]
    return [annotation]


def wants_text(annotation: Any) -> bool:
    """Whether an option holds text, or a list of texts, and nothing else: then 3 is text as well.

    Examples
    --------
    >>> wants_text(tuple[str, ...]), wants_text(str | None), wants_text(float | Literal["nested"])
    (True, True, False)
    """
    kinds = [kind for kind in _members(annotation) if kind is not NoneType]
    inner = [part for kind in kinds for part in (get_args(kind)[:1] if get_origin(kind) is tuple else [kind])]
    return bool(inner) and all(kind is str for kind in inner)


def is_list(annotation: Any) -> bool:
    """Whether an option is a list."""
    return any(get_origin(kind) is tuple for kind in _members(annotation))


def _takes_text(kinds: list[Any], value: object) -> bool:
    return str in kinds or any(get_origin(kind) is Literal and value in get_args(kind) for kind in kinds)


def several_texts(value: object) -> object:
    """Take numbers for the texts that name runs or subjects, as TOML has them: 3 for "3".

    Examples
    --------
    >>> several_texts([1, "02"])
    ['1', '02']
    """
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in several]


def shown(value: object, longest: int = LONGEST) -> str:
    """Repeat a value in a message: on one line, without control characters, shortened in its middle.

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


def _in_one_form(value: Any) -> Any:
    if isinstance(value, str):
        return nfc(value)
    if isinstance(value, (list, tuple)):
        return [_in_one_form(one) for one in value]
    if isinstance(value, dict):
        return {_in_one_form(key): _in_one_form(one) for key, one in value.items()}
    return value


AnyOptions = TypeVar("AnyOptions", bound=BaseModel)


def choose(
    registry: Mapping[str, type[AnyOptions]], key: str, what: str, options: Mapping[str, Any] | object
) -> AnyOptions:
    """Build the registered options that ``options[key]`` names.

    Parameters
    ----------
    registry : mapping of str to class
    key : str
        The entry that names the class, "source" or "strategy".
    what : str
        What is chosen, for messages: "label source".
    options : mapping
        As in a recipe, `key` included.

    Raises
    ------
    InputError
        If the name is not registered, or an option is unknown or out of its limits.
    """
    if not isinstance(options, Mapping):
        raise InputError(
            f"A {what} must be a table of options with {key} = one of {', '.join(sorted(registry))}; got "
            f"{shown(options)}. Write it as a table."
        )
    name = options.get(key)
    if not isinstance(name, str) or name not in registry:
        raise InputError(
            f"A {what} needs {key} = one of {', '.join(sorted(registry))}; got {shown(name)}. Choose one of "
            "them."
        )
    try:
        return registry[name].model_validate(dict(options))
    except ValidationError as error:
        known = ", ".join(n for n in registry[name].model_fields if n != key)
        raise InputError(
            f"The options of {what} {name!r} must be valid: {explain(error)}. Its options are: {known}."
        ) from error


def explain(error: ValidationError) -> str:
    """Say in one line which options are wrong, and what was found.

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
    said: list[str] = []
    for one in error.errors(include_url=False):
        place = shown(".".join(str(part) for part in one["loc"]) or "options", 200).strip("'\"")
        # A nested option that explained itself, as `choose` does, has said what it got.
        said_all = isinstance(one.get("ctx", {}).get("error"), InputError)
        whole = not one["loc"]  # what does not fit together would be all of the options
        found = "" if said_all or whole or one["type"] == "missing" else f" (got {shown(one['input'])})"
        said.append(f"{place}: {one['msg'].removeprefix('Value error, ')}{found}")
    more = f"; and {len(said) - MOST} more" if len(said) > MOST else ""
    return "; ".join(said[:MOST]) + more
