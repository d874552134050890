"""Options chosen by hand come back in the next napari; what a script, a recipe or a test sets does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel, Field
from qtpy.QtTest import QTest

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
    """A form as in the next napari."""
    form = ChoiceForm({"net": Net, "line": Line})
    keeper = Remember(form, "test.decoder")
    qtbot.addWidget(form.native)
    form.native.show()
    qtbot.waitExposed(form.native)
    qtbot.wait(20)
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


def test_what_a_script_sets_is_not_kept_nor_does_anything_come_back(viewer: Any, qtbot: Any) -> None:
    form, _ = new_form(qtbot)
    type_into(form, "hidden", "77", qtbot)
    form.native.hide()
    other, _ = new_form(qtbot)
    other.hidden.value = 5
    assert new_form(qtbot)[0].config() == Net()
    Remember.scripted = False
    assert new_form(qtbot)[0].config() == Net(hidden=77)


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
