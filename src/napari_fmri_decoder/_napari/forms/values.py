"""Value widgets that magicgui lacks: an automatic value, lists in one line, values by name, and paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from magicgui.application import use_app
from magicgui.types import FileDialogMode, Undefined
from magicgui.widgets import CheckBox, ComboBox, FileEdit, LineEdit
from magicgui.widgets.bases import ValuedContainerWidget
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QComboBox

from napari_fmri_decoder._napari.forms.number import Number
from napari_fmri_decoder._napari.forms.text_values import (
    MARKS,
    format_value,
    parse_value,
    quoted,
    split_list,
    split_pairs,
    split_unquoted,
    unquoted,
)

_ROW: dict[str, Any] = {"layout": "horizontal", "labels": False}


def default_text(text: str, meaning: Any) -> str:
    """Text of a special value, or the default that it means."""
    return text if meaning is None else f"default: {meaning}"


class Automatic(ValuedContainerWidget[Any]):
    """A check box for a special value such as None, and a number for all others.

    Parameters
    ----------
    value : float or special
    special : None or str
        The value if the box is checked.
    text : str
        Text of the check box.
    number : mapping
        Options of the `Number`.
    **options : Any
        See `magicgui.widgets.bases.Widget`.

    Attributes
    ----------
    auto : CheckBox
    number : Number
    """

    def __init__(
        self,
        value: Any = Undefined,
        *,
        special: str | None = None,
        text: str = "auto",
        number: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._special, self._text = special, text
        self._known = False
        self.auto = CheckBox(text=text, value=True)
        self.auto.native.setObjectName("auto")
        self.number = Number(label=options.get("label"), **(number or {}))
        options.pop("nullable", None)
        super().__init__(widgets=[self.auto, self.number], **_ROW, **options)
        self.margins = (0, 0, 0, 0)
        policy = self.number.native.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.number.native.setSizePolicy(policy)
        self.native.setFocusProxy(self.auto.native)
        self._show()
        self.auto.changed.connect(self._on_auto)
        self.number.changed.connect(self._on_number)
        if value is not Undefined:
            self.set_value(value)

    def get_value(self) -> Any:
        """Return the special value if the box is checked, otherwise the number."""
        return self._special if self.auto.value else self.number.value

    def set_value(self, value: Any) -> None:
        """Check the box for the special value; otherwise uncheck it and set the number."""
        before = self.value
        with self.changed.blocked():
            if value != self._special:
                self.number.value = value
            self.auto.value = value == self._special
        if self.value != before:
            self.changed.emit(self.value)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that the special one means in the disabled number; None hides it."""
        self._known = meaning is not None
        self.auto.text = default_text(self._text, meaning)
        if meaning is not None and self.auto.value:
            self.number.value = meaning
        self._show()

    def _show(self) -> None:
        self.number.enabled = not self.auto.value
        self.number.visible = self._known or not self.auto.value

    def _on_auto(self) -> None:
        self._show()
        self.changed.emit(self.value)

    def _on_number(self) -> None:
        if not self.auto.value:
            self.changed.emit(self.value)


