"""Command-line options from pydantic fields, so that each is defined once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def options_of(
    model: type[BaseModel], *, leave_out: tuple[str, ...] = (), help_panel: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per field of `model`; the command receives them as the dict ``options``.

    Parameters
    ----------
    model : type of BaseModel
    leave_out : tuple of str
        Fields without a command-line option.
    help_panel : str, optional
        Heading over the options in ``--help``.

    Returns
    -------
    decorator
        For a function that takes ``options`` in addition to its own parameters; the dict contains only the
        options given on the command line.
    """
    fields = {n: f for n, f in model.model_fields.items() if n not in leave_out}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "options"]

        @wraps(command)
        def wrapper(**given: Any) -> None:
            options = {n: given.pop(n) for n in fields}
            command(**given, options={n: v for n, v in options.items() if v is not None})

        added = [_parameter(n, f, help_panel) for n, f in fields.items()]
        keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        wrapper.__signature__ = inspect.Signature([*keyword_only, *added])  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in [*keyword_only, *added]}
        return wrapper

    return decorate


def _parameter(name: str, field: FieldInfo, panel: str | None) -> inspect.Parameter:
    default = field.get_default(call_default_factory=True)
    shown = default if isinstance(default, (str, int, float, bool)) and default != "" else None
    flag = f"--{name.replace('_', '-')}"
    names = f"{flag}/--no-{flag[2:]}" if field.annotation is bool else flag
    option = typer.Option(
        names,
        help=f"{field.description}" + (f" [default: {shown}]" if shown is not None else ""),
        show_default=False,
        rich_help_panel=panel,
        **_limits(field),
    )
    annotation: Any = Annotated[Optional[_plain_type(field.annotation)], option]  # noqa: UP045
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _limits(field: FieldInfo) -> dict[str, Any]:
    limits = {}
    for rule in field.metadata:
        for theirs, ours in (("ge", "min"), ("le", "max")):
            if getattr(rule, theirs, None) is not None:
                limits[ours] = getattr(rule, theirs)
    return limits


def _plain_type(annotation: Any) -> Any:
    """Find a type that typer can parse: the field's type without None; text for a union of several."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain_type(get_args(annotation)[0])
    if origin in (Union, UnionType):
        members = [_plain_type(a) for a in get_args(annotation) if a is not NoneType]
        return members[0] if len(set(map(str, members))) == 1 else str
    if origin is tuple:
        inner = get_args(annotation)
        if inner[-1] is Ellipsis:
            return list[_plain_type(inner[0])]  # type: ignore[misc]  # typer reads it at run time
        return tuple[tuple(map(_plain_type, inner))]  # type: ignore[misc]
    return annotation if origin is Literal or isinstance(annotation, type) else str
