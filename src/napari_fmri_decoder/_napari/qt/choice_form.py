"""A form for one of several models, such as the decoders: a box, and the fields of the chosen model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.form import Form, validate, values_of
from napari_fmri_decoder.errors import InputError


class ChoiceForm(QWidget):
    """One of several models, and its form.

    Parameters
    ----------
    models : mapping of str to type of BaseModel
        By name, such as the registry of decoders.
    discriminator : str
        Key of the chosen name in `value()`, and objectName of the box. A field of this name has no row.
    parent : QWidget, optional

    Attributes
    ----------
    changed : Signal
        Sent after the choice or a value changed.
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
        self._box.currentIndexChanged.connect(self._on_choice)

    def _make_form(self) -> Form:
        """Build the form of the choice; no other form exists, so that controls are found by name."""
        model = self._models[self.choice]
        self._box.setToolTip(f"<p>{_summary(model)}</p>")
        names = [name for name in model.model_fields if name != self._discriminator]
        # A model's own fields come before those that it inherits.
        form = Form(model, sorted(names, key=lambda name: name not in model.__annotations__))
        form.set_values(self._values.get(self.choice, {}))
        form.changed.connect(self.changed)
        self._layout.addWidget(form)
        return form

    def _on_choice(self) -> None:
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
        """The form of the chosen model; a new one after each choice."""
        return self._form

    def choose(self, name: str) -> None:
        """Choose a model by its name.

        Raises
        ------
        InputError
            If there is no such model.
        """
        if name not in self._models:
            raise InputError(
                f"The {self._discriminator} must be one of {', '.join(self._models)}; got {name!r}."
            )
        self._box.setCurrentIndex(self._box.findData(name))

    def control(self, name: str) -> QWidget:
        """The widget of a field of the chosen model, or the box of the choice."""
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
        """Choose the model and set its fields; without a name the choice does not change."""
        if isinstance(values, BaseModel):
            names = [name for name, model in self._models.items() if type(values) is model]
            new = {**values_of(values), self._discriminator: names[0] if names else type(values).__name__}
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


def _summary(model: type[BaseModel]) -> str:
    """Summary of a model, or the first line of its docstring."""
    summary = getattr(model, "summary", None)
    if isinstance(summary, str):
        return summary
    return (model.__doc__ or "").strip().partition("\n")[0]
