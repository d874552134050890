"""Values that are typed as one line: a text or None, a list, values by name, and paths."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from magicgui.application import use_app
from magicgui.types import FileDialogMode, Undefined
from magicgui.widgets import FileEdit, LineEdit
from magicgui.widgets.bases import ValuedContainerWidget
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDropEvent

from napari_fmri_decoder._napari.forms.automatic import default_text
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
        super().__init__(
            widgets=[self.line_edit], nullable=nullable, layout="horizontal", labels=False, **options
        )
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
        try:
            text = "" if value is None else self.write(value)
            same = value is None or _plain(self.read(text.strip())) == _plain(value)
        except (TypeError, ValueError, AttributeError, csv.Error):
            same = False
        if not same or (value is None and not self._empty_is_none):
            raise _not_for_a_line(self.label, value)
        self.line_edit.value = text

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


def _not_for_a_line(label: str, value: Any) -> ValueError:
    """The error for a value that would be read back as another one."""
    what = f"{label or 'The value'} must be a value that one line of text can hold"
    return ValueError(f"{what}; got {value!r}.")


def _plain(value: Any) -> Any:
    """A value with lists as tuples, and numbers of NumPy as Python's."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    return (type(value), value) if isinstance(value, bool) else value


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
        self.choose_btn.native.setObjectName("browse")
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
        text = "" if value is None else ", ".join(map(quoted, value)) if several else str(value)
        same = split_list(text) == [str(path) for path in value] if several else text == text.strip()
        if not same:
            raise _not_for_a_line(self.label, value)
        self.line_edit.value = text

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
