"""Forms from models: what a field says is what the control does, and values come back as they went in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget

from napari_fmri_decoder._napari.qt.choice_form import ChoiceForm
from napari_fmri_decoder._napari.qt.form import Form
from napari_fmri_decoder.errors import InputError


class Everything(BaseModel):
    """One field of each type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detrend: bool = Field(True, description="Take a straight line out of each run.")
    n_splits: int = Field(5, ge=2, lt=30, description="Number of folds.")
    seed: int = Field(42, ge=0, le=2**32 - 1)
    rotate_x: float = Field(20.05, ge=-180, le=180, json_schema_extra={"unit": "°", "step": 1})
    weight_decay: float = Field(1e-4, gt=0)
    dropout: float = Field(0.25, ge=0, lt=1)
    smooth_mm: float = Field(0.0, ge=0, title="Smoothing", json_schema_extra={"unit": "mm"})
    axis: Literal["x", "y", "z"] = "z"
    pattern: str = "n files per class"
    table: Path = Path("volumes.tsv")
    epochs: int | None = Field(None, ge=1)
    step: Annotated[float, Field(gt=0)] | None = None
    C: Annotated[float, Field(gt=0)] | Literal["nested"] = "nested"
    optimizer: Literal["sgd", "adam"] | None = None
    early: bool | None = None
    anatomy: Path | None = None
    mask: str | None = None
    exclude: list[str] = ["rest"]
    filters: tuple[int, ...] = (32, 64, 128)
    pivot: tuple[float, float, float] | None = None
    select: dict[str, tuple[bool | int | float | str, ...]] = {}
    rename: dict[str, str] = {}
    merge: dict[str, tuple[str, ...]] = {}
    kind: Literal["everything"] = "everything"


OTHER: dict[str, Any] = {
    "detrend": False,
    "n_splits": 29,
    "seed": 2**32 - 1,
    "rotate_x": -33.123456,
    "weight_decay": 3.2e-7,
    "dropout": 0.999,
    "smooth_mm": 6.5,
    "axis": "x",
    "pattern": "sub-(?P<subject>.*)",
    "table": Path("/data/a b/volumes.tsv"),
    "epochs": 300,
    "step": 0.1,
    "C": 0.001,
    "optimizer": "adam",
    "early": False,
    "anatomy": Path("T1.nii.gz"),
    "mask": "mask.nii",
    "exclude": ["rest", "scrambled pix"],
    "filters": (8, 16),
    "pivot": (1.5, 0.0, -2.0),
    "select": {"hidden": (30, 100), "rate": (0.01, 1e-4), "loss": ("svm",), "early": (True, False)},
    "rename": {"face": "a, b; c", "x = y": "[z]", 'say "cheese"': "größe", "plain": '5" disk'},
    "merge": {"a, b": ("c; d", "e = f", "[g]"), "h": ('say "no"', '"')},
    "kind": "everything",
}


@pytest.fixture
def form(qtbot: Any) -> Form:
    made = Form(Everything)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_new_form_has_the_defaults(form: Form) -> None:
    assert form.config() == Everything()


def test_values_of_every_type_are_unchanged_after_setting(form: Form) -> None:
    wanted = Everything(**OTHER)
    form.set_values(wanted)
    assert form.config() == wanted
    form.set_values(Everything())
    assert form.config() == Everything()
    form.set_values(OTHER)
    assert form.config() == wanted


def test_controls_are_found_by_name_and_have_tooltips(form: Form) -> None:
    box = form.findChild(QSpinBox, "n_splits")
    assert box is form.control("n_splits")
    assert (box.minimum(), box.maximum()) == (2, 29)
    assert "Number of folds." in box.toolTip()
    assert form.findChild(QCheckBox, "detrend").isChecked()
    labels = [label.text() for label in form.findChildren(QLabel)]
    assert {"Smoothing", "Rotate x", "Weight decay"} <= set(labels)
    assert "kind" not in form.names, "a field with one possible value needs no row"
    assert form.control("smooth_mm").text() == "0 mm"
    assert form.control("rotate_x").text() == "20.05°"


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("weight_decay", "1e-5", 1e-5),
        ("rotate_x", "-12.5", -12.5),
        ("n_splits", "7", 7),
        ("seed", "4294967295", 4294967295),
        ("smooth_mm", "4", 4.0),
    ],
)
def test_typed_text_counts_before_the_control_loses_the_focus(
    form: Form, name: str, typed: str, value: float
) -> None:
    control = form.control(name)
    control.setFocus()
    control.selectAll()
    QTest.keyClicks(control, typed)
    assert form.value()[name] == pytest.approx(value, rel=1e-12)


