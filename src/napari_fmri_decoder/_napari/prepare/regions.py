"""A list of the regions of an atlas, by name, to pick some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_fmri_decoder.volumes.volume import Volume

MOST = 2000
"""Values of an image that is still an atlas; a painted one has few."""
_CHECKED = Qt.CheckState.Checked


class RegionBox(QWidget):
    """Picks regions of an atlas; hidden for a plain mask.

    Attributes
    ----------
    changed : Signal
        Sent after the picked regions changed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setObjectName("find_region")
        self.search.setPlaceholderText("Find a region by name or value")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("<p>Show only regions whose name or value contains this text.</p>")
        self.list = QListWidget()
        self.list.setObjectName("regions")
        self.list.setToolTip("<p>Regions to use; all of them if none is checked.</p>")
        self.list.setMaximumHeight(140)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.search)
        rows.addWidget(self.list)
        self.search.textChanged.connect(self._filter)
        self.list.itemChanged.connect(lambda *_: self.changed.emit())

    def set_atlas(self, volume: Volume | None) -> None:
        """List the regions of an atlas; hidden if there is only one value."""
        names: Mapping[int, str] = {}
        values: list[int] = []
        if volume is not None and not volume.is_series:
            names, values = volume.regions, [int(v) for v in np.unique(volume.at(0)) if v]
        several = 1 < len(values) <= MOST
        self.list.clear()
        self.search.clear()
        for value in values if several else []:
            name = names.get(value, "")
            item = QListWidgetItem(f"{value}  {name}".strip())
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.setVisible(several)

    @property
    def picked(self) -> tuple[int, ...]:
        """Values of the checked regions."""
        checked = [item for item in self._items() if item.checkState() == _CHECKED]
        return tuple(int(item.data(Qt.ItemDataRole.UserRole)) for item in checked)

    def pick(self, *values: int) -> None:
        """Check these regions, and no others."""
        for item in self._items():
            on = item.data(Qt.ItemDataRole.UserRole) in values
            item.setCheckState(_CHECKED if on else Qt.CheckState.Unchecked)

    def _items(self) -> list[QListWidgetItem]:
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item for item in items if item is not None]

    def _filter(self, text: str) -> None:
        for item in self._items():
            item.setHidden(text.lower() not in item.text().lower())
