"""A choice of the devices that torch finds, each with its free memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_fmri_decoder._napari.workers import run_generator
from napari_fmri_decoder.training.devices import choose_device, devices_found, has_graphics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from napari_fmri_decoder.training.devices import DeviceFound


class DeviceBox(QComboBox):
    """auto, and each device; one that a recipe names and that is not here can be chosen all the same.

    The list is made when the box is first seen, and anew when it is opened, as memory comes and goes.
    Where a graphics processor has to be asked, which takes a second the first time, a thread asks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._listed = self._asking = False
        self.addItem("auto", "auto")

    def device(self) -> str:
        """The chosen device, as a recipe names it."""
        return str(self.currentData())

    def set_device(self, name: str) -> None:
        """Choose a device, whether it is here or not.

        Raises
        ------
        InputError
            If no device is named so.
        """
        note = choose_device(name).note if name != "auto" else ""
        if self.findData(name) < 0:
            self._add(name, f"{name} (not here)" if note else name, note)
        self.setCurrentIndex(self.findData(name))

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the devices once."""
        super().showEvent(event)
        if not self._listed:
            self.refresh()

    def showPopup(self) -> None:
        """Look again how much memory is free."""
        self.refresh()
        if (view := self.view()) is not None:  # the names of cards are longer than the box is wide
            view.setMinimumWidth(view.sizeHintForColumn(0) + 24)
        super().showPopup()

    def refresh(self) -> None:
        """List the devices, in a thread where that takes long."""
        self._listed = True
        if not has_graphics() or torch.cuda.is_initialized():
            self.show_devices(devices_found())
        elif not self._asking:
            self._asking = True
            run_generator(
                devices_found,
                owner=self,
                description="Asking the graphics processors",
                on_done=self.show_devices,
                on_error=lambda _: self._forget(),
                on_stopped=self._forget,
            )

    def _forget(self) -> None:
        self._asking = False

    def show_devices(self, found: Sequence[DeviceFound]) -> None:
        """Show these; what was chosen stays chosen."""
        self._forget()
        auto = choose_device("auto").torch.type
        first = next((d for d in found if d.name.partition(":")[0] == auto), None)
        texts = {"auto": f"auto: {first.words().partition(' (')[0]}" if first else "auto"}
        texts |= {device.name: device.words() for device in found}
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
