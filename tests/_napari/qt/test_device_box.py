"""The choice of a device: devices found, with their free memory, and the device of a recipe."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from qtpy.QtCore import Qt

from napari_fmri_decoder._napari.qt import device_box
from napari_fmri_decoder._napari.qt.device_box import DeviceBox
from napari_fmri_decoder._napari.qt.form import Form
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.torch.devices import DeviceFound

CPU = DeviceFound("cpu", "2 cores", 3 * 2**30)
CARD = DeviceFound("cuda:0", "Card", 10 * 2**30)


@pytest.fixture
def form(qtbot: Any) -> Form:
    made = Form(TrainingConfig, ["device"])
    qtbot.addWidget(made)
    return made


def texts(box: DeviceBox) -> list[str]:
    return [box.itemText(i) for i in range(box.count())]


def test_devices_are_listed_when_first_shown_and_updated_when_opened(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = form.control("device")
    assert isinstance(box, DeviceBox)
    assert form.value()["device"] == "auto"
    assert texts(box) == ["auto"]
    monkeypatch.setattr(device_box, "has_gpu", lambda: False)
    monkeypatch.setattr(device_box, "devices_found", lambda: (CPU,))
    form.show()
    assert texts(box) == ["auto: cpu, 3 GiB free", "cpu, 3 GiB free (2 cores)"]
    form.set_values({"device": "cpu"})
    monkeypatch.setattr(device_box, "devices_found", lambda: (DeviceFound("cpu", "2 cores", 2**30),))
    box.showPopup()
    box.hidePopup()
    assert texts(box)[1] == "cpu, 1 GiB free (2 cores)"
    assert form.config() == TrainingConfig(device="cpu")


def test_an_unavailable_device_of_a_recipe_can_be_chosen(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_fmri_decoder.training.torch.devices._count", lambda kind: int(kind == "cpu"))
    form.set_values(TrainingConfig(device="cuda:3"))
    form.show()
    box = form.control("device")
    assert isinstance(box, DeviceBox)
    assert box.currentText() == "cuda:3 (unavailable)"
    assert "instead of cuda:3: " in box.itemData(box.currentIndex(), Qt.ItemDataRole.ToolTipRole)
    assert form.config() == TrainingConfig(device="cuda:3")
    form.set_values({"device": "auto"})
    assert "cuda:3 (unavailable)" in texts(box)
    with pytest.raises(InputError, match="device: String should match"):
        form.set_values({"device": "quantum"})


def test_gpus_are_queried_in_a_thread(form: Form, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def slowly() -> tuple[DeviceFound, ...]:
        asked.append(threading.get_ident())
        return CPU, CARD

    monkeypatch.setattr(device_box, "has_gpu", lambda: True)
    monkeypatch.setattr(device_box, "devices_found", slowly)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    form.show()
    box = form.control("device")
    assert isinstance(box, DeviceBox)
    box.refresh()  # while the first is on its way
    qtbot.waitUntil(lambda: box.count() == 3)
    assert texts(box)[2] == "cuda:0, 10 GiB free (Card)"
    assert len(asked) == 1
    assert asked != [threading.get_ident()]
