"""Options chosen by hand come back in the next napari; what a script, a recipe or a test sets does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hang import HANG_S
from pydantic import BaseModel, Field
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.remember import Remember, settings_file

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.forms.model_form import ModelForm


class Net(BaseModel):
    """A network."""

    name: Literal["net"] = "net"
    hidden: int = Field(30, ge=1, le=1000)
    rate: float | None = Field(None, gt=0)
    filters: tuple[int, ...] = (8, 16)
    weights: str = Field("", json_schema_extra={"mode": "file"})


class Line(BaseModel):
    """A line."""

    name: Literal["line"] = "line"
    C: float = Field(1.0, gt=0)


def new_form(qtbot: Any) -> tuple[ChoiceForm, Remember]:
    """A form as in the next napari, opened from the menu."""
    form = ChoiceForm({"net": Net, "line": Line})
    keeper = Remember(form, "test.decoder")
    qtbot.addWidget(form.native)
    form.native.show()
    qtbot.waitExposed(form.native)
    keeper.restore()
    return form, keeper


def type_into(form: ModelForm, name: str, text: str, qtbot: Any) -> None:
    native = form.widget(name).native
    native = native.focusProxy() or native
    native.activateWindow()
    native.setFocus()
    qtbot.waitUntil(native.hasFocus)
    native.selectAll()
    QTest.keyClicks(native, text)


def test_what_is_typed_comes_back_but_paths_do_not(viewer: Any, qtbot: Any) -> None:
    form, _ = new_form(qtbot)
    type_into(form, "hidden", "77", qtbot)
    type_into(form, "filters", "4, 6", qtbot)
    type_into(form, "weights", "/data/w.pt", qtbot)
    assert form.asdict() == {
        "name": "net", "hidden": 77, "rate": None, "filters": (4, 6), "weights": "/data/w.pt"
    }  # fmt: skip
    again, keeper = new_form(qtbot)
    assert again.config() == Net(hidden=77, filters=(4, 6))
    keeper.reset()
    assert again.config() == Net()
    assert new_form(qtbot)[0].config() == Net(), "also in the next napari"


def test_a_number_counts_as_typed_when_the_focus_leaves_it(viewer: Any, qtbot: Any) -> None:
    form, _ = new_form(qtbot)
    other = QLineEdit()
    qtbot.addWidget(other)
    other.show()
    form.rate.auto.native.click()
    number = form.rate.number.native.focusProxy()
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, "1e-5")
    other.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    qtbot.waitUntil(lambda: form.rate.value == 1e-5)
    assert new_form(qtbot)[0].rate.value == 1e-5


def test_what_a_script_or_the_program_sets_is_not_kept(viewer: Any, qtbot: Any) -> None:
    form, keeper = new_form(qtbot)
    form.hidden.value = 5
    form.update(name="line", C=2.0)
    assert new_form(qtbot)[0].config() == Net()
    form.value = "net"
    type_into(form, "hidden", "77", qtbot)
    form.native.hide()
    qtbot.waitUntil(lambda: not keeper.in_use)
    form.hidden.value = 6
    assert new_form(qtbot)[0].config() == Net(hidden=77)


SCRIPT = """
import json, os, sys
from pathlib import Path

import napari
from qtpy.QtCore import QTimer
from napari_fmri_decoder._napari.forms.remember import settings_file

viewer = napari.Viewer()
kept = {"prepare.mask": {"strategy": "threshold", "above": 12.5}, "train.training": {"epochs": 7}}
settings_file().write_text(json.dumps({"version": 1, "forms": kept}))
actions = {}
def collect(menu):
    for action in menu.actions():
        if action.menu() is not None:
            collect(action.menu())
        actions.setdefault(action.text().replace("&", ""), action)
viewer.window.plugins_menu.aboutToShow.emit()
collect(viewer.window.plugins_menu)
name = next(text for text in actions if text.startswith("Prepare"))

def check():
    dock = next(d for n, d in viewer.window.dock_widgets.items() if n.startswith("Prepare"))
    _, train = viewer.window.add_plugin_dock_widget("napari-fmri-decoder", "Train")
    mask = dock.mask.asdict()
    print(json.dumps([mask["strategy"], mask.get("above"), train.training.epochs.value]))
    sys.stdout.flush()
    os._exit(0)

QTimer.singleShot(300, actions[name].trigger)
QTimer.singleShot(3000, check)
napari.run()
"""


def test_options_come_back_in_a_dock_from_the_menu_but_not_from_a_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
        env={**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["threshold", 12.5, None]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 2]",
        '{"version": 99, "forms": {"test.decoder": {"name": "line"}}}',
        '{"version": 1, "forms": {"test.decoder": {"name": "gone", "hidden": 0, "unknown": 1}}}',
        '{"version": 1, "forms": 3}',
    ],
)
def test_a_file_that_does_not_fit_is_ignored(viewer: Any, qtbot: Any, content: str) -> None:
    path = settings_file()
    assert path is not None
    path.write_text(content)
    form, _ = new_form(qtbot)
    assert form.config() == Net()
    type_into(form, "hidden", "77", qtbot)
    assert form.hidden.value == 77
    assert json.loads(path.read_text())["forms"]["test.decoder"]["hidden"] == 77


def test_a_file_that_cannot_be_written_is_no_error(
    viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any
) -> None:
    from napari_fmri_decoder._napari.forms import remember

    (tmp_path / "file").touch()
    monkeypatch.setattr(remember, "settings_file", lambda: tmp_path / "file" / "settings.json")
    form, _ = new_form(qtbot)
    type_into(form, "hidden", "77", qtbot)
    assert form.hidden.value == 77
    assert "could not be kept" in caplog.text
