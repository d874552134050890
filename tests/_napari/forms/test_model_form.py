"""Forms from models: what a field says is what the control does, and values come back as they went in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from magicgui.widgets import SpinBox
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLabel, QLineEdit, QWidget

from napari_fmri_decoder._napari.forms import lines
from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.model_form import ModelForm
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


def spin(widget: Any) -> Any:
    """The Qt spin box of a number."""
    native = widget.native
    return native if isinstance(native, QAbstractSpinBox) else native.findChild(QAbstractSpinBox)


@pytest.fixture
def form(qtbot: Any) -> ModelForm:
    made = ModelForm(Everything)
    qtbot.addWidget(made.native)
    made.show()
    return made


def test_a_new_form_has_the_defaults(form: ModelForm) -> None:
    assert form.config() == Everything()


def test_values_of_every_type_are_unchanged_after_setting(form: ModelForm) -> None:
    wanted = Everything(**OTHER)
    form.update(wanted)
    assert form.config() == wanted
    form.update(Everything())
    assert form.config() == Everything()
    form.update(OTHER)
    assert form.config() == wanted


def test_controls_are_found_by_name_and_have_tooltips(form: ModelForm) -> None:
    box = form.n_splits
    assert isinstance(box, SpinBox)
    assert box.native is form.native.findChild(QWidget, "n_splits")
    assert (box.min, box.max) == (2, 29)
    assert "Number of folds." in box.tooltip
    assert form.detrend.value is True
    labels = [label.text() for label in form.native.findChildren(QLabel)]
    assert {"Smoothing", "Rotate x", "Weight decay"} <= set(labels)
    assert "kind" not in form.names, "a field with one possible value needs no row"
    assert spin(form.smooth_mm).text() == "0 mm"
    assert spin(form.rotate_x).text() == "20.05°"


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
    form: ModelForm, name: str, typed: str, value: float
) -> None:
    control = spin(form.widget(name))
    control.setFocus()
    control.selectAll()
    QTest.keyClicks(control, typed)
    assert form.asdict()[name] == pytest.approx(value, rel=1e-12)


def test_small_numbers_are_shown_and_stepped_by_their_leading_digit(form: ModelForm) -> None:
    box = spin(form.weight_decay)
    assert box.text() == "0.0001"
    box.stepUp()
    assert form.asdict()["weight_decay"] == pytest.approx(2e-4)
    box.stepDown()
    box.stepDown()
    assert form.asdict()["weight_decay"] == pytest.approx(9e-5)
    degrees = spin(form.rotate_x)
    degrees.setValue(0.5)
    degrees.stepDown()
    assert form.asdict()["rotate_x"] == pytest.approx(-0.5)
    part = spin(form.dropout)
    part.stepUp()
    assert form.asdict()["dropout"] == pytest.approx(0.3)


def test_auto_disables_the_control_and_shows_the_default(form: ModelForm) -> None:
    auto, number = form.epochs.auto, form.epochs.number
    assert auto.value is True
    assert not number.visible, "a number that means nothing must not be shown"
    form.show_meanings({"epochs": 300, "optimizer": "sgd"})
    assert number.visible
    assert not number.enabled
    assert number.value == 300
    assert form.epochs.value is None
    assert form.optimizer.current_choice == "default: sgd"
    QTest.mouseClick(auto.native, Qt.MouseButton.LeftButton, pos=QPoint(8, auto.native.height() // 2))
    assert number.enabled
    assert form.epochs.value == 300
    auto.value = True
    form.show_meanings({})
    assert auto.text == "auto"
    assert form.optimizer.native.itemText(0) == "auto"
    assert form.C.auto.text == "nested"


def test_changed_is_sent_once_for_each_change(form: ModelForm, qtbot: Any) -> None:
    sent: list[int] = []
    form.changed.connect(lambda: sent.append(1))
    form.update(OTHER)
    assert len(sent) == 1
    form.update(OTHER)
    assert len(sent) == 1
    form.detrend.native.click()
    form.pattern.value = "*.nii"
    form.axis.value = "y"
    form.epochs.value = 5
    form.epochs.value = None
    form.optimizer.value = None
    assert len(sent) == 7
    form.show_meanings({"step": 2.0})
    assert len(sent) == 7


def test_fields_without_a_row_are_kept(qtbot: Any) -> None:
    part = ModelForm(Everything, ["axis", "epochs"])
    qtbot.addWidget(part.native)
    assert part.names == ("axis", "epochs")
    part.update(Everything(**OTHER))
    part.axis.value = "y"
    assert part.config() == Everything(**{**OTHER, "axis": "y"})


def test_rows_are_shown_hidden_and_disabled_with_a_reason(form: ModelForm) -> None:
    form.show_only(["axis"])
    assert form.axis.visible
    assert not form.detrend.visible
    form.enable("axis", "There is no series yet.")
    assert not form.axis.enabled
    assert "There is no series yet." in form.axis.tooltip
    form.enable("axis")
    assert form.axis.enabled
    assert "no series" not in form.axis.tooltip


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
    form = ModelForm(Slab)
    qtbot.addWidget(form.native)
    form.update({"labels": ("face",)})
    with pytest.raises(InputError) as caught:
        form.config()
    assert "path" in str(caught.value)
    assert "labels" in str(caught.value)
    assert "'face'" in str(caught.value)
    form.update({"labels": (), "path": "a.nii", "start": 5, "stop": 5})
    with pytest.raises(InputError, match="Slab stop must exceed start, got start=5, stop=5"):
        form.config()
    with pytest.raises(InputError, match="must be among start, stop, path, labels; got stap"):
        form.update({"stap": 1})


def test_a_dropped_file_sets_the_path(form: ModelForm, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "mask.nii.gz"))])
    rest = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    line = form.anatomy.line_edit.native
    QApplication.sendEvent(line, QDragEnterEvent(QPoint(2, 2), *rest))
    QApplication.sendEvent(line, QDropEvent(QPointF(2, 2), *rest))
    assert form.anatomy.value == tmp_path / "mask.nii.gz"


def test_a_file_is_chosen_in_the_dialog_of_its_mode(
    form: ModelForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def dialog(mode: Any, **options: Any) -> str:
        asked.append((mode.value, options["start_path"]))
        return str(tmp_path / "T1.nii")

    monkeypatch.setattr(lines, "use_app", lambda: SimpleNamespace(get_obj=lambda name: dialog))
    form.anatomy.value = "relative.nii"
    assert form.anatomy.value == Path("relative.nii"), "a path is kept as it was written"
    QTest.mouseClick(form.anatomy.choose_btn.native, Qt.MouseButton.LeftButton)
    assert asked == [("r", "relative.nii")]
    assert form.anatomy.value == tmp_path / "T1.nii"


def test_scrolling_a_dock_does_not_change_its_controls(form: ModelForm) -> None:
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

    form.pattern.native.setFocus()
    before = form.asdict()
    controls = {"n_splits": form.n_splits.native, "rotate_x": spin(form.rotate_x), "axis": form.axis.native}
    for name in ("n_splits", "rotate_x", "axis"):
        wheel(controls[name])
    assert form.asdict() == before


def test_the_error_for_an_unsupported_type_names_the_field() -> None:
    class Odd(BaseModel):
        when: list[list[int]] = []

    with pytest.raises(TypeError, match="'When' must have a type that a form has a widget for"):
        ModelForm(Odd)


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
    qtbot.addWidget(made.native)
    made.show()
    return made


def test_a_choice_shows_only_the_form_of_the_chosen_model(choice: ChoiceForm) -> None:
    assert choice.config() == Perceptron()
    choice.dropout.value = 0.5
    choice.name_.value = "linear"
    assert choice.asdict() == {"name": "linear", "loss": "logistic"}
    assert choice.config() == Line()
    assert not hasattr(choice, "dropout")
    assert "A baseline." in choice.name_.tooltip
    choice.value = "mlp"
    assert choice.config() == Perceptron(dropout=0.5), "what was set must be there again"


def test_a_choice_takes_models_and_mappings(choice: ChoiceForm) -> None:
    sent: list[int] = []
    choice.changed.connect(lambda: sent.append(1))
    choice.update(Line(loss="svm"))
    assert choice.config() == Line(loss="svm")
    assert len(sent) == 1
    choice.update({"name": "mlp", "hidden": 509})
    assert choice.config() == Perceptron(hidden=509)
    assert len(sent) == 2
    choice.update({"dropout": 0.1})
    assert choice.config() == Perceptron(hidden=509, dropout=0.1)
    with pytest.raises(InputError, match="name must be one of mlp, linear; got 'cnn9d'"):
        choice.update({"name": "cnn9d"})


def test_models_without_the_discriminator_can_be_chosen(qtbot: Any) -> None:
    choice = ChoiceForm({"a slab": Slab, "all": Everything}, "source")
    qtbot.addWidget(choice.native)
    choice.update({"source": "a slab", "path": "x.nii"})
    assert choice.config() == Slab(path="x.nii")
    assert choice.asdict()["source"] == "a slab"


# The project's own options


def own_models() -> dict[str, type[BaseModel]]:
    from napari_fmri_decoder.decoders import registry as decoders
    from napari_fmri_decoder.explain import explainers
    from napari_fmri_decoder.recipe import NullConfig
    from napari_fmri_decoder.samples.centers import CentersConfig
    from napari_fmri_decoder.samples.labels.base import label_sources
    from napari_fmri_decoder.samples.masks.base import mask_strategies
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.samples.split_config import SplitConfig
    from napari_fmri_decoder.samples.zmaps import ZMapsConfig
    from napari_fmri_decoder.training.augment_config import AugmentConfig
    from napari_fmri_decoder.training.config import TrainingConfig

    models: dict[str, type[BaseModel]] = {"prepare": PrepareConfig, "slab": SlabConfig, "split": SplitConfig}
    models |= {"training": TrainingConfig, "augment": AugmentConfig, "null": NullConfig}
    models |= {"zmaps": ZMapsConfig, "centers": CentersConfig, **explainers}
    return {**models, **decoders, **label_sources, **mask_strategies}


def shown_fields(model: type[BaseModel]) -> list[str]:
    return [field for field in model.model_fields if not field.startswith("resolved_") and field != "masks"]


def examples(annotation: Any, metadata: list[Any]) -> list[Any]:
    """Values of a field: its limits, and some between them, by the annotation alone."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [m for part in parts[1:] for m in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return examples(parts[0], [*metadata, *inner])
    if origin in (Union, UnionType):
        return [value for part in parts for value in examples(part, metadata)]
    if annotation is type(None):
        return [None]
    if origin is Literal:
        return list(parts)
    if annotation is bool:
        return [True, False]
    if annotation in (int, float):
        bounds = {
            name: getattr(m, name) for m in metadata for name in ("ge", "gt", "le", "lt") if hasattr(m, name)
        }
        candidates = [*bounds.values(), 0, 1, 3, 1e-10, 0.1, 1 / 3, 123.456789, 10**12, -(10**12)]
        return [annotation(v) for v in candidates if annotation(v) == v and valid(annotation, metadata, v)]
    if annotation is str:
        return ["a b", "sub-*_bold.nii.gz", "größe"]
    if origin is tuple and parts[-1] is Ellipsis:
        one = examples(parts[0], [])
        return [tuple(one[:1]), tuple(one[:3])]
    if origin is tuple:
        return [tuple(examples(part, [])[0] for part in parts)]
    if origin is dict:
        return [{"a b": examples(parts[1], [])[-1], "c": examples(parts[1], [])[0]}]
    raise AssertionError(f"no examples for {annotation}")


