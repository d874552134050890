"""Forms made from pydantic models: one row for each field, all that it says read from the field.

The label is the field's name (or `title`), the tooltip its description, the limits its own; `unit`,
`step`, `none` and `mode` in `json_schema_extra` do the rest (see `controls`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.boxes import Control
from napari_fmri_decoder._napari.controls import make_control
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.options import explain

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Form(QWidget):
    """A row for each field of a model.

    Parameters
    ----------
    model : type of BaseModel
    fields : sequence of str, optional
        The fields that get a row, in order; all by default. A field whose type allows one value
        only gets none.
    parent : QWidget, optional

    Attributes
    ----------
    changed : Signal
        Sent when the user, or `set_values`, changed a value.
    """

    changed = Signal()

    def __init__(
        self, model: type[BaseModel], fields: Sequence[str] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = model
        self._controls: dict[str, Control] = {}
        self._kept: dict[str, Any] = {}
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name in model.model_fields if fields is None else fields:
            info = model.model_fields[name]
            if get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1:
                self._kept[name] = get_args(info.annotation)[0]
            else:
                self._add_row(name, info)
        self.set_values(_defaults(model))

    def _add_row(self, name: str, info: FieldInfo) -> None:
        made = self._make(name, info)
        made.widget.setObjectName(name)
        made.changed.connect(lambda *_: self.changed.emit())
        self._controls[name] = made
        label = QLabel(label_of(name, info))
        label.setBuddy(made.widget)
        self._rows.addRow(label, made.widget)
        self.explain(name)

    def _make(self, name: str, info: FieldInfo) -> Control:
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            form = Form(info.annotation)
            return Control(form, form.value, form.set_values, form.changed)
        return make_control(info.annotation, info, label_of(name, info))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that have a row."""
        return tuple(self._controls)

    def control(self, name: str) -> QWidget:
        """The widget of a field; its objectName is the field's name."""
        return self._controls[name].widget

    def value(self) -> dict[str, Any]:
        """Raw values of all fields with a row, and of those that were set without having one."""
        return {**self._kept, **{name: made.get() for name, made in self._controls.items()}}

    def config(self) -> BaseModel:
        """Validate the values.

        Returns
        -------
        BaseModel
            An instance of the model; fields that are neither shown nor set have their defaults.

        Raises
        ------
        InputError
            If a value is not valid: one message that names every such field.
        """
        return validate(self.model, self.value())

    def set_values(self, values: Mapping[str, Any] | BaseModel) -> None:
        """Set some or all fields; `changed` is sent at most once.

        Raises
        ------
        InputError
            If the model has no field of a name.
        """
        new = _fields(values)
        if unknown := sorted(set(new) - set(self.model.model_fields)):
            raise InputError(
                f"The fields must be among {', '.join(self.model.model_fields)}; got {', '.join(unknown)}."
            )
        before = self.value()
        blocked = self.blockSignals(True)
        try:
            for name, value in new.items():
                if name in self._controls:
                    self._set(name, value)
                else:
                    self._kept[name] = value
        finally:
            self.blockSignals(blocked)
        if self.value() != before:
            self.changed.emit()

    def _set(self, name: str, value: Any) -> None:
        try:
            self._controls[name].set(value)
        except (TypeError, ValueError, OverflowError):
            validate(self.model, {**self.value(), name: value})
            raise

    def set_automatic(self, values: Mapping[str, Any]) -> None:
        """Say what None stands for in fields that may be None; None or no entry resets.

        Parameters
        ----------
        values : mapping
            Such as {"epochs": 300}, the defaults of the chosen decoder.
        """
        blocked = self.blockSignals(True)
        for name, made in self._controls.items():
            if made.automatic is not None:
                made.automatic(values.get(name))
        self.blockSignals(blocked)

    def show_only(self, names: Iterable[str]) -> None:
        """Show the rows of these fields and hide the others, which keep their values."""
        shown = set(names)
        for name, made in self._controls.items():
            self._rows.setRowVisible(made.widget, name in shown)

    def enable(self, name: str, reason: str | None = None) -> None:
        """Enable a field, or grey it out for a reason that its tooltip gives."""
        self.control(name).setEnabled(reason is None)
        self.explain(name, reason)

    def explain(self, name: str, reason: str | None = None) -> None:
        """Set the tooltip: the field's description, and why it is grey."""
        text = self.model.model_fields[name].description or ""
        tip = f"<p>{text}</p>" + (f"<p><b>{reason}</b></p>" if reason else "")
        widget = self.control(name)
        widget.setToolTip(tip)
        if isinstance(label := self._rows.labelForField(widget), QWidget):
            label.setToolTip(tip)


