"""A form with what belongs to it: buttons, texts, plots. Its fields are attributes as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container

from napari_fmri_decoder._napari.forms.native import child

if TYPE_CHECKING:
    import inspect

    from magicgui.widgets.bases import Widget
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder._napari.forms.model_form import ModelForm


class Step(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """A form and further widgets below it; ``step.start`` is ``step.form.start``.

    Parameters
    ----------
    name : str
    form : ModelForm
    """

    form: ModelForm

    def __init__(self, name: str, form: ModelForm) -> None:
        super().__init__(name=name, labels=False)
        self.margins = (0, 0, 0, 0)
        self.form = form
        self.append(form)

    def __getattr__(self, name: str) -> Any:
        """Return a widget by its name, also one of the form."""
        if (widget := child(self, name)) is not None:
            return widget
        form = self.__dict__.get("form")
        if form is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        return getattr(form, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse ``step.start = 12``, as a container does: widgets have values."""
        form = self.__dict__.get("form")
        if form is not None and child(form, name) is not None:
            raise AttributeError(f"'{name}' is a widget. To set its value, use {name}.value = {value!r}.")
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """Add the fields of the form."""
        return [*super().__dir__(), *(widget.name for widget in self.form)]

    def asdict(self) -> dict[str, Any]:
        """Return the values of the form."""
        return self.form.asdict()

    def update(self, *args: Any, **values: Any) -> None:
        """Set values of the form; see `ModelForm.update`."""
        self.form.update(*args, **values)

    @property
    def __signature__(self) -> inspect.Signature:  # type: ignore[override]
        """The signature of the form."""
        return self.form.__signature__

    def add_native(self, *widgets: QWidget) -> None:
        """Add Qt widgets below all others."""
        for widget in widgets:
            self.native.layout().addWidget(widget)


def row(*widgets: Widget, name: str = "") -> Container[Widget]:
    """Put magicgui widgets next to each other."""
    container = Container(widgets=list(widgets), layout="horizontal", labels=False, name=name)
    container.margins = (0, 0, 0, 0)
    return container