def valid(annotation: Any, metadata: list[Any], value: Any) -> bool:
    try:
        TypeAdapter(Annotated[annotation, *metadata] if metadata else annotation).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(own_models()))
def test_every_field_is_set_to_each_value_and_read_back_exactly(name: str, qtbot: Any) -> None:
    model = own_models()[name]
    form = ModelForm(model, shown_fields(model))
    qtbot.addWidget(form.native)
    for field in form.names:
        info, widget = model.model_fields[field], form.widget(field)
        if isinstance(widget, ModelForm):  # of a model of its own, which is among these, too
            assert type(info.default) in own_models().values()
            continue
        given = examples(info.annotation, info.metadata)
        if not info.is_required():
            given.append(info.get_default(call_default_factory=True))
        given = [v for v in given if valid(info.annotation, info.metadata, v)]
        if field == "device":
            given = ["auto", "cpu", "cuda:3"]
        assert given, field
        for value in given:
            widget.value = value
            assert widget.value == value, (field, value)
            assert type(widget.value) is type(value), (field, value, widget.value)
            assert form.asdict()[field] == value


@pytest.mark.parametrize("name", sorted(own_models()))
def test_a_new_form_has_the_defaults_of_its_model(name: str, qtbot: Any) -> None:
    model = own_models()[name]
    form = ModelForm(model, shown_fields(model))
    qtbot.addWidget(form.native)
    for field, value in form.asdict().items():
        info = model.model_fields[field]
        if isinstance(form.widget(field) if field in form.names else None, ModelForm):
            assert value == info.default.model_dump(), field
            continue
        if not info.is_required():
            assert value == info.get_default(call_default_factory=True), field
        if field in form.names:
            assert form.widget(field).tooltip == f"<p>{info.description}</p>"
            assert form.widget(field).native.accessibleName(), field
            assert form.widget(field).native.accessibleDescription() == info.description


