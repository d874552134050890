"""The choice of a device: devices found, with their free memory, and the device of a recipe."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_fmri_decoder._napari.forms.device_choice import DeviceChoice
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.torch import devices
from napari_fmri_decoder.training.torch.devices import DeviceFound

DEVICE_COUNT = "napari_fmri_decoder.training.torch.devices.device_count"

CPU = DeviceFound("cpu", "2 cores", 3 * 2**30)
CARD = DeviceFound("cuda:0", "Card", 10 * 2**30)


@pytest.fixture
def form(qtbot: Any) -> ModelForm:
    made = ModelForm(TrainingConfig, ["device"])
    qtbot.addWidget(made.native)
    return made


def texts(box: DeviceChoice) -> list[str]:
    return [box.native.itemText(i) for i in range(box.native.count())]


def test_devices_are_listed_when_first_shown_and_updated_when_opened(
    form: ModelForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = form.device
    assert isinstance(box, DeviceChoice)
    assert form.device.value == "auto"
    assert texts(box) == ["auto"]
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    monkeypatch.setattr(devices, "devices_found", lambda: (CPU,))
    form.show()
    assert texts(box) == ["auto: cpu, 3 GiB free", "cpu, 3 GiB free (2 cores)"]
    form.update({"device": "cpu"})
    monkeypatch.setattr(devices, "devices_found", lambda: (DeviceFound("cpu", "2 cores", 2**30),))
    QTest.mouseClick(box.native, Qt.MouseButton.LeftButton)
    box.native.hidePopup()
    assert texts(box)[1] == "cpu, 1 GiB free (2 cores)"
    assert form.config() == TrainingConfig(device="cpu")


def test_an_unavailable_device_of_a_recipe_can_be_chosen(
    form: ModelForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cpu"))
    form.update(TrainingConfig(device="cuda:3"))
    form.show()
    box = form.device
    assert isinstance(box, DeviceChoice)
    assert box.current_choice == "cuda:3 (unavailable)"
    assert "instead of cuda:3: " in box.native.itemData(
        box.native.currentIndex(), Qt.ItemDataRole.ToolTipRole
    )
    assert form.config() == TrainingConfig(device="cuda:3")
    form.update({"device": "auto"})
    assert "cuda:3 (unavailable)" in texts(box)
    with pytest.raises(InputError, match="device: String should match"):
        form.update({"device": "quantum"})


def test_gpus_are_queried_in_a_thread(form: ModelForm, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def slowly() -> tuple[DeviceFound, ...]:
        asked.append(threading.get_ident())
        return CPU, CARD

    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    monkeypatch.setattr(devices, "devices_found", slowly)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    form.show()
    box = form.device
    assert isinstance(box, DeviceChoice)
    box.refresh()  # while the first is on its way
    qtbot.waitUntil(lambda: len(box) == 3)
    assert texts(box)[2] == "cuda:0, 10 GiB free (Card)"
    assert len(asked) == 1
    assert asked != [threading.get_ident()]
