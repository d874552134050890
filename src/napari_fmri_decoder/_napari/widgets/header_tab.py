"""The tab Header: what the file of the selected layer says, and which of its transforms places it."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QComboBox, QPushButton, QRadioButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.header_rows import as_text, forms_agree, header_rows
from napari_fmri_decoder._napari.kind_choice import change_kind
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.recipe_of_session import stated_kind
from napari_fmri_decoder._napari.widgets.keep_copy import KeepCopyButton
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder._napari.widgets.reading_view import tell_why
from napari_fmri_decoder.volumes.describe import describe

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder.volumes.volume import Kind, Volume

Form = Literal["sform", "qform"]
FORMS: dict[Form, str] = {
    "sform": "Show the scan where its sform puts it: most often the place that software computed, such as "
    "a template's space.",
    "qform": "Show the scan where its qform puts it: most often the scanner's own place, without shear.",
}
KINDS: dict[Kind, str] = {
    "bold": "BOLD: a series in time",
    "stat": "maps: z-maps, betas, ...",
    "anatomy": "anatomy",
    "mask": "mask",
    "atlas": "atlas of regions",
}
KIND_TIP = (
    "What the image shows, where name, header and values do not tell: a series in time has a TR and is "
    "detrended and standardized by default, maps have none and are not. A run takes this with it (data.kind)."
)
NOTHING = "Select the layer of an image to see what its header says."


class HeaderTab(QWidget):
    """Describes the selected layer, else the series."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("header_tab")
        self._session = dock.session
        self._layer: Layer | None = None
        self._volume: Volume | None = None  # that the table tells of
        self._described: dict[str, Any] = {}
        self.title = words(NOTHING, "header_title")
        self.table = words(name="header_table")
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.forms = {form: self._form_button(form) for form in FORMS}
        self.placed = words("Placed by", "header_placed")
        self.kind = QComboBox()
        self.kind.setObjectName("header_kind")
        self.kind.addItem("found out", None)
        for kind, text in KINDS.items():
            self.kind.addItem(text, kind)
        self.kind.activated.connect(self._state_kind)
        self.copy = QPushButton("Copy")
        self.copy.setObjectName("header_copy")
        self.copy.clicked.connect(self._copy)
        self.keep = KeepCopyButton(dock)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(self.title)
        rows.addWidget(beside(self.placed, *self.forms.values()))
        rows.addWidget(beside(words("Kind", "header_kind_label"), self.kind))
        rows.addWidget(self.table)
        rows.addWidget(beside(self.copy, self.keep))
        rows.addStretch(1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        for signal in (dock.session.layers_changed, dock.viewer.layers.selection.events.active):
            dock.follow(signal, self._wake)
        dock.follow(dock.session.changed, self._on_state)

    def _form_button(self, form: Form) -> QRadioButton:
        made = QRadioButton(form)
        made.setObjectName(f"use_{form}")
        made.clicked.connect(lambda *_: self._use(form))
        return made

    def showEvent(self, event: Any) -> None:
        """Catch up."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        """Rest: a dock that is closed sends this, and no closeEvent."""
        super().hideEvent(event)
        self._soon.stop()

    def _on_state(self, name: str) -> None:
        if name == "series":
            self._wake()

    def _wake(self, *_: object) -> None:
        if self.isVisible():
            self._soon.start(0)

    @guard()
    def refresh(self) -> None:
        """Describe what is selected, if it is not what is described already."""
        self._layer, volume = self._find()
        self.title.setText(f"<b>{escape(self._layer.name)}</b>" if self._layer is not None else NOTHING)
        if volume is not None and volume is self._volume:
            return
        self._volume = volume
        self._described = describe(volume) if volume is not None else {}
        rows = header_rows(self._described)
        self.table.setText(_html(rows))
        used = self._described.get("transform")
        for form, button in self.forms.items():
            button.setAutoExclusive(False)  # or none could be off where neither was used
            button.setChecked(form == used)
            button.setAutoExclusive(True)
            tell_why(button, FORMS[form], self._why_not(form))
        stated = None if volume is None else stated_kind(volume)
        self.kind.setCurrentIndex(max(self.kind.findData(stated), 0))
        tell_why(self.kind, KIND_TIP, NOTHING if volume is None else None)
        self.placed.setText(f"Placed by {used if used and used not in self.forms else ''}".strip())
        why = None if rows else NOTHING
        tell_why(self.copy, "Copy these lines as text.", why)

    def _find(self) -> tuple[Layer | None, Volume | None]:
        """The selected layer, else the series; None where it is no image in the head."""
        for layer in (self._session.viewer.layers.selection.active, self._session.state.series):
            volume = self._session.volume(layer) if layer is not None else None
            if volume is not None:
                return layer, volume
        return None, None

    def _why_not(self, form: Form) -> str | None:
        """Reason for which a transform cannot be chosen."""
        said = self._described
        if self._volume is None:
            return NOTHING
        if said.get("format") is None:
            return "This layer was not read from a file: it has no header."
        if said.get(form) is None:
            return f"{said['format']} has no {form}."
        if said[form]["affine"] is None:
            return f"The header's {form} is {'not set' if said[form]['code'] == 0 else 'broken'}."
        if said.get("transform") is None:
            return "The voxels do not lie where the file puts them any more: they were cut or moved."
        if forms_agree(said) and said["transform"] != form:
            return "The sform puts the scan in the same place as the qform."
        return None

    @guard()
    def _use(self, form: Form) -> None:
        """Show the layer where one of its transforms puts it."""
        layer, volume = self._layer, self._volume
        if layer is None or volume is None or self._why_not(form) is not None:
            return
        said = self._described[form]
        moved = replace(volume, affine=np.array(said["affine"], dtype=np.float64), space=said["name"])
        self._session.show(layer, moved)
        if layer is self._session.state.series:
            self._session.changed.emit("series")  # the same layer, but it lies elsewhere
        self.refresh()

    @guard()
    def _state_kind(self, *_: object) -> None:
        """Take the layer for the chosen kind; runs of the series take it with them."""
        layer, volume, kind = self._layer, self._volume, self.kind.currentData()
        if layer is None or volume is None or kind == stated_kind(volume):
            return
        try:
            change_kind(self._session, layer, volume, kind)
        finally:
            self._volume = None
            self.refresh()

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(as_text(header_rows(self._described)))


def _html(rows: list[tuple[str, str]]) -> str:
    """A table of two columns; affines keep their columns."""
    lines = []
    for name, text in rows:
        first, *more = escape(text).split("\n")
        numbers = "<br>".join(more or [first]).replace(" ", "&nbsp;")
        shown = first if not more else f"{first}<br><tt>{numbers}</tt>"
        if name == "affine":
            shown = f"<tt>{first.replace(' ', '&nbsp;')}<br>{numbers}</tt>"
        if name == "notes":
            shown = "<br>".join([first, *more])
        lines.append(
            f'<tr><td style="padding-right: 10px; color: #999999">{escape(name)}</td><td>{shown}</td></tr>'
        )
    return f'<table cellspacing="0" cellpadding="1">{"".join(lines)}</table>'
