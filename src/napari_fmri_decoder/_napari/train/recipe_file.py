"""Opening a recipe: the controls, and reading the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from qtpy.QtWidgets import QFileDialog

from napari_fmri_decoder._napari.forms.controls import check_box, push_button
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.results.session_from_recipe import RecipeData, read_recipe_data
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.resume import has_begun
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.volumes.counted_reading import StoppedReading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_fmri_decoder._napari.qt.reading import Watch
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.volumes.volume import Volume

LOAD = "Set all docks from a recipe (.toml), such as the one in a run folder."
WITH_DATA = (
    "Open the images, mask, slab and labels of the recipe. If unchecked, only its options are set, for the "
    "data that are open."
)


class RecipeRow(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """A button that asks for a recipe, and a check box for its data.

    Parameters
    ----------
    open_recipe : callable
        Takes the path, and `wait`.

    Attributes
    ----------
    load : PushButton
    with_data : CheckBox
    """

    def __init__(self, open_recipe: Callable[..., Any]) -> None:
        super().__init__(name="recipe", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self._open = open_recipe
        self.load = push_button("load_recipe", "Load recipe…", LOAD)
        self.with_data = check_box("load_data", "and open its data", WITH_DATA, value=True)
        self.load.changed.connect(self._ask)
        self.extend((self.load, self.with_data))

    @guard()
    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.native, "Load recipe", "", "Recipe (*.toml)")
        if path:
            self._open(path, wait=False)


def read_recipe(path: Path) -> tuple[Recipe, tuple[str, ...]]:
    """Read a recipe, with absolute paths, and one message per file that was moved.

    Raises
    ------
    InputError
        If the file is not a recipe.
    """
    recipe, moved = found_again(load_recipe(path), path.parent)
    return rebased(recipe, path.parent, None), tuple(moved)


def read_data_steps(
    recipe: Recipe, watch: Watch, folder: Path, in_memory: Sequence[Volume]
) -> Steps[None, RecipeData | None]:
    """Read the data of a recipe, in a thread; None if it was stopped. See `read_recipe_data`."""
    try:
        return read_recipe_data(recipe, watch.over, folder, in_memory)
    except StoppedReading:
        yield  # a worker sees a stop only between yields
    return None


def has_stopped(folder: Path) -> bool:
    """Whether a run in this folder can be resumed: napari was closed during the run, or killed."""
    return has_begun(folder) and not (folder / SCORES).exists()
