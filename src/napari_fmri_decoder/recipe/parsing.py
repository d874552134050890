"""Recipes from TOML files, from text and from nested mappings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_toml, read_text
from napari_fmri_decoder.text import printable

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe.options import Recipe

LARGEST_RECIPE = 2**22
"""Bytes of the largest recipe: 4 MiB."""


def parse_recipe(text: str, name: str = "recipe") -> Recipe:
    """Read a recipe from TOML.

    Parameters
    ----------
    text : str
    name : str
        Name of the recipe in messages.

    Raises
    ------
    InputError
        If the text is not valid TOML, or an option is missing, unknown or out of its limits.
    """
    name = printable(name)
    return make_recipe(parse_toml(text, name), name)


def make_recipe(content: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """Build a recipe from nested mappings, with the environment variables in its paths replaced.

    Raises
    ------
    InputError
        As in `parse_recipe`; or if a path names an environment variable that is not set.
    """
    # imported only now, so that an error in the TOML is reported without loading the options' libraries
    from pydantic import ValidationError

    from napari_fmri_decoder.options import explain, shown
    from napari_fmri_decoder.paths import expanded
    from napari_fmri_decoder.recipe.options import Recipe

    if not isinstance(content, Mapping):
        raise InputError(
            f"{name} must consist of tables of options, got {shown(content)}. Write it as in TOML."
        )
    try:
        return expanded(Recipe.model_validate(dict(content)))
    except ValidationError as error:
        raise InputError(f"{name} must have valid options; {explain(error).rstrip('.')}.") from error


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file; its paths remain relative to its folder."""
    path = Path(path)
    return parse_recipe(read_text(path, "recipe", LARGEST_RECIPE), path.name)


def with_training(recipe: Recipe, **changes: Any) -> Recipe:
    """Change training options of a recipe, with the same checks as for a file."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return make_recipe(content | {"training": content["training"] | changes})


def with_report(recipe: Recipe, **changes: Any) -> Recipe:
    """Change report options of a recipe, with the same checks as for a file."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return make_recipe(content | {"report": content["report"] | changes})