def test_all_fields_are_reached_by_name_also_those_that_containers_have(qtbot: Any) -> None:
    class Names(BaseModel):
        name: str = "a"
        labels: int = 3
        layout: bool = False
        plain: float = 1.5

    form = ModelForm(Names)
    qtbot.addWidget(form.native)
    assert (form.name_.value, form.labels_.value, form.layout_.value, form.plain.value) == (
        "a",
        3,
        False,
        1.5,
    )
    form.name_.value = "b"
    assert form.asdict() == {"name": "b", "labels": 3, "layout": False, "plain": 1.5}
    form.update(labels=4)
    assert form.config() == Names(name="b", labels=4)
    for name, model in own_models().items():
        for field in shown_fields(model):
            assert hasattr(ModelForm, f"{field}_") is False, (name, field)


def test_the_signature_has_the_types_and_the_values(form: ModelForm) -> None:
    form.update(epochs=7, axis="x")
    signature = form.__signature__
    assert signature.parameters["epochs"].default == 7
    assert signature.parameters["axis"].default == "x"
    for name, info in Everything.model_fields.items():
        assert signature.parameters[name].annotation == info.annotation


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("n_splits", 30, "range"),
        ("dropout", 1.0, "Dropout must be a number of at least 0 and below 1; got 1.0"),
        ("weight_decay", 0, "Weight decay must be a number above 0"),
        ("weight_decay", "much", "Weight decay must be a number above 0"),
        ("epochs", 0, "Epochs must be a whole number from 1"),
        ("epochs", 2.5, "Epochs must be a whole number from 1"),
        ("axis", "w", "not a valid choice"),
        ("optimizer", "magic", "not a valid choice"),
    ],
)
def test_a_value_beyond_the_limits_is_refused_and_nothing_changes(
    form: ModelForm, name: str, value: Any, words: str
) -> None:
    before = form.asdict()
    with pytest.raises(ValueError, match=words):
        form.widget(name).value = value
    assert form.asdict() == before
    with pytest.raises(ValueError, match=name):
        form.update({"detrend": False, name: value})
    assert form.asdict() == before, "the other values of the same update"


def test_line_edits_are_plain(form: ModelForm) -> None:
    assert isinstance(form.pattern.native, QLineEdit)
    assert form.exclude.line_edit.value == "rest"


def test_a_choice_that_is_refused_changes_nothing(choice: ChoiceForm) -> None:
    choice.dropout.value = 0.5
    before = choice.asdict()
    for wrong in ({"name": "linear", "loss": "hinge"}, {"name": "linear", "unknown": 1}, {"dropout": 2.0}):
        with pytest.raises(ValueError, match=r"hinge|unknown|2\.0"):
            choice.update(wrong)
        assert choice.asdict() == before
    with pytest.raises(AttributeError, match=r"'name_' is a widget\. .* name_\.value = 'linear'"):
        choice.name = "linear"


def test_the_tab_key_follows_the_fields_also_after_another_choice(choice: ChoiceForm, qtbot: Any) -> None:
    choice.value = "linear"
    choice.value = "mlp"
    choice.native.activateWindow()
    choice.name_.native.setFocus()
    qtbot.waitUntil(choice.name_.native.hasFocus)
    passed = []
    for _ in range(2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        passed.append(QApplication.focusWidget())
    assert passed == [choice.hidden.auto.native, spin(choice.dropout)]
