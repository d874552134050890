"""A list of the regions of an atlas, by name, to pick some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets.bases import ValuedContainerWidget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_fmri_decoder._napari.forms.controls import line_edit
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_fmri_decoder.volumes.volume import Volume

MOST = 2000
"""Values of an image that is still an atlas; a painted one has few."""
_CHECKED = Qt.CheckState.Checked


class RegionChoice(ValuedContainerWidget[tuple[int, ...]]):
    """Picks regions of an atlas by their values; hidden for a plain mask.

    Its value are those of the checked regions, such as ``(17, 53)``.
    """

    def __init__(self, name: str) -> None:
        tip = "Show only regions whose name or value contains this text."
        self.search = line_edit("find_region", "Find", tip, placeholder="Find a region by name or value")
        self.search.native.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setObjectName("regions")
        self.list.setToolTip("<p>Regions to use; all of them if none is checked.</p>")
        self.list.setMaximumHeight(140)
        super().__init__(name=name, label="Regions", widgets=[self.search], labels=False)
        self.margins = (0, 0, 0, 0)
        self.native.layout().addWidget(self.list)
        self.search.changed.connect(self._filter)
        self.list.itemChanged.connect(lambda *_: self.changed.emit(self.value))

    def set_atlas(self, volume: Volume | None) -> None:
        """List the regions of an atlas; hidden if there is only one value."""
        names: Mapping[int, str] = {}
        values: list[int] = []
        if volume is not None and not volume.is_series:
            names, values = volume.regions, [int(v) for v in np.unique(volume.at(0)) if v]
        several = 1 < len(values) <= MOST
        self.list.clear()
        self.search.value = ""
        for value in values if several else []:
            name = names.get(value, "")
            item = QListWidgetItem(f"{value}  {name}".strip())
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.visible = several

    def get_value(self) -> tuple[int, ...]:
        """Return the values of the checked regions."""
        checked = [item for item in self._items() if item.checkState() == _CHECKED]
        return tuple(int(item.data(Qt.ItemDataRole.UserRole)) for item in checked)

    def set_value(self, value: Iterable[int]) -> None:
        """Check these regions, and no others.

        Raises
        ------
        InputError
            If the atlas does not have one of them.
        """
        wanted = {value} if isinstance(value, int) else set(value)
        known = [item.data(Qt.ItemDataRole.UserRole) for item in self._items()]
        if unknown := sorted(wanted - set(known)):
            raise InputError(
                f"Regions must be among the values {', '.join(map(str, known)) or '(none)'} of the layer; "
                f"got {', '.join(map(str, unknown))}."
            )
        for item in self._items():
            on = item.data(Qt.ItemDataRole.UserRole) in wanted
            item.setCheckState(_CHECKED if on else Qt.CheckState.Unchecked)

    def _items(self) -> list[QListWidgetItem]:
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item for item in items if item is not None]

    def _filter(self, text: str) -> None:
        for item in self._items():
            item.setHidden(text.lower() not in item.text().lower())
