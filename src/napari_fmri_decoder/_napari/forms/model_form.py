"""Forms made from pydantic models: a magicgui container with one widget for each field."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from magicgui.widgets import Container
from pydantic import BaseModel

from napari_fmri_decoder._napari.forms.field_values import defaults_of, values_of
from napari_fmri_decoder._napari.forms.field_widgets import field_widget
from napari_fmri_decoder._napari.forms.native import (
    align_labels,
    aligned_column,
    child,
    prepare_control,
    set_label_widths,
)
from napari_fmri_decoder._napari.forms.validation import validate
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import is_basic, label_of

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget
    from pydantic.fields import FieldInfo
    from qtpy.QtWidgets import QWidget


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
    two_depths : bool
        Whether only basic fields (see `napari_fmri_decoder.options.is_basic`) are shown in the form itself,
        and the others in `advanced`.
    **options : Any
        See `magicgui.widgets.Container`.

    Attributes
    ----------
    advanced : QWidget or None
        Shows the other fields, to be placed elsewhere.
    """

    def __init__(
        self,
        model: type[BaseModel],
        fields: Sequence[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        *,
        two_depths: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        self.advanced = aligned_column(f"{self.name}_advanced") if two_depths else None
        self._shown_only: frozenset[str] | None = None
        self._meanings: dict[str, Any] = {}
        self._reserved = frozenset(dir(self))
        self._own_defaults = dict(defaults or {})
        self._fields: dict[str, Widget] = {}
        self._attributes: set[str] = set()
        self._fill(model, fields)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse ``form.name = "mlp"`` where a field has this name: its widget has an underscore."""
        if f"{name}_" in self.__dict__.get("_attributes", ()):
            raise AttributeError(f"'{name}_' is a widget. To set its value, use {name}_.value = {value!r}.")
        super().__setattr__(name, value)

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
        self._place()
        self.reset()

    def _place(self) -> None:
        """Move the rows of fields that are not basic."""
        if self.advanced is None or (rows := self.advanced.layout()) is None:
            return
        for name in self.names:
            if not self.is_basic(name):
                rows.addWidget(self.row(name))
        set_label_widths(self.advanced)

    def is_basic(self, name: str) -> bool:
        """Whether a field is shown at first, if the form has two depths."""
        return is_basic(self._model.model_fields[name])

    def row(self, name: str) -> QWidget:
        """The Qt widget of a field, with its label."""
        row: QWidget = self._fields[name].native
        while (parent := row.parentWidget()) is not None and parent not in self.parts:
            row = parent
        return row

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """The Qt widgets that show the fields: one, or two if the form has two depths."""
        return (self.native,) if self.advanced is None else (self.native, self.advanced)

    def _widget_of(self, name: str, info: FieldInfo) -> Widget:
        label, attribute = label_of(name, info), self._attribute(name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            return ModelForm(info.annotation, name=attribute, label=label)
        widget = field_widget(attribute, info, label)
        prepare_control(widget, name, label, info.description or "")
        return widget

    def _attribute(self, name: str) -> str:
        taken = name in self._reserved or child(self, name) is not None
        attribute = f"{name}_" if taken else name
        self._attributes.add(attribute)
        return attribute

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

    @property
    def remembered(self) -> tuple[str, ...]:
        """The keys of `asdict` that the user can set."""
        return self.names

    def widget(self, name: str) -> Widget:
        """Return the widget of a field, by the field's name."""
        return self._fields[name]

    def asdict(self) -> dict[str, Any]:
        """Values of all fields with a widget, and of other fields that were set."""
        values = {name: value_of(widget) for name, widget in self._fields.items()}
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
            except (TypeError, ValueError, OverflowError, AttributeError):
                validate(self._model, {**self.asdict(), name: value})  # names the field
                raise

    def reset(self, names: Iterable[str] | None = None) -> None:
        """Set the defaults of all fields that have one, or of some."""
        defaults = self.defaults()
        self.update(defaults if names is None else {name: defaults[name] for name in names})

    def defaults(self) -> dict[str, Any]:
        """The default of each field that has one."""
        return {**defaults_of(self._model), **self._own_defaults}

    @property
    def in_use(self) -> tuple[str, ...]:
        """The fields that `show_only` shows; all by default."""
        return tuple(name for name in self.names if self._shown_only is None or name in self._shown_only)

    def differing(self) -> tuple[str, ...]:
        """The fields in use whose value is neither the default nor what an empty default means."""
        defaults, values = self.defaults(), self.asdict()
        return tuple(
            name
            for name in self.in_use
            if name in defaults and values[name] not in (defaults[name], self._meaning(name, defaults[name]))
        )

    def _meaning(self, name: str, default: Any) -> Any:
        return self._meanings.get(name, default) if default is None else default

    def show_meanings(self, values: Mapping[str, Any]) -> None:
        """Show the values that None means in fields that may be None; a missing entry or None resets.

        Parameters
        ----------
        values : mapping
            Such as {"epochs": 300}, a default of the chosen decoder.
        """
        self._meanings = dict(values)
        with self.changed.blocked():
            for name, widget in self._fields.items():
                if (show := getattr(widget, "show_meaning", None)) is not None:
                    show(values.get(name))

    def show_only(self, names: Iterable[str]) -> None:
        """Show the widgets of these fields and hide the others, which keep their values."""
        self._shown_only = frozenset(names)
        for name, widget in self._fields.items():
            widget.visible = name in self._shown_only

    def enable(self, name: str, reason: str | None = None) -> None:
        """Enable a field, or disable it and give the reason in its tooltip and that of its label."""
        widget = self._fields[name]
        set_available(widget, reason, self._model.model_fields[name].description or "")


def value_of(widget: Widget) -> Any:
    """Value of a widget, or the values of a form."""
    return widget.asdict() if isinstance(widget, ModelForm) else widget.value  # type: ignore[attr-defined]