def test_small_numbers_are_shown_and_stepped_by_their_leading_digit(form: Form) -> None:
    box = form.control("weight_decay")
    assert box.text() == "0.0001"
    box.stepUp()
    assert form.value()["weight_decay"] == pytest.approx(2e-4)
    box.stepDown()
    box.stepDown()
    assert form.value()["weight_decay"] == pytest.approx(9e-5)
    degrees = form.control("rotate_x")
    degrees.setValue(0.5)
    degrees.stepDown()
    assert form.value()["rotate_x"] == pytest.approx(-0.5)
    part = form.control("dropout")
    part.stepUp()
    assert form.value()["dropout"] == pytest.approx(0.3)


def test_auto_disables_the_control_and_shows_the_default(form: Form) -> None:
    control = form.control("epochs")
    auto, box = control.findChild(QCheckBox), control.findChild(QSpinBox)
    assert auto.isChecked()
    assert not box.isVisible(), "a number that means nothing must not be shown"
    form.set_automatic({"epochs": 300, "optimizer": "sgd"})
    assert auto.text() == "default: 300"
    assert box.isVisible()
    assert not box.isEnabled()
    assert box.value() == 300
    assert form.value()["epochs"] is None
    assert form.control("optimizer").currentText() == "default: sgd"
    auto.click()
    assert box.isEnabled()
    assert form.value()["epochs"] == 300
    auto.click()
    form.set_automatic({})
    assert auto.text() == "auto"
    assert form.control("C").findChild(QCheckBox).text() == "nested"


def test_changed_is_sent_once_for_each_change(form: Form, qtbot: Any) -> None:
    sent: list[int] = []
    form.changed.connect(lambda: sent.append(1))
    form.set_values(OTHER)
    assert len(sent) == 1
    form.set_values(OTHER)
    assert len(sent) == 1
    form.control("detrend").click()
    form.control("pattern").setText("*.nii")
    form.control("axis").setCurrentText("y")
    form.control("epochs").findChild(QSpinBox).setValue(5)
    assert len(sent) == 5
    form.set_automatic({"step": 2.0})
    assert len(sent) == 5


def test_fields_without_a_row_are_kept(qtbot: Any) -> None:
    part = Form(Everything, ["axis", "epochs"])
    qtbot.addWidget(part)
    assert part.names == ("axis", "epochs")
    part.set_values(Everything(**OTHER))
    part.control("axis").setCurrentText("y")
    assert part.config() == Everything(**{**OTHER, "axis": "y"})


def test_rows_are_shown_hidden_and_disabled_with_a_reason(form: Form) -> None:
    form.show_only(["axis"])
    assert form.control("axis").isVisible()
    assert not form.control("detrend").isVisible()
    form.enable("axis", "There is no series yet.")
    assert not form.control("axis").isEnabled()
    assert "There is no series yet." in form.control("axis").toolTip()
    form.enable("axis")
    assert form.control("axis").isEnabled()
    assert "no series" not in form.control("axis").toolTip()


class Slab(BaseModel):
    """A slab."""

    start: int = Field(0, description="First plane.")
    stop: int | None = None
    path: str = Field(min_length=1)
    labels: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Slab:
        if self.stop is not None and self.stop <= self.start:
            raise InputError(f"Slab stop must exceed start, got start={self.start}, stop={self.stop}.")
        return self


def test_all_invalid_values_are_reported_in_one_message(qtbot: Any) -> None:
    form = Form(Slab)
    qtbot.addWidget(form)
    form.set_values({"labels": ("face",)})
    with pytest.raises(InputError) as caught:
        form.config()
    assert "path" in str(caught.value)
    assert "labels" in str(caught.value)
    assert "'face'" in str(caught.value)
    form.set_values({"labels": (), "path": "a.nii", "start": 5, "stop": 5})
    with pytest.raises(InputError, match="Slab stop must exceed start, got start=5, stop=5"):
        form.config()
    with pytest.raises(InputError, match="must be among start, stop, path, labels; got stap"):
        form.set_values({"stap": 1})


