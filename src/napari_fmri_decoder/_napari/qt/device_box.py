"""A choice of the devices that torch finds, each with its free memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.training.torch.devices import choose_device, devices_found, has_gpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from napari_fmri_decoder.training.torch.devices import DeviceFound


class DeviceBox(QComboBox):
    """auto, and each device; a device that a recipe names can be chosen even if it is unavailable.

    The list is made when the box is first shown, and updated when it is opened, because free memory
    changes. Querying a GPU takes a second the first time and is done in a thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._listed = self._asking = False
        self.addItem("auto", "auto")

    def device(self) -> str:
        """The chosen device, as named in a recipe."""
        return str(self.currentData())

    def set_device(self, name: str) -> None:
        """Choose a device, available or not.

        Raises
        ------
        InputError
            If no device can have this name.
        """
        note = choose_device(name).note if name != "auto" else ""
        if self.findData(name) < 0:
            self._add(name, f"{name} (unavailable)" if note else name, note)
        self.setCurrentIndex(self.findData(name))

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the devices once."""
        super().showEvent(event)
        if not self._listed:
            self.refresh()

    def showPopup(self) -> None:
        """Update the free memory."""
        self.refresh()
        if (view := self.view()) is not None:  # names of GPUs are wider than the box
            view.setMinimumWidth(view.sizeHintForColumn(0) + 24)
        super().showPopup()

    def refresh(self) -> None:
        """List the devices, in a thread if it takes long."""
        self._listed = True
        if not has_gpu() or torch.cuda.is_initialized():
            self.show_devices(devices_found())
        elif not self._asking:
            self._asking = True
            run_generator(
                devices_found,
                owner=self,
                description="Looking for GPUs",
                on_done=self.show_devices,
                on_error=lambda _: self._end_query(),
                on_stopped=self._end_query,
            )

    def _end_query(self) -> None:
        self._asking = False

    def show_devices(self, found: Sequence[DeviceFound]) -> None:
        """Show these devices; the choice does not change."""
        self._end_query()
        auto = choose_device("auto").torch.type
        first = next((d for d in found if d.name.partition(":")[0] == auto), None)
        texts = {"auto": f"auto: {first.label().partition(' (')[0]}" if first else "auto"}
        texts |= {device.name: device.label() for device in found}
        for name, text in texts.items():
            i = self.findData(name)
            if i < 0:
                self._add(name, text)
            else:
                self.setItemText(i, text)
                self.setItemData(i, f"<p>{text}</p>", Qt.ItemDataRole.ToolTipRole)

    def _add(self, name: str, text: str, note: str = "") -> None:
        self.addItem(text, name)
        self.setItemData(self.count() - 1, f"<p>{note or text}</p>", Qt.ItemDataRole.ToolTipRole)
