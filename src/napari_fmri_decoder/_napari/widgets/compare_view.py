"""Further decoders on the same folds, which a recipe that was loaded asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from pydantic import BaseModel

    from napari_fmri_decoder.recipe import CompareConfig

MOST = 42  # letters that fit a dock
TIP = "Train this decoder, too, on the same folds, as the recipe that was loaded asks for."


class CompareView(QWidget):
    """A box for each decoder that stands beside; unticked, it is left out."""

    def __init__(self) -> None:
        super().__init__()
        self._boxes: list[tuple[QCheckBox, CompareConfig]] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)

    @property
    def chosen(self) -> tuple[CompareConfig, ...]:
        """Those that are ticked."""
        return tuple(config for box, config in self._boxes if box.isChecked())

    def offer(self, compare: Sequence[CompareConfig]) -> None:
        """Offer these in place of those before, all ticked."""
        for box, _ in self._boxes:
            self._rows.removeWidget(box)
            box.deleteLater()
        self._boxes = []
        for i, config in enumerate(compare, start=1):
            options = _stated(config.decoder, "name") + _stated(config.training)
            text = ", ".join([config.decoder.name, *options])
            box = QCheckBox(text if len(text) <= MOST else f"{text[: MOST - 1]}…")
            box.setObjectName(f"compare_{i}")
            said = f"<p>{', '.join(options) or 'As its defaults say'}.</p>"
            box.setToolTip(f"<p>{TIP}</p>{said}")
            box.setChecked(True)
            self._boxes.append((box, config))
            self._rows.addWidget(box)


def _stated(options: BaseModel, *but: str) -> list[str]:
    """What departs from the defaults."""
    stated = options.model_dump(exclude_defaults=True)
    return [f"{name} = {value}" for name, value in stated.items() if name not in but]
