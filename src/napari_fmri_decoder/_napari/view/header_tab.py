"""The Header tab: the header of the selected layer, and the choice between its transforms."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QComboBox, QPushButton, QRadioButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import text_label
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import row
from napari_fmri_decoder._napari.view.header_rows import as_text, forms_agree, header_rows
from napari_fmri_decoder._napari.view.kind_choice import change_kind
from napari_fmri_decoder._napari.view.uncompressed_copy import UncompressedCopyButton
from napari_fmri_decoder.volumes.describe import describe
from napari_fmri_decoder.volumes.kind_and_tr import stated_kind

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder.volumes.volume import Kind, Volume

Form = Literal["sform", "qform"]
FORMS: dict[Form, str] = {
    "sform": "Position the scan by its sform, usually computed by software, such as an alignment to a "
    "template.",
    "qform": "Position the scan by its qform, usually its position in the scanner, without shear.",
}
KINDS: dict[Kind, str] = {
    "bold": "BOLD time series",
    "stat": "statistical maps (z, beta, ...)",
    "anatomy": "anatomy",
    "mask": "mask",
    "atlas": "atlas of regions",
}
KIND_TIP = (
    "What the image shows, if its name, header and values do not tell. A time series has a TR and is "
    "detrended and standardized by default; maps have no TR and are not. Training uses this choice."
)
NOTHING = "Select the layer of an image to see its header."


class HeaderTab(QWidget):
    """Describes the selected layer, or the series if no image is selected."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("header_tab")
        self._session = dock.session
        self._layer: Layer | None = None
        self._volume: Volume | None = None  # described by the table
        self._described: dict[str, Any] = {}
        self.title = text_label(NOTHING, "header_title")
        self.table = text_label(name="header_table")
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.forms = {form: self._form_button(form) for form in FORMS}
        self.placed = text_label("Positioned by", "header_placed")
        self.kind = QComboBox()
        self.kind.setObjectName("header_kind")
        self.kind.addItem("automatic", None)
        for kind, text in KINDS.items():
            self.kind.addItem(text, kind)
        self.kind.activated.connect(self._set_kind)
        self.copy = QPushButton("Copy")
        self.copy.setObjectName("header_copy")
        self.copy.clicked.connect(self._copy)
        self.keep = UncompressedCopyButton(dock)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(self.title)
        rows.addWidget(row(self.placed, *self.forms.values()))
        rows.addWidget(row(text_label("Kind", "header_kind_label"), self.kind))
        rows.addWidget(self.table)
        rows.addWidget(row(self.copy, self.keep))
        rows.addStretch(1)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.timeout.connect(self.refresh)
        for signal in (dock.session.layers_changed, dock.viewer.layers.selection.events.active):
            dock.follow(signal, self._refresh_soon)
        dock.follow(dock.session.changed, self._on_state)

    def _form_button(self, form: Form) -> QRadioButton:
        button = QRadioButton(form)
        button.setObjectName(f"use_{form}")
        button.clicked.connect(lambda *_: self._use(form))
        return button

    def showEvent(self, event: Any) -> None:
        """Update what changed while the tab was hidden."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        """Stop the timer; a dock that is closed gets this event and no closeEvent."""
        super().hideEvent(event)
        self.timer.stop()

    def _on_state(self, name: str) -> None:
        if name == "series":
            self._refresh_soon()

    def _refresh_soon(self, *_: object) -> None:
        if self.isVisible():
            self.timer.start(0)

    @guard()
    def refresh(self) -> None:
        """Describe the selected layer, unless it is already described."""
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
            button.setAutoExclusive(False)  # else none could be unchecked where neither is used
            button.setChecked(form == used)
            button.setAutoExclusive(True)
            set_available(button, self._why_not(form), FORMS[form])
        stated = None if volume is None else stated_kind(volume)
        self.kind.setCurrentIndex(max(self.kind.findData(stated), 0))
        set_available(self.kind, NOTHING if volume is None else None, KIND_TIP)
        self.placed.setText(f"Positioned by {used if used and used not in self.forms else ''}".strip())
        set_available(self.copy, None if rows else NOTHING, "Copy these lines as text.")

    def _find(self) -> tuple[Layer | None, Volume | None]:
        """Return the selected layer, or the series; None if neither is a brain image."""
        for layer in (self._session.viewer.layers.selection.active, self._session.state.preparation.series):
            volume = self._session.volume(layer) if layer is not None else None
            if volume is not None:
                return layer, volume
        return None, None

    def _why_not(self, form: Form) -> str | None:
        """Return why a transform cannot be chosen."""
        described = self._described
        if self._volume is None:
            return NOTHING
        if described.get("format") is None:
            return "This layer was not read from a file and has no header."
        if described.get(form) is None:
            return f"{described['format']} has no {form}."
        if described[form]["affine"] is None:
            return f"The header's {form} is {'not set' if described[form]['code'] == 0 else 'invalid'}."
        if described.get("transform") is None:
            return "The volume was cut or moved and no longer matches its file."
        if forms_agree(described) and described["transform"] != form:
            return "The sform and the qform are equal."
        return None

    @guard()
    def _use(self, form: Form) -> None:
        """Position the layer by one of its transforms."""
        layer, volume = self._layer, self._volume
        if layer is None or volume is None or self._why_not(form) is not None:
            return
        transform = self._described[form]
        affine = np.array(transform["affine"], dtype=np.float64)
        moved = replace(volume, affine=affine, space=transform["name"])
        self._session.show(layer, moved)
        if layer is self._session.state.preparation.series:
            self._session.changed.emit("series")  # the same layer at another position
        self.refresh()

    @guard()
    def _set_kind(self, *_: object) -> None:
        """Set the kind of the layer; training uses it too."""
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
    """Write a table of two columns; affines keep their columns."""
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