class Line(ValuedContainerWidget[Any]):
    """A value that is typed as one line of text; subclasses read and write it.

    Parameters
    ----------
    value : Any
    nullable : bool
        Whether an empty line is None.
    text : str
        Shown in an empty line.
    **options : Any
        See `magicgui.widgets.bases.Widget`.
    """

    def __init__(
        self, value: Any = Undefined, *, nullable: bool = False, text: str = "", **options: Any
    ) -> None:
        self.line_edit, self._text, self._empty_is_none = LineEdit(), text, nullable
        super().__init__(widgets=[self.line_edit], nullable=nullable, **_ROW, **options)
        self.margins = (0, 0, 0, 0)
        self.native.setFocusProxy(self.line_edit.native)
        self.show_meaning(None)
        if value is not Undefined:
            self.set_value(value)
        self.line_edit.changed.connect(lambda: self.changed.emit(self.value))

    def get_value(self) -> Any:
        """Return the value."""
        text = self.line_edit.value.strip()
        return None if self._empty_is_none and not text else self.read(text)

    def set_value(self, value: Any) -> None:
        """Write the value."""
        self.line_edit.value = "" if value is None else self.write(value)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that an empty line means, if it means None."""
        known = meaning if self._empty_is_none else None
        self.line_edit.native.setPlaceholderText(default_text(self._text, known))

    def read(self, text: str) -> Any:
        """Read a text that is not empty."""
        return text

    def write(self, value: Any) -> str:
        """Write a value that is not None."""
        return str(value)


class ListLine(Line):
    """A list in one line: face, house.

    Parameters
    ----------
    value : tuple or list
    numbers : bool
        Whether parts that are numbers are read as numbers.
    sequence : type
        Type of the value: tuple or list.
    **options : Any
        See `Line`.
    """

    def __init__(
        self, value: Any = Undefined, *, numbers: bool = False, sequence: type = tuple, **options: Any
    ) -> None:
        self._numbers, self._sequence = numbers, sequence
        super().__init__(value, **options)

    def read(self, text: str) -> Any:
        """Read the parts between commas."""
        parts = split_list(text)
        return self._sequence(map(parse_value, parts) if self._numbers else parts)

    def write(self, value: Any) -> str:
        """Write parts with commas, in quotes where they contain one."""
        return ", ".join(map(quoted, [value] if isinstance(value, str) else value))


class NamedValues(Line):
    """Values by name in one line: cond1 = face; cond2 = house, or lists such as hidden = [30, 100].

    Parameters
    ----------
    value : mapping
    each : {"text", "texts", "values"}
        Whether each is one text, a list of texts, or a list of numbers and texts.
    **options : Any
        See `Line`.
    """

    EXAMPLES: Mapping[str, str] = {
        "text": "old = new; old = new",
        "texts": "new = [old, old]; new = [old, old]",
        "values": "",
    }

    def __init__(self, value: Any = Undefined, *, each: str = "text", **options: Any) -> None:
        self._each = each
        super().__init__(value, **{"text": self.EXAMPLES[each], **options})

    def read(self, text: str) -> dict[str, Any]:
        """Read pairs of names and values."""
        return {name: self._read(value) for name, value in split_pairs(text).items()}

    def write(self, value: Mapping[str, Any]) -> str:
        """Write pairs of names and values."""
        return "; ".join(f"{quoted(name, MARKS)} = {self._write(one)}" for name, one in value.items())

    def _read(self, text: str) -> Any:
        if self._each == "text":
            return unquoted(text)
        read = unquoted if self._each == "texts" else parse_value
        return tuple(read(part) for part in split_unquoted(text.strip(" []"), ","))

    def _write(self, value: Any) -> str:
        if self._each == "text":
            return quoted(value, MARKS)
        parts = (quoted(v, MARKS) if self._each == "texts" else format_value(v) for v in value)
        return f"[{', '.join(parts)}]"


class PathLine(FileEdit):
    """magicgui's `FileEdit`, which keeps a path as it was written, takes patterns, and files dropped on it.

    Parameters
    ----------
    value : str, Path, or tuple of str
    mode : {"r", "rm", "w", "d"}
        See `FileEdit`.
    as_text : bool
        Whether a single path is a str.
    text : str
        Shown in an empty line.
    **options : Any
        See `FileEdit`.
    """

    TIPS: Mapping[str, str] = {
        "r": "Choose a file",
        "rm": "Choose files",
        "w": "Choose where to save",
        "d": "Choose a folder",
    }

    def __init__(
        self, value: Any = Undefined, *, mode: str = "r", as_text: bool = True, text: str = "", **options: Any
    ) -> None:
        self._as_text, self._empty_is_none = as_text, bool(options.get("nullable"))
        super().__init__(mode=FileDialogMode(mode), **options)
        self.choose_btn.text, self.choose_btn.tooltip = "…", self.TIPS[mode]
        self.choose_btn.native.setMaximumWidth(28)
        self.choose_btn.changed.disconnect()
        self.choose_btn.changed.connect(self._choose)
        self.line_edit.native.setPlaceholderText(text)
        self.native.setFocusProxy(self.line_edit.native)
        self._drops = _Drops(self)
        self.line_edit.native.installEventFilter(self._drops)
        if value is not Undefined:
            self.set_value(value)

    def get_value(self) -> Any:
        """Return the path or, of several files, a tuple of texts."""
        text = self.line_edit.value.strip()
        if self.mode.value == "rm":
            return tuple(split_list(text))
        if not text and (self._empty_is_none or not self._as_text):
            return None
        return text if self._as_text else Path(text)

    def set_value(self, value: Any) -> None:
        """Write a path or several."""
        several = isinstance(value, (list, tuple))
        self.line_edit.value = (
            "" if value is None else ", ".join(map(quoted, value)) if several else str(value)
        )

    def _choose(self) -> None:
        value = self.value
        start = value[0] if isinstance(value, tuple) and value else value
        ask = use_app().get_obj("show_file_dialog")
        caption = self.choose_btn.tooltip
        if found := ask(self.mode, caption=caption, start_path=str(start or "") or None, filter=self.filter):
            self.set_value(found)


class _Drops(QObject):
    """Sets the paths of files that are dropped on a line."""

    def __init__(self, edit: PathLine) -> None:
        super().__init__(edit.native)
        self._edit = edit

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        data = event.mimeData() if isinstance(event, QDropEvent) else None  # a drag is one, too
        if event is None or data is None or not data.hasUrls():
            return False
        event.accept()
        if event.type() == QEvent.Type.Drop:
            paths = [url.toLocalFile() for url in data.urls()]
            self._edit.set_value(paths if self._edit.mode.value == "rm" else paths[0])
        return True


class NullableChoice(ComboBox):
    """A combo box whose first choice stands for None, with a text of its own."""

    def __init__(self, *, text: str = "auto", **options: Any) -> None:
        self.null_string = self._text = text
        super().__init__(nullable=True, **options)

    def show_meaning(self, meaning: Any) -> None:
        """Show the value that None means."""
        value, self.null_string = self.value, default_text(self._text, meaning)
        with self.changed.blocked():
            self.native.clear()  # magicgui keeps items by their text, in the order of their first use
            self.reset_choices()
            self.value = value


class EditableChoice(ComboBox):
    """A combo box in which another text can be typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.native.setEditable(True)
        self.native.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.native.lineEdit().textEdited.connect(lambda text: self.changed.emit(text))

    @property
    def value(self) -> str:
        """The text."""
        return str(self.native.currentText())

    @value.setter
    def value(self, text: str) -> None:
        """Set the text, also one that is not among the choices."""
        if text != self.value:
            self.native.setCurrentText(text)
            self.changed.emit(text)

    def offer(self, choices: Iterable[str]) -> None:
        """Set the choices; the text is kept."""
        text = self.value
        with self.changed.blocked():
            self.choices = tuple(choices)
            self.native.setCurrentText(text)
