"""Options that a person can set: frozen, checked, and found in a registry by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.paths import is_path
from napari_fmri_decoder.text import nfc


class Options(BaseModel):
    """A frozen set of options; each field has its unit, limits and description, and no other is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

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
    registry: Mapping[str, type[AnyOptions]], key: str, what: str, options: Mapping[str, Any]
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
    name = options.get(key)
    if not isinstance(name, str) or name not in registry:
        raise InputError(
            f"A {what} needs {key} = one of {', '.join(sorted(registry))}; got {name!r}. Choose one of them."
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
    "width: Input should be a valid number, unable to parse string as a number (got 'wide')"
    """
    said = []
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"]) or "options"
        # A nested option that explained itself, as `choose` does, has said what it got.
        said_all = isinstance(one.get("ctx", {}).get("error"), InputError)
        whole = not one["loc"]  # what does not fit together would be all of the options
        found = "" if said_all or whole or one["type"] == "missing" else f" (got {one['input']!r})"
        said.append(f"{place}: {one['msg'].removeprefix('Value error, ')}{found}")
    return "; ".join(said)
