"""Value widgets by themselves: what is set is read back, and what cannot be held is refused by name."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication

from napari_fmri_decoder._napari.forms.angle_slider import AngleSlider
from napari_fmri_decoder._napari.forms.choices import EditableChoice
from napari_fmri_decoder._napari.forms.device_choice import DeviceChoice
from napari_fmri_decoder._napari.forms.lines import ListLine, NamedValues, PathLine
from napari_fmri_decoder._napari.forms.number import Number
from napari_fmri_decoder._napari.forms.text_values import split_list, split_pairs
from napari_fmri_decoder._napari.labels.dock import LabelsDock


@pytest.mark.parametrize("angle", [8.2, 20.05, -33.123456, 1e-10, 120.7, -360.0, 0.0])
def test_an_angle_keeps_every_digit_and_sends_it(qtbot: Any, angle: float) -> None:
    slider = AngleSlider("x", "About x", "An angle.", 360.0)
    qtbot.addWidget(slider.native)
    sent: list[float] = []
    slider.changed.connect(sent.append)
    slider.value = angle
    assert slider.value == angle
    assert [value for value in sent if abs(angle) > 1e-6] == [angle] * (abs(angle) > 1e-6)


@pytest.mark.parametrize("wrong", [361, float("nan"), None, "abc"])
def test_a_wrong_angle_is_refused_by_name(qtbot: Any, wrong: Any) -> None:
    slider = AngleSlider("x", "About x", "An angle.", 360.0)
    qtbot.addWidget(slider.native)
    with pytest.raises(ValueError, match="About x must be an angle from -360° to 360°; got"):
        slider.value = wrong
    assert slider.value == 0.0


@pytest.mark.parametrize(
    ("each", "wrong"),
    [
        ("values", {"loss": ["a,b"]}),
        ("values", {"loss": ["1"]}),
        ("values", {"loss": ["true"]}),
        ("values", {"loss": [[1, 2]]}),
        ("values", {"hidden": np.array([30, 100])}),
        ("text", {"": "x"}),
        ("text", ["a"]),
        ("texts", 3),
    ],
)
def test_values_by_name_that_a_line_cannot_hold_are_refused(qtbot: Any, each: str, wrong: Any) -> None:
    line = NamedValues({}, each=each, label="Select")
    qtbot.addWidget(line.native)
    with pytest.raises(ValueError, match="Select must be a value that one line of text can hold"):
        line.value = wrong
    assert line.value == {}


def test_lists_that_a_line_cannot_hold_are_refused_and_a_pasted_column_is_a_list(qtbot: Any) -> None:
    line = ListLine(("face",), label="Exclude")
    qtbot.addWidget(line.native)
    for wrong in ((" a",), ("",), (None,), 5, None):
        with pytest.raises(ValueError, match="Exclude must be"):
            line.value = wrong
    assert line.value == ("face",)
    line.line_edit.native.clear()
    QApplication.clipboard().setText("face\nhouse, small\ncat")
    line.line_edit.native.paste()
    assert line.value == ("face", "house", "small", "cat")


@given(st.one_of(st.text(), st.text(alphabet="ab1,;=[]\"' \n\x00")))
def test_any_text_can_be_typed(text: str) -> None:
    text = text.strip()
    split_list(text)
    split_pairs(text)


def test_a_very_long_text_can_be_typed() -> None:
    assert split_list("a" * 200_000 + ",b") == ["a" * 200_000, "b"]


def test_a_lone_equals_sign_is_no_error(qtbot: Any) -> None:
    line = NamedValues({})
    qtbot.addWidget(line.native)
    for text in ("=", "a = b; =", ";", "= b"):
        line.line_edit.value = text
        assert set(line.value) <= {"a", "b"}


def test_paths_that_a_line_cannot_hold_are_refused(qtbot: Any) -> None:
    one, several = PathLine("a.nii", label="Table"), PathLine((), mode="rm", label="Files")
    for widget, wrong in (
        (one, " a.nii"),
        (one, "a.nii\n"),
        (several, ("a.nii", " b.nii")),
        (several, ("",)),
    ):
        qtbot.addWidget(widget.native)
        before = widget.value
        with pytest.raises(ValueError, match=f"{widget.label} must be a value that one line of text"):
            widget.value = wrong
        assert widget.value == before
    several.value = ("a b.nii", "c, d.nii")
    assert several.value == ("a b.nii", "c, d.nii")


def test_reading_a_number_keeps_what_is_being_typed(qtbot: Any) -> None:
    number = Number(0.1, min=0, max=1, label="Rate")
    qtbot.addWidget(number.native)
    number.native.show()
    box = number.native.findChild(QAbstractSpinBox)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "1e")
    assert number.value == 0.1
    QTest.keyClicks(box, "-5")
    assert number.value == 1e-5


@pytest.mark.parametrize("wrong", [None, 3, "quantum"])
def test_a_wrong_device_is_refused(qtbot: Any, wrong: Any) -> None:
    choice = DeviceChoice(label="Device")
    qtbot.addWidget(choice.native)
    with pytest.raises(ValueError, match=r"must be|should match|device"):
        choice.value = wrong
    assert choice.value == "auto"


def test_the_wheel_changes_no_number_without_the_focus(qtbot: Any) -> None:
    number = Number(6.0, label="FWHM", unit="mm")
    qtbot.addWidget(number.native)
    number.native.show()
    box = number.native.findChild(QAbstractSpinBox)
    box.clearFocus()
    place, no = QPointF(5, 5), QPoint(0, 0)
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(box, QWheelEvent(place, place, no, QPoint(0, 120), buttons, keys, phase, False))
    assert number.value == 6.0
    assert box.accessibleName() == "FWHM"


def test_typed_and_chosen_texts_are_sent_once(qtbot: Any) -> None:
    box = EditableChoice(choices=("face", "house"))
    qtbot.addWidget(box.native)
    sent: list[str] = []
    box.changed.connect(sent.append)
    box.value = "house"
    box.value = "cat"
    box.offer(["face", "cat"])
    assert sent == ["house", "cat"]
    assert box.value == "cat"


def test_a_closed_dock_is_freed(viewer: Any, qtbot: Any) -> None:
    def open_and_close() -> weakref.ref[LabelsDock]:
        dock = LabelsDock(viewer)
        viewer.window.add_dock_widget(dock, name="Labels")
        qtbot.waitUntil(lambda: dock.visible)
        qtbot.wait(20)
        viewer.window.remove_dock_widget(dock.native)
        dock.native.deleteLater()
        return weakref.ref(dock)

    alive = open_and_close()

    def is_freed() -> bool:
        gc.collect()
        return alive() is None

    qtbot.waitUntil(is_freed, timeout=20_000)
