"""A choice of the devices that torch finds, each with its free memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_fmri_decoder._napari.forms.native import ignore_wheel
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.training.torch.devices import DeviceFound


class DeviceChoice(ComboBox):
    """auto, and each device; a device that a recipe names can be chosen even if it is unavailable.

    The list is made when the box is first shown, and updated when it is opened, because free memory
    changes. Loading torch and querying a GPU take a second the first time and are done in a thread.
    """

    def __init__(self, **options: Any) -> None:
        self._texts, self._notes = {"auto": "auto"}, dict[str, str]()
        self._listed = self._asking = False
        options.pop("choices", None)
        super().__init__(choices=self._choices, **options)
        box: QComboBox = self.native
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        ignore_wheel(box)
        self._watch = _Watch(self)
        box.installEventFilter(self._watch)

    def _choices(self, _: Any) -> list[tuple[str, str]]:
        return [(text, name) for name, text in self._texts.items()]

    @property
    def value(self) -> str:
        """The chosen device, as named in a recipe."""
        return str(self.get_value())

    @value.setter
    def value(self, name: str) -> None:
        """Choose a device, available or not; raises `InputError` if no device can have this name."""
        if not isinstance(name, str):
            raise InputError(f"{self.label} must be a device such as 'auto' or 'cpu'; got {name!r}.")
        note = ""
        if name != "auto":
            from napari_fmri_decoder.training.torch.devices import choose_device

            note = choose_device(name).note
        if name not in self._texts:
            self._texts[name], self._notes[name] = f"{name} (unavailable)" if note else name, note
            self._relist()
        self.set_value(name)

    def on_shown(self) -> None:
        """List the devices once."""
        if not self._listed:
            self.refresh()

    def on_opened(self) -> None:
        """Update the free memory."""
        self.refresh()
        if (view := self.native.view()) is not None:  # names of GPUs are wider than the box
            view.setMinimumWidth(view.sizeHintForColumn(0) + 24)

    def refresh(self) -> None:
        """List the devices, in a thread if it takes long."""
        self._listed = True
        if _is_quick():
            self.show_devices(_devices_found())
        elif not self._asking:
            self._asking = True
            run_generator(
                _devices_found,
                owner=self.native,
                description="Looking for devices",
                on_done=self.show_devices,
                on_error=lambda _: self._end_query(),
                on_stopped=self._end_query,
            )

    def _end_query(self) -> None:
        self._asking = False

    def show_devices(self, found: Sequence[DeviceFound]) -> None:
        """Show these devices; the choice does not change."""
        from napari_fmri_decoder.training.torch.devices import choose_device

        self._end_query()
        auto = choose_device("auto").torch.type
        first = next((d for d in found if d.name.partition(":")[0] == auto), None)
        self._texts["auto"] = f"auto: {first.label().partition(' (')[0]}" if first else "auto"
        self._texts |= {device.name: device.label() for device in found}
        self._notes |= {device.name: "" for device in found}
        self._relist()

    def _relist(self) -> None:
        value = self.value
        with self.changed.blocked():
            self.native.clear()
            self.reset_choices()
            self.set_value(value)
        for i, (name, text) in enumerate(self._texts.items()):
            tip = self._notes.get(name) or text
            self.native.setItemData(i, f"<p>{tip}</p>", Qt.ItemDataRole.ToolTipRole)


def _is_quick() -> bool:
    """Whether the devices can be listed at once: loading torch, or asking a GPU, takes a second."""
    if "torch" not in sys.modules:
        return False
    import torch

    from napari_fmri_decoder.training.torch import devices

    return not devices.has_gpu() or torch.cuda.is_initialized()


def _devices_found() -> tuple[DeviceFound, ...]:
    from napari_fmri_decoder.training.torch import devices

    return devices.devices_found()


class _Watch(QObject):
    """Updates a choice when its box is shown, and when it is opened by mouse or keyboard."""

    KEYS = (Qt.Key.Key_Space, Qt.Key.Key_F4, Qt.Key.Key_Down, Qt.Key.Key_Up)

    def __init__(self, choice: DeviceChoice) -> None:
        super().__init__(choice.native)
        self._choice = choice

    def eventFilter(self, watched: QObject | None, event: Any) -> bool:
        kind = event.type() if event is not None else None
        if kind == QEvent.Type.Show:
            self._choice.on_shown()
        elif kind == QEvent.Type.MouseButtonPress or (
            kind == QEvent.Type.KeyPress and event.key() in self.KEYS
        ):
            self._choice.on_opened()
        return False
