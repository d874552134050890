"""A form for one of several models, such as the decoders: a choice, and the fields of the chosen model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magicgui.widgets import ComboBox
from pydantic import BaseModel
from qtpy.QtCore import Qt

from napari_fmri_decoder._napari.forms.field_values import values_of
from napari_fmri_decoder._napari.forms.model_form import ModelForm, value_of
from napari_fmri_decoder._napari.forms.native import keep_order, prepare_control, set_label_widths
from napari_fmri_decoder._napari.forms.validation import validate
from napari_fmri_decoder.errors import InputError


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
        set_label_widths(self.native)
        keep_order(self._choice.native, *(self._fields[name].native for name in self._fields))

    def _on_choice(self) -> None:
        with self.changed.blocked():
            self._values[self._shown] = {name: value_of(widget) for name, widget in self._fields.items()}
            for name, widget in self._fields.items():
                row = self.row(name)
                self.remove(widget)
                row.deleteLater()
            self._fields = {}
            self._shown = self.choice
            self._show_model()

    @property
    def remembered(self) -> tuple[str, ...]:
        """The keys of `asdict` that the user can set, the choice first."""
        return (self._discriminator, *self.names)

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

    def reset(self, names: Iterable[str] | None = None) -> None:
        """Set the defaults of the chosen model, or of some of its fields."""
        self._values.pop(self.choice, None)
        defaults = self.defaults()
        fields = self._fields if names is None else names
        self.update({name: defaults[name] for name in fields if name in defaults})

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
            try:
                self._choice.value = name
                super().update(new)
            except Exception:
                self._choice.value = before.pop(self._discriminator)
                super().update(before)
                raise
        if self.asdict() != before:
            self.changed.emit(self)


def _summary(model: type[BaseModel]) -> str:
    """Summary of a model, or the first line of its docstring."""
    summary = getattr(model, "summary", None)
    if isinstance(summary, str):
        return summary
    return (model.__doc__ or "").strip().partition("\n")[0]
