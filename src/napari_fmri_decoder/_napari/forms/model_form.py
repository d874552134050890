"""Forms made from pydantic models: a magicgui container with one widget for each field."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from magicgui.widgets import ComboBox, Container
from pydantic import BaseModel, ValidationError
from qtpy.QtCore import Qt

from napari_fmri_decoder._napari.forms.field_widgets import field_widget
from napari_fmri_decoder._napari.forms.native import align_labels, prepare_control
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import explain

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget
    from pydantic.fields import FieldInfo


class ModelForm(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """A widget for each field of a model.

    ``form.epochs.value`` gets and sets a field. A field whose name a container has already gets an
    underscore (``form.name_.value``); `asdict` and `update` use the names of the fields.

    Parameters
    ----------
    model : type of BaseModel
    fields : sequence of str, optional
        The fields with a widget, in order; all by default. A field whose type allows only one value has
        none.
    defaults : mapping, optional
        Defaults that replace those of the model.
    **options : Any
        See `magicgui.widgets.Container`.
    """

    def __init__(
        self,
        model: type[BaseModel],
        fields: Sequence[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        self._reserved = frozenset(dir(self))
        self._own_defaults = dict(defaults or {})
        self._fields: dict[str, Widget] = {}
        self._fill(model, fields)

    def _fill(self, model: type[BaseModel], fields: Sequence[str] | None) -> None:
        """Add a widget for each of the fields."""
        self._model, self._without_widget = model, dict[str, Any]()
        for name in model.model_fields if fields is None else fields:
            info = model.model_fields[name]
            if get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1:
                self._without_widget[name] = get_args(info.annotation)[0]
            else:
                self._add(name, self._widget_of(name, info))
                self.enable(name)
        self.reset()

    def _widget_of(self, name: str, info: FieldInfo) -> Widget:
        label, attribute = label_of(name, info), self._attribute(name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            return ModelForm(info.annotation, name=attribute, label=label)
        widget = field_widget(attribute, info, label)
        prepare_control(widget, name, label, info.description or "")
        return widget

    def _attribute(self, name: str) -> str:
        taken = name in self._reserved or self.get_widget(name) is not None
        return f"{name}_" if taken else name

    def _add(self, name: str, widget: Widget) -> None:
        self._fields[name] = widget
        self.append(widget)

    @property
    def model(self) -> type[BaseModel]:
        """The model of the form."""
        return self._model

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that have a widget."""
        return tuple(self._fields)

    def widget(self, name: str) -> Widget:
        """Return the widget of a field, by the field's name."""
        return self._fields[name]

    def asdict(self) -> dict[str, Any]:
        """Values of all fields with a widget, and of other fields that were set."""
        values = {name: _value(widget) for name, widget in self._fields.items()}
        return {**self._without_widget, **values}

    @property
    def __signature__(self) -> inspect.Signature:  # type: ignore[override]
        """The fields with their types, and their values as defaults."""
        values = self.asdict()
        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=values[name],
                    annotation=self._model.model_fields[name].annotation,
                )
                for name in self._model.model_fields
                if name in values
            ]
        )

    def config(self) -> BaseModel:
        """Validate the values.

        Returns
        -------
        BaseModel
            An instance of the model; fields without a widget that were not set have their defaults.

        Raises
        ------
        InputError
            If a value is not valid; the message names every such field.
        """
        return validate(self._model, self.asdict())

    def update(
        self, mapping: Mapping[str, Any] | Iterable[tuple[str, Any]] | BaseModel = (), **values: Any
    ) -> None:
        """Set some or all fields; `changed` is sent at most once, and if a value is refused all stay.

        Raises
        ------
        InputError
            If a name is not a field of the model.
        ValueError
            If a widget refuses a value.
        """
        new = {**values_of(mapping), **values}
        if unknown := sorted(set(new) - set(self._model.model_fields)):
            known = ", ".join(self._model.model_fields)
            raise InputError(f"The fields must be among {known}; got {', '.join(unknown)}.")
        before = self.asdict()
        with self.changed.blocked():
            try:
                for name, value in new.items():
                    self._set(name, value)
            except Exception:
                for name, value in before.items():
                    self._set(name, value)
                raise
        if self.asdict() != before:
            self.changed.emit(self)

    def _set(self, name: str, value: Any) -> None:
        widget = self._fields.get(name)
        if widget is None:
            self._without_widget[name] = value
        elif isinstance(widget, ModelForm):
            widget.update(value)
        else:
            try:
                widget.value = value  # type: ignore[attr-defined]
            except (TypeError, ValueError, OverflowError):
                validate(self._model, {**self.asdict(), name: value})  # names the field
                raise

    def reset(self) -> None:
        """Set the defaults of all fields that have one."""
        self.update({**_defaults(self._model), **self._own_defaults})

    def show_meanings(self, values: Mapping[str, Any]) -> None:
        """Show the values that None means in fields that may be None; a missing entry or None resets.

        Parameters
        ----------
        values : mapping
            Such as {"epochs": 300}, a default of the chosen decoder.
        """
        with self.changed.blocked():
            for name, widget in self._fields.items():
                if (show := getattr(widget, "show_meaning", None)) is not None:
                    show(values.get(name))

    def show_only(self, names: Iterable[str]) -> None:
        """Show the widgets of these fields and hide the others, which keep their values."""
        shown = set(names)
        for name, widget in self._fields.items():
            widget.visible = name in shown

    def enable(self, name: str, reason: str | None = None) -> None:
        """Enable a field, or disable it and give the reason in its tooltip and that of its label."""
        widget = self._fields[name]
        set_available(widget, reason, self._model.model_fields[name].description or "")


