"""The list of keyboard shortcuts in the window."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout

from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.shortcut_list import CONTROL_KEYS, SHORTCUTS

if TYPE_CHECKING:
    from napari import Viewer
    from qtpy.QtWidgets import QWidget

NAME = "fmri_decoder_keys"
"""objectName of the dialog."""


class HelpDialog(QDialog):
    """Lists all keys, without blocking the window."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName(NAME)
        self.setWindowTitle("Keyboard shortcuts")
        self.text = text_label(keys_as_html(), "keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        rows = QVBoxLayout(self)
        rows.addWidget(self.text)
        rows.addWidget(buttons)


def keys_as_html() -> str:
    """Write all keys as two tables."""
    shortcuts = [
        (one.key, one.does + (f" (the dock {one.dock} must be open)" if one.dock else ""))
        for one in SHORTCUTS
    ]
    parts = []
    for title, rows in (("Anywhere except in a text field", shortcuts), ("Controls of a dock", CONTROL_KEYS)):
        cells = "".join(
            f"<tr><td><b>{escape(key)}</b>&nbsp;&nbsp;</td><td>{escape(does)}</td></tr>" for key, does in rows
        )
        parts.append(f"<p><b>{title}</b></p><table>{cells}</table>")
    return "".join(parts)


def show_help(viewer: Viewer) -> None:
    """Show the list, once per window."""
    window: QWidget | None = getattr(viewer.window, "_qt_window", None)
    known = window.findChild(HelpDialog, NAME) if window is not None else None
    dialog = known or HelpDialog(window)
    dialog.show()
    dialog.raise_()