class ChoiceForm(QWidget):
    """One of several models, and its form.

    Parameters
    ----------
    models : mapping of str to type of BaseModel
        By the name that is chosen, such as the registry of decoders.
    discriminator : str
        The key of the chosen name in `value()`; objectName of the box that chooses. The models may
        have a field of this name, which gets no row.
    parent : QWidget, optional

    Attributes
    ----------
    changed : Signal
        Sent when the choice or a value changed.
    """

    changed = Signal()

    def __init__(
        self,
        models: Mapping[str, type[BaseModel]],
        discriminator: str = "name",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._models = dict(models)
        self._discriminator = discriminator
        self._values: dict[str, dict[str, Any]] = {}
        self._box = QComboBox()
        self._box.setObjectName(discriminator)
        for i, (name, model) in enumerate(self._models.items()):
            self._box.addItem(name, name)
            self._box.setItemData(i, _summary(model), Qt.ItemDataRole.ToolTipRole)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self._box)
        self._shown = self.choice
        self._form = self._make_form()
        self._box.currentIndexChanged.connect(self._chosen)

    def _make_form(self) -> Form:
        """Build the form of the choice; only this one exists, so that its controls are found by name."""
        model = self._models[self.choice]
        self._box.setToolTip(f"<p>{_summary(model)}</p>")
        names = [name for name in model.model_fields if name != self._discriminator]
        # What is a model's own comes before what it shares with its siblings.
        form = Form(model, sorted(names, key=lambda name: name not in model.__annotations__))
        form.set_values(self._values.get(self.choice, {}))
        form.changed.connect(self.changed)
        self._layout.addWidget(form)
        return form

    def _chosen(self) -> None:
        old = self._form
        self._values[self._shown] = old.value()
        self._shown = self.choice
        self._layout.removeWidget(old)
        old.setParent(None)
        old.deleteLater()
        self._form = self._make_form()
        self.changed.emit()

    @property
    def choice(self) -> str:
        """The chosen name."""
        return str(self._box.currentData())

    @property
    def form(self) -> Form:
        """The form of the chosen model; another one after each choice."""
        return self._form

    def choose(self, name: str) -> None:
        """Choose a model by its name.

        Raises
        ------
        InputError
            If there is none.
        """
        if name not in self._models:
            raise InputError(
                f"The {self._discriminator} must be one of {', '.join(self._models)}; got {name!r}."
            )
        self._box.setCurrentIndex(self._box.findData(name))

    def control(self, name: str) -> QWidget:
        """The widget of a field of the chosen model, or the box that chooses."""
        return self._box if name == self._discriminator else self._form.control(name)

    def value(self) -> dict[str, Any]:
        """Raw values of the chosen model, the name first."""
        return {self._discriminator: self.choice, **self._form.value()}

    def config(self) -> BaseModel:
        """Validate the values of the chosen model; see `Form.config`."""
        values = self.value()
        if self._discriminator not in self._form.model.model_fields:
            del values[self._discriminator]
        return validate(self._form.model, values)

    def set_values(self, values: Mapping[str, Any] | BaseModel) -> None:
        """Choose the model and set its fields; without a name the present model keeps chosen."""
        if isinstance(values, BaseModel):
            names = [name for name, model in self._models.items() if type(values) is model]
            new = {**_fields(values), self._discriminator: names[0] if names else type(values).__name__}
        else:
            new = dict(values)
        before = self.value()
        blocked = self.blockSignals(True)
        try:
            self.choose(str(new.pop(self._discriminator, self.choice)))
            self._form.set_values(new)
        finally:
            self.blockSignals(blocked)
        if self.value() != before:
            self.changed.emit()


def label_of(name: str, info: FieldInfo) -> str:
    """What a person reads for a field: its "label" or title, else its name in words."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    words = name.replace("_", " ")
    return str(extra.get("label") or info.title or words[:1].upper() + words[1:])


def validate(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Make the model, with one clear message where it is not valid.

    Raises
    ------
    InputError
        Naming every field that is wrong, what must hold and what was found.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"All fields must be valid; {explain(error)}. Correct it.") from error


def _fields(values: Mapping[str, Any] | BaseModel) -> dict[str, Any]:
    if isinstance(values, BaseModel):
        return {name: getattr(values, name) for name in type(values).model_fields}
    return dict(values)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }


def _summary(model: type[BaseModel]) -> str:
    """The first line of what a model says of itself."""
    summary = getattr(model, "summary", None)
    if isinstance(summary, str):
        return summary
    return (model.__doc__ or "").strip().partition("\n")[0]
