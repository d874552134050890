"""Forms made from pydantic models: one row per field, with all texts and limits read from the field.

The label is the field's name (or `title`), the tooltip its description, and the limits its own; `unit`,
`step`, `none` and `mode` in `json_schema_extra` set the rest (see `controls`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QWidget

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.controls import make_control
from napari_fmri_decoder._napari.qt.spin_boxes import Control
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import explain

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Form(QWidget):
    """A row for each field of a model.

    Parameters
    ----------
    model : type of BaseModel
    fields : sequence of str, optional
        The fields with a row, in order; all by default. A field whose type allows only one value has
        no row.
    parent : QWidget, optional

    Attributes
    ----------
    changed : Signal
        Sent after the user or `set_values` changed a value.
    """

    changed = Signal()

    def __init__(
        self, model: type[BaseModel], fields: Sequence[str] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = model
        self._controls: dict[str, Control] = {}
        self._without_row: dict[str, Any] = {}
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name in model.model_fields if fields is None else fields:
            info = model.model_fields[name]
            if get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1:
                self._without_row[name] = get_args(info.annotation)[0]
            else:
                self._add_row(name, info)
        self.set_values(_defaults(model))

    def _add_row(self, name: str, info: FieldInfo) -> None:
        control = self._make(name, info)
        control.widget.setObjectName(name)
        control.changed.connect(lambda *_: self.changed.emit())
        self._controls[name] = control
        label = QLabel(label_of(name, info))
        label.setBuddy(control.widget)
        self._rows.addRow(label, control.widget)
        self.enable(name)

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
        """Raw values of all fields with a row, and of other fields that were set."""
        return {**self._without_row, **{name: control.get() for name, control in self._controls.items()}}

    def config(self) -> BaseModel:
        """Validate the values.

        Returns
        -------
        BaseModel
            An instance of the model; fields without a row that were not set have their defaults.

        Raises
        ------
        InputError
            If a value is not valid; the message names every such field.
        """
        return validate(self.model, self.value())

    def set_values(self, values: Mapping[str, Any] | BaseModel) -> None:
        """Set some or all fields; `changed` is sent at most once.

        Raises
        ------
        InputError
            If a name is not a field of the model.
        """
        new = values_of(values)
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
                    self._without_row[name] = value
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
        """Show the values that None means in fields that may be None; a missing entry or None resets.

        Parameters
        ----------
        values : mapping
            Such as {"epochs": 300}, a default of the chosen decoder.
        """
        blocked = self.blockSignals(True)
        for name, control in self._controls.items():
            if control.automatic is not None:
                control.automatic(values.get(name))
        self.blockSignals(blocked)

    def show_only(self, names: Iterable[str]) -> None:
        """Show the rows of these fields and hide the others, which keep their values."""
        shown = set(names)
        for name, control in self._controls.items():
            self._rows.setRowVisible(control.widget, name in shown)

    def enable(self, name: str, reason: str | None = None) -> None:
        """Enable a field, or disable it and give the reason in its tooltip and that of its label."""
        widget = self.control(name)
        set_available(widget, reason, self.model.model_fields[name].description or "")
        if isinstance(label := self._rows.labelForField(widget), QWidget):
            label.setToolTip(widget.toolTip())


def label_of(name: str, info: FieldInfo) -> str:
    """Label of a field: its "label" or title, or its name with spaces."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    words = name.replace("_", " ")
    return str(extra.get("label") or info.title or words[:1].upper() + words[1:])


def validate(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Make the model, with one clear message if it is not valid.

    Raises
    ------
    InputError
        Names every invalid field, what must hold and what was found.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"All fields must be valid; {explain(error)}. Correct it.") from error


def values_of(values: Mapping[str, Any] | BaseModel) -> dict[str, Any]:
    """Values by name, also of a model."""
    if isinstance(values, BaseModel):
        return {name: getattr(values, name) for name in type(values).model_fields}
    return dict(values)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }
