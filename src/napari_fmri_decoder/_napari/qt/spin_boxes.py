"""Controls for forms that Qt does not have: for numbers, paths and special values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QValidator
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QWidget,
)


@dataclass(frozen=True, slots=True)
class Control:
    """A widget with its value.

    Attributes
    ----------
    widget : QWidget
    get, set : callable
        Read and write the raw value.
    changed : bound Qt signal
        Its arguments are not used.
    automatic : callable or None
        For parameters with a special value: sets the value that it means (such as 300).
    """

    widget: QWidget
    get: Callable[[], Any]
    set: Callable[[Any], None]
    changed: Any
    automatic: Callable[[Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Special:
    """The special value of a union: None, or a word such as "nested"."""

    value: Any
    text: str


class FloatBox(QDoubleSpinBox):
    """A spin box that writes 0.0001 and reads 1e-4, and can step by one in the leading digit."""

    decade: float | None = None
    """Step at 0, if steps follow the leading digit."""
    digits = 10
    """Number of digits shown; all are stored."""

    def textFromValue(self, value: float) -> str:
        """Format without trailing zeros."""
        return f"{value:.{self.digits}g}"

    def valueFromText(self, text: str | None) -> float:
        """Read a number; invalid text, or the text of the value itself, keeps the value with all digits."""
        bare = self._bare(text)
        if bare == self.textFromValue(self.value()):
            return self.value()
        try:
            return float(bare)
        except ValueError:
            return self.value()

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers, and text that may become one."""
        bare = self._bare(text)
        try:
            inside = self.minimum() <= float(bare) <= self.maximum()
            state = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        except ValueError:
            typing = not set(bare) - set("0123456789.eE+-")
            state = QValidator.State.Intermediate if typing else QValidator.State.Invalid
        return state, text or "", position

    def stepBy(self, steps: int) -> None:
        """Step by the single step, or by one in the leading digit."""
        value, size = self.value(), self.decade or self.singleStep()
        if self.decade is not None and value:
            away = steps * value > 0  # up from 1 to 2, but down to 0.9
            size = 10.0 ** math.floor(math.log10(abs(value) * (1 + 1e-9 if away else 1 - 1e-9)))
        self.setValue(float(f"{value + steps * size:.10g}"))

    def _bare(self, text: str | None) -> str:
        return (text or "").removesuffix(self.suffix()).strip()


class PathEdit(QWidget):
    """A line for a path, with a button that browses; a file can be dropped on it."""

    changed = Signal()

    def __init__(self, mode: str, title: str) -> None:
        super().__init__()
        self._mode, self._title = mode, title
        self.line = QLineEdit()
        self.line.setAcceptDrops(False)
        self.line.textChanged.connect(self.changed)
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip(
            "Choose " + {"folder": "a folder", "files": "files", "save": "where to save"}.get(mode, "a file")
        )
        browse.clicked.connect(self._browse)
        self.setAcceptDrops(True)
        self.setFocusProxy(self.line)
        _row(self, self.line, browse)

    def _browse(self) -> None:
        start = self.line.text()
        if self._mode == "folder":
            found = QFileDialog.getExistingDirectory(self, self._title, start)
        elif self._mode == "files":
            found = ", ".join(QFileDialog.getOpenFileNames(self, self._title, start)[0])
        elif self._mode == "save":
            found = QFileDialog.getSaveFileName(self, self._title, start)[0]
        else:
            found = QFileDialog.getOpenFileName(self, self._title, start)[0]
        if found:
            self.line.setText(found)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept files."""
        if event is not None and (data := event.mimeData()) is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Set the paths of dropped files."""
        if event is not None and (data := event.mimeData()) is not None:
            paths = [url.toLocalFile() for url in data.urls()]
            self.line.setText(", ".join(paths if self._mode == "files" else paths[:1]))


class AutoBox(QWidget):
    """A control with a check box; if checked, the value is the special one and the control is disabled."""

    changed = Signal()

    def __init__(self, inner: Control, special: Special) -> None:
        super().__init__()
        self._inner, self._special = inner, special
        self.auto = QCheckBox(special.text)
        self.auto.setObjectName("auto")
        self.auto.setChecked(True)
        policy = inner.widget.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        inner.widget.setSizePolicy(policy)
        self._known = False
        self.auto.toggled.connect(self._show)
        self.auto.toggled.connect(self.changed)
        inner.changed.connect(self._inner_changed)
        self.setFocusProxy(self.auto)
        _row(self, self.auto, inner.widget)
        self._show()

    def get(self) -> Any:
        """The special value if checked, otherwise the value of the control."""
        return self._special.value if self.auto.isChecked() else self._inner.get()

    def set(self, value: Any) -> None:
        """Check the box for the special value; otherwise uncheck it and set the control."""
        special = value == self._special.value
        if not special:
            self._inner.set(value)
        self.auto.setChecked(special)

    def automatic(self, value: Any) -> None:
        """Set the value that the special one means; the disabled control shows it, or is hidden."""
        self._known = value is not None
        self.auto.setText(default_text(self._special, value))
        if value is not None and self.auto.isChecked():
            self._inner.set(value)
        self._show()

    def _show(self) -> None:
        auto = self.auto.isChecked()
        self._inner.widget.setEnabled(not auto)
        self._inner.widget.setVisible(self._known or not auto)

    def _inner_changed(self) -> None:
        if not self.auto.isChecked():
            self.changed.emit()


class WheelGuard(QObject):
    """Keeps the mouse wheel from changing controls while a dock is scrolled."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass the wheel event to the dock unless the control has the focus."""
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()
        return True


def default_text(special: Special, value: Any) -> str:
    """Text of the special value, or the default that it means."""
    return special.text if value is None else f"default: {value}"


def _row(parent: QWidget, *widgets: QWidget) -> None:
    """Put widgets next to each other; the second one expands."""
    layout = QHBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
