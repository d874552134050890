"""Somebody at the window."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hang import HANG_S
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QWidget

PLUGIN = "napari-fmri-decoder"


class Person:
    """Opens docks, finds controls by their names, types, chooses, clicks and waits."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot

    def dock(self, name: str) -> Any:
        _, dock = self.viewer.window.add_plugin_dock_widget(PLUGIN, name)
        self.qtbot.waitUntil(lambda: dock.visible)
        return dock

    def find(self, dock: QWidget, name: str) -> Any:
        found = getattr(dock, "native", dock).findChild(QWidget, name)
        assert found is not None, f"no control {name}"
        return found

    def press(self, dock: QWidget, name: str) -> None:
        button = self.find(dock, name)
        assert isinstance(button, QAbstractButton)
        assert button.isEnabled(), button.toolTip()
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def choose(self, dock: QWidget, name: str, text: str) -> None:
        box = self.find(dock, name)
        assert isinstance(box, QComboBox)
        assert box.findText(text) >= 0, [box.itemText(i) for i in range(box.count())]
        box.setCurrentText(text)

    def type(self, dock: QWidget, name: str, text: Any) -> None:
        control = self.find(dock, name)
        if not isinstance(control, (QLineEdit, QAbstractSpinBox)):
            control = control.findChild(QAbstractSpinBox) or control.findChild(QLineEdit)
        control.selectAll()
        self.qtbot.keyClicks(control, str(text))
        self.qtbot.keyClick(control, Qt.Key.Key_Return)

    def give(self, dock: QWidget, name: str, text: Any) -> None:
        """Untick "auto", then type."""
        self.find(self.find(dock, name), "auto").setChecked(False)
        self.type(dock, name, text)

    def wait(self, done: Any, seconds: float = HANG_S) -> None:
        self.qtbot.waitUntil(done, timeout=int(1000 * max(seconds, HANG_S)))
        self.qtbot.wait(100)

    def picture(self, name: str) -> None:
        folder = os.environ.get("FMRI_DECODER_SCREENSHOTS")
        if folder:
            self.qtbot.wait(400)
            path = Path(folder) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
