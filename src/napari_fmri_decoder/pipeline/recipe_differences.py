"""In which options two recipes differ, in the names that the forms show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from napari_fmri_decoder.options import SECTION_TITLES, label_of
from napari_fmri_decoder.paths import is_path
from napari_fmri_decoder.text import printable, shortened

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe import Recipe

SECTIONS = {section: title for section, title in SECTION_TITLES.items() if section != "report"}
"""Names of the sections of a recipe that affect results or their interpretation."""
ABSENT = "not set"
"""Value of an option that a recipe does not use."""
LONGEST = 60
"""Characters of a value that is shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An option that differs: its name, such as "Training: Learning rate", and its values."""

    option: str
    first: str
    second: str


def plain_options(recipe: Recipe) -> dict[str, str]:
    """List the options of a recipe that are used, by the names that the forms show.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    dict of str to str
        Values in words; the name of a decoder is the value of "Network". Grids that follow from the data,
        and options of the report, are not listed.
    """
    unread = set(recipe.training.model_dump()) - set(recipe.training.written(recipe.decoder))
    options: dict[str, str] = {}
    for section, title in SECTIONS.items():
        for several in _as_list(getattr(recipe, section)):
            for name, value in _named(several, title):
                options[name] = f"{options[name]}; {value}" if name in options else value
    fields, title = type(recipe.training).model_fields, SECTIONS["training"]
    for name in unread:
        options.pop(f"{title}: {label_of(name, fields[name])}", None)
    return options


def recipe_differences(first: Recipe, second: Recipe) -> list[Difference]:
    """List the options in which two recipes differ, in the order of the recipe.

    Parameters
    ----------
    first, second : Recipe
        With absolute paths.

    Examples
    --------
    >>> from napari_fmri_decoder.recipe import make_recipe
    >>> content = {"data": {"images": "/a.nii"}, "labels": {"source": "table", "table": "/a.tsv"}}
    >>> one = make_recipe({**content, "decoder": {"name": "linear"}})
    >>> two = make_recipe({**content, "decoder": {"name": "linear", "C": 1.0}})
    >>> recipe_differences(one, two)
    [Difference(option='Network: C', first='0.1', second='1')]
    """
    ours, theirs = plain_options(first), plain_options(second)
    titles = list(SECTIONS.values())
    names = sorted(dict.fromkeys([*ours, *theirs]), key=lambda name: titles.index(name.partition(":")[0]))
    pairs = ((name, ours.get(name, ABSENT), theirs.get(name, ABSENT)) for name in names)
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def varying_options(recipes: Sequence[Recipe]) -> list[dict[str, str]]:
    """List for each of several recipes the options that are not the same in all of them."""
    options = [plain_options(recipe) for recipe in recipes]
    names = list(dict.fromkeys(name for one in options for name in one))
    varying = [name for name in names if len({one.get(name, ABSENT) for one in options}) > 1]
    return [{name: one[name] for name in varying if name in one} for one in options]


def _named(options: BaseModel, title: str) -> Iterator[tuple[str, str]]:
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if value is None or name.startswith("resolved"):
            continue
        label = title if name == "name" else f"{title}: {label_of(name, field)}"
        nested = [one for one in _as_list(value) if isinstance(one, BaseModel)]
        if nested:
            for one in nested:
                yield from _named(one, label)
        elif not _is_empty(value):
            yield label, _text(value, path=is_path(field))


def _text(value: Any, *, path: bool) -> str:
    """Write a value in words; a long path is shortened in the middle, so that its file name is shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(one, path=path)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return shortened(", ".join(_text(one, path=path) for one in value), LONGEST)
    return shortened(printable(str(Path(value)) if path else str(value)), LONGEST)


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, str)) and not value


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
