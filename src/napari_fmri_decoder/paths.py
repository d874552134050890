"""Find the options that are paths, and expand environment variables in them.

A field is a path if its schema marks it as one (``json_schema_extra={"mode": "file"}``, "files" or
"folder"), in any kind of options, however deeply nested. New label sources and mask strategies therefore
need no entry here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

AnyOptions = TypeVar("AnyOptions", bound=BaseModel)
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def is_path(field: FieldInfo) -> bool:
    """Whether a field of options holds one or several paths."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("mode") in ("file", "files", "folder")


def paths_of(options: BaseModel) -> Iterator[tuple[str, str]]:
    """Iterate over the paths in options and in the options nested in them.

    Parameters
    ----------
    options : BaseModel

    Yields
    ------
    (str, str)
        Name of the field, and the path or pattern. Empty paths are skipped.

    Examples
    --------
    >>> from napari_fmri_decoder.samples.masks import parse_mask
    >>> list(paths_of(parse_mask({"strategy": "combine", "masks": ["a.nii", "b.nii"]})))
    [('path', 'a.nii'), ('path', 'b.nii')]
    """
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        several = value if isinstance(value, (tuple, list)) else (value,)
        if is_path(field):
            yield from ((name, path) for path in several if isinstance(path, str) and path)
            continue
        for inner in several:
            if isinstance(inner, BaseModel):
                yield from paths_of(inner)


def with_paths(options: AnyOptions, change: Callable[[str], str]) -> AnyOptions:
    """Change every path in options and in the options nested in them.

    Parameters
    ----------
    options : BaseModel
    change : callable
        Takes a path, returns the new path.
    """
    update: dict[str, Any] = {}
    for name, field in type(options).model_fields.items():
        old = getattr(options, name)
        new = _changed(old, change, path=is_path(field))
        if new != old:
            update[name] = new
    return options.model_copy(update=update) if update else options


def _changed(value: Any, change: Callable[[str], str], *, path: bool) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_changed(one, change, path=path) for one in value)
    if isinstance(value, BaseModel):
        return with_paths(value, change)
    return change(value) if path and isinstance(value, str) and value else value


def expanded(options: AnyOptions) -> AnyOptions:
    """Expand environment variables in all paths; see `with_variables`."""
    return with_paths(options, with_variables)


def with_variables(path: str) -> str:
    """Expand environment variables in a path: ``${NAME}`` or ``${NAME:-default}``.

    Raises
    ------
    InputError
        If a variable is not set and has no default.
    """

    def expand(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value and os.path.exists(value):
            return os.path.abspath(value)  # relative to the working directory, not to the recipe
        value = value or match[2]
        if value is None:
            raise InputError(
                f"Environment variables in a path must be set, but {match[1]} is not. "
                f"Set it, or write ${{{match[1]}:-FOLDER}}."
            )
        return value

    return _VARIABLE.sub(expand, path)