class ChoiceForm(ModelForm):
    """One of several models, such as the decoders: a choice, and the widgets of the chosen model.

    Parameters
    ----------
    models : mapping of str to type of BaseModel
        By name, such as the registry of decoders.
    discriminator : str
        Key of the chosen name in `asdict`. A field of this name has no other widget.
    title : str, optional
        Label of the choice.
    **options : Any
        See `magicgui.widgets.Container`.
    """

    def __init__(
        self,
        models: Mapping[str, type[BaseModel]],
        discriminator: str = "name",
        title: str = "",
        **options: Any,
    ) -> None:
        self._models, self._discriminator = dict(models), discriminator
        self._title = title or discriminator.capitalize()
        self._values: dict[str, dict[str, Any]] = {}
        super().__init__(next(iter(self._models.values())), (), **options)

    def _fill(self, model: type[BaseModel], fields: Sequence[str] | None) -> None:
        names = list(self._models)
        attribute = self._attribute(self._discriminator)
        self._choice = ComboBox(name=attribute, label=self._title, choices=names)
        prepare_control(self._choice, self._discriminator, self._title, "")
        for i, one in enumerate(self._models.values()):
            self._choice.native.setItemData(i, _summary(one), Qt.ItemDataRole.ToolTipRole)
        self._choice.changed.connect(self._on_choice)  # before the container sends its own signal
        self.append(self._choice)
        self._shown = self.choice
        self._show_model()

    def _show_model(self) -> None:
        """Add the widgets of the chosen model; no others exist, so that they are found by name."""
        model = self._models[self.choice]
        self._choice.tooltip = f"<p>{_summary(model)}</p>"
        names = [name for name in model.model_fields if name != self._discriminator]
        kept = self._values.get(self.choice, {})
        # A model's own fields come before those that it inherits.
        super()._fill(model, sorted(names, key=lambda name: name not in model.__annotations__))
        self.update(kept)

    def _on_choice(self) -> None:
        with self.changed.blocked():
            self._values[self._shown] = {name: _value(widget) for name, widget in self._fields.items()}
            for widget in self._fields.values():
                row = widget.native
                while row.parentWidget() is not self.native:  # with its label
                    row = row.parentWidget()
                self.remove(widget)
                row.deleteLater()
            self._fields = {}
            self._shown = self.choice
            self._show_model()

    @property
    def choice(self) -> str:
        """The chosen name."""
        return str(self._choice.value)

    @property
    def value(self) -> str:
        """The chosen name; set it to choose another model."""
        return self.choice

    @value.setter
    def value(self, name: str) -> None:
        self.update({self._discriminator: name})

    def asdict(self) -> dict[str, Any]:
        """Values of the chosen model, its name first."""
        return {self._discriminator: self.choice, **super().asdict()}

    def reset(self) -> None:
        """Set the defaults of the chosen model."""
        self._values.pop(self.choice, None)
        defaults = _defaults(self._model)
        self.update({name: defaults[name] for name in self._fields if name in defaults})

    def config(self) -> BaseModel:
        """Validate the values of the chosen model; see `ModelForm.config`."""
        values = self.asdict()
        if self._discriminator not in self._model.model_fields:
            del values[self._discriminator]
        return validate(self._model, values)

    def update(
        self, mapping: Mapping[str, Any] | Iterable[tuple[str, Any]] | BaseModel = (), **values: Any
    ) -> None:
        """Choose the model and set its fields; without a name the choice does not change."""
        new = {**values_of(mapping), **values}
        if isinstance(mapping, BaseModel):
            names = [name for name, model in self._models.items() if type(mapping) is model]
            new[self._discriminator] = names[0] if names else type(mapping).__name__
        before, name = self.asdict(), str(new.pop(self._discriminator, self.choice))
        if name not in self._models:
            raise InputError(
                f"The {self._discriminator} must be one of {', '.join(self._models)}; got {name!r}."
            )
        with self.changed.blocked():
            self._choice.value = name
            super().update(new)
        if self.asdict() != before:
            self.changed.emit(self)


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


def values_of(values: Mapping[str, Any] | Iterable[tuple[str, Any]] | BaseModel) -> dict[str, Any]:
    """Values by name, also of a model."""
    if isinstance(values, BaseModel):
        return {name: getattr(values, name) for name in type(values).model_fields}
    return dict(values)


def _value(widget: Widget) -> Any:
    return widget.asdict() if isinstance(widget, ModelForm) else widget.value  # type: ignore[attr-defined]


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }


def _summary(model: type[BaseModel]) -> str:
    """Summary of a model, or the first line of its docstring."""
    summary = getattr(model, "summary", None)
    if isinstance(summary, str):
        return summary
    return (model.__doc__ or "").strip().partition("\n")[0]
