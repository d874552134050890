"""Further decoders of a loaded recipe, trained on the same folds for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from pydantic import BaseModel

    from napari_fmri_decoder.recipe import CompareConfig

MOST = 42  # letters that fit into a dock
TIP = "Train this decoder of the loaded recipe on the same folds, too."


class CompareView(QWidget):
    """One check box per decoder; unchecked ones are not trained."""

    def __init__(self) -> None:
        super().__init__()
        self._boxes: list[tuple[QCheckBox, CompareConfig]] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)

    @property
    def checked(self) -> tuple[CompareConfig, ...]:
        """The checked ones."""
        return tuple(config for box, config in self._boxes if box.isChecked())

    def set_decoders(self, compare: Sequence[CompareConfig]) -> None:
        """Show these instead of the previous ones, all checked."""
        for box, _ in self._boxes:
            self._rows.removeWidget(box)
            box.deleteLater()
        self._boxes = []
        for i, config in enumerate(compare, start=1):
            options = _stated(config.decoder, "name") + _stated(config.training)
            text = ", ".join([config.decoder.name, *options])
            box = QCheckBox(text if len(text) <= MOST else f"{text[: MOST - 1]}…")
            box.setObjectName(f"compare_{i}")
            details = ", ".join(options) or "Default options"
            box.setToolTip(f"<p>{TIP}</p><p>{details}.</p>")
            box.setChecked(True)
            self._boxes.append((box, config))
            self._rows.addWidget(box)


def _stated(options: BaseModel, *but: str) -> list[str]:
    """Options that differ from the defaults."""
    stated = options.model_dump(exclude_defaults=True)
    return [f"{name} = {value}" for name, value in stated.items() if name not in but]
