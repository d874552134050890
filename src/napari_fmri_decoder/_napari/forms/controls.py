"""Single controls of the docks: magicgui widgets with a name and a description."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, LineEdit, PushButton

from napari_fmri_decoder._napari.forms.native import narrow, prepare_control


def check_box(name: str, text: str, tip: str = "", *, value: bool = False) -> CheckBox:
    """Make a check box."""
    box = CheckBox(name=name, text=text, value=value)
    prepare_control(box, name, text, tip)
    return box


def choice_box(
    name: str, label: str, tip: str, choices: Any = (), letters: int = 12, **options: Any
) -> ComboBox:
    """Make a combo box, with a minimum width in letters.

    Parameters
    ----------
    name, label, tip : str
    choices : sequence of str or of (str, value), or callable
    letters : int
    **options : Any
        See `magicgui.widgets.ComboBox`.
    """
    box = ComboBox(name=name, label=label, choices=choices, **options)
    narrow(box.native, letters)
    prepare_control(box, name, label, tip)
    return box


def line_edit(name: str, label: str, tip: str, text: str = "", placeholder: str = "") -> LineEdit:
    """Make a line of text."""
    line = LineEdit(name=name, label=label, value=text)
    line.native.setPlaceholderText(placeholder)
    prepare_control(line, name, label, tip)
    return line


def push_button(name: str, text: str, tip: str = "") -> PushButton:
    """Make a button; `tip` is also its "What's This" text, while its tooltip may show a reason."""
    button = PushButton(name=name, text=text)
    button.native.setWhatsThis(tip)
    prepare_control(button, name, text, tip)
    return button
