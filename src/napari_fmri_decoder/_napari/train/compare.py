"""Further decoders of a loaded recipe, trained on the same folds for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, Container

from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.qt.availability import set_tooltip

if TYPE_CHECKING:
    from pydantic import BaseModel

    from napari_fmri_decoder.recipe import CompareConfig

MOST = 42  # letters that fit into a dock
TIP = "Train this decoder of the loaded recipe on the same folds, too."


class CompareView(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """One check box per decoder, named compare_1, compare_2, …; unchecked ones are not trained."""

    def __init__(self) -> None:
        super().__init__(name="compare", labels=False)
        self.margins = (0, 0, 0, 0)
        self._boxes: list[tuple[CheckBox, CompareConfig]] = []

    @property
    def checked(self) -> tuple[CompareConfig, ...]:
        """The checked ones."""
        return tuple(config for box, config in self._boxes if box.value)

    def set_decoders(self, compare: Sequence[CompareConfig]) -> None:
        """Show these instead of the previous ones, all checked."""
        for box, _ in self._boxes:
            self.remove(box)
            box.native.deleteLater()
        self._boxes = []
        for i, config in enumerate(compare, start=1):
            options = _stated(config.decoder, "name") + _stated(config.training)
            text = ", ".join([config.decoder.name, *options])
            box = check_box(
                f"compare_{i}", text if len(text) <= MOST else f"{text[: MOST - 1]}…", TIP, value=True
            )
            details = escape(", ".join(options)) or "Default options"
            set_tooltip(box, f"<p>{TIP}</p><p>{details}.</p>")
            self._boxes.append((box, config))
            self.append(box)


def _stated(options: BaseModel, *but: str) -> list[str]:
    """Options that differ from the defaults."""
    stated = options.model_dump(exclude_defaults=True)
    return [f"{name} = {value}" for name, value in stated.items() if name not in but]