def test_a_dropped_file_sets_the_path(form: Form, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "mask.nii.gz"))])
    event = QDropEvent(
        QPointF(2, 2),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    form.control("anatomy").dropEvent(event)
    assert form.value()["anatomy"] == str(tmp_path / "mask.nii.gz")


def test_scrolling_a_dock_does_not_change_its_controls(form: Form) -> None:
    def wheel(box: QWidget) -> None:
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(box, event)

    form.control("pattern").setFocus()
    before = form.value()
    for name in ("n_splits", "rotate_x", "axis"):
        wheel(form.control(name))
    assert form.value() == before


def test_the_error_for_an_unsupported_type_names_the_field() -> None:
    class Odd(BaseModel):
        when: list[list[int]] = []

    with pytest.raises(TypeError, match="'When' must have a type that a form has a control for"):
        Form(Odd)


# One of several models


class Perceptron(BaseModel):
    """A network."""

    name: Literal["mlp"] = "mlp"
    hidden: int | None = Field(None, ge=1)
    dropout: float = Field(0.25, ge=0, lt=1)


class Line(BaseModel):
    """A baseline.

    Longer.
    """

    name: Literal["linear"] = "linear"
    loss: Literal["logistic", "svm"] = "logistic"


@pytest.fixture
def choice(qtbot: Any) -> ChoiceForm:
    made = ChoiceForm({"mlp": Perceptron, "linear": Line})
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_choice_shows_only_the_form_of_the_chosen_model(choice: ChoiceForm) -> None:
    assert choice.config() == Perceptron()
    assert choice.findChild(QWidget, "dropout") is choice.control("dropout")
    choice.control("dropout").setValue(0.5)
    choice.findChild(QComboBox, "name").setCurrentText("linear")
    assert choice.value() == {"name": "linear", "loss": "logistic"}
    assert choice.config() == Line()
    assert choice.findChild(QWidget, "dropout") is None
    assert "A baseline." in choice.control("name").toolTip()
    choice.choose("mlp")
    assert choice.config() == Perceptron(dropout=0.5), "what was set must be there again"


def test_a_choice_takes_models_and_mappings(choice: ChoiceForm) -> None:
    sent: list[int] = []
    choice.changed.connect(lambda: sent.append(1))
    choice.set_values(Line(loss="svm"))
    assert choice.config() == Line(loss="svm")
    assert len(sent) == 1
    choice.set_values({"name": "mlp", "hidden": 509})
    assert choice.config() == Perceptron(hidden=509)
    assert len(sent) == 2
    choice.set_values({"dropout": 0.1})
    assert choice.config() == Perceptron(hidden=509, dropout=0.1)
    with pytest.raises(InputError, match="name must be one of mlp, linear; got 'cnn9d'"):
        choice.set_values({"name": "cnn9d"})


def test_models_without_the_discriminator_can_be_chosen(qtbot: Any) -> None:
    choice = ChoiceForm({"a slab": Slab, "all": Everything}, "source")
    qtbot.addWidget(choice)
    choice.set_values({"source": "a slab", "path": "x.nii"})
    assert choice.config() == Slab(path="x.nii")
    assert choice.value()["source"] == "a slab"


# The project's own options


def own_models() -> dict[str, type[BaseModel]]:
    from napari_fmri_decoder.decoders import registry as decoders
    from napari_fmri_decoder.samples.labels.base import label_sources
    from napari_fmri_decoder.samples.masks.base import mask_strategies
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.samples.splits import SplitConfig
    from napari_fmri_decoder.training.config import TrainingConfig

    models: dict[str, type[BaseModel]] = {"prepare": PrepareConfig, "slab": SlabConfig, "split": SplitConfig}
    return {**models, "training": TrainingConfig, **decoders, **label_sources, **mask_strategies}


def test_every_option_of_the_project_has_a_control(qtbot: Any) -> None:
    for name, model in own_models().items():
        shown = [field for field in model.model_fields if not field.startswith("resolved_")]
        form = Form(model, shown)
        qtbot.addWidget(form)
        found = form.value()
        for field in shown:
            info = model.model_fields[field]
            if not info.is_required():
                default = info.get_default(call_default_factory=True)
                assert TypeAdapter(info.annotation).validate_python(found[field]) == default, (name, field)


def test_line_edits_are_plain(form: Form) -> None:
    assert isinstance(form.control("pattern"), QLineEdit)
    assert form.control("exclude").text() == "rest"
