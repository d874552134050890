"""The Header tab: the header of the selected layer, and the choice between its transforms."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from magicgui.widgets import RadioButton
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.choices import NullableChoice
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import native_row, text_label
from napari_fmri_decoder._napari.view.header_rows import as_text, forms_agree, header_rows
from napari_fmri_decoder._napari.view.kind_choice import change_kind
from napari_fmri_decoder._napari.view.uncompressed_copy import UncompressedCopyButton
from napari_fmri_decoder.errors import InputError
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
KINDS: tuple[tuple[str, Kind], ...] = (
    ("BOLD time series", "bold"),
    ("statistical maps (z, beta, ...)", "stat"),
    ("anatomy", "anatomy"),
    ("mask", "mask"),
    ("atlas of regions", "atlas"),
)
"""Text and value of each kind."""
KIND_TIP = (
    "What the image shows, if its name, header and values do not tell. A time series has a TR and is "
    "detrended and standardized by default; maps have no TR and are not. Training uses this choice."
)
COPY_TIP = "Copy these lines as text."
NOTHING = "Select the layer of an image to see its header."


class HeaderTab(QWidget):
    """Describes the selected layer, or the series if no image is selected.

    Attributes
    ----------
    forms : dict of RadioButton
        "sform" and "qform"; set the value of one to True to position the layer by it.
    kind : NullableChoice
        Kind of the image, such as "stat"; None to determine it from the file.
    """

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
        self.kind = NullableChoice(name="header_kind", label="Kind", choices=KINDS, text="automatic")
        prepare_control(self.kind, "header_kind", "Kind", KIND_TIP)
        self.kind.changed.connect(self._set_kind)
        self.copy = push_button("header_copy", "Copy", COPY_TIP)
        self.copy.changed.connect(self._copy)
        self.error, self.copy_error = Message("header_error"), Message("copy_error")
        self.keep = UncompressedCopyButton(dock, self.copy_error)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(self.title)
        rows.addWidget(native_row(self.placed, *(button.native for button in self.forms.values())))
        rows.addWidget(native_row(text_label("Kind", "header_kind_label"), self.kind.native))
        rows.addWidget(self.error)
        rows.addWidget(self.table)
        rows.addWidget(native_row(self.copy.native, self.keep.native))
        rows.addWidget(self.copy_error)
        rows.addStretch(1)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.timeout.connect(self.refresh)
        for signal in (dock.session.layers_changed, dock.viewer.layers.selection.events.active):
            dock.follow(signal, self._refresh_soon)
        dock.follow(dock.session.changed, self._on_state)

    def _form_button(self, form: Form) -> RadioButton:
        button = RadioButton(name=f"use_{form}", text=form)
        prepare_control(button, f"use_{form}", form, FORMS[form])
        button.changed.connect(lambda on: self._on_form(form) if on else None)
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

    def refresh(self) -> None:
        """Describe the selected layer, unless it is already described."""
        before, (self._layer, volume) = self._layer, self._find()
        if self._layer is not before:
            self.error.clear()
        self.title.setText(f"<b>{escape(self._layer.name)}</b>" if self._layer is not None else NOTHING)
        if volume is not None and volume is self._volume:
            return
        self._volume = volume
        self._described = describe(volume) if volume is not None else {}
        rows = header_rows(self._described)
        self.table.setText(_html(rows))
        used = self._show_used()
        for form, button in self.forms.items():
            set_available(button, self._why_not(form), FORMS[form])
        stated = None if volume is None else stated_kind(volume)
        with self.kind.changed.blocked():
            self.kind.value = stated if stated in self.kind.choices else None
        set_available(self.kind, NOTHING if volume is None else None, KIND_TIP)
        self.placed.setText(f"Positioned by {used if used and used not in self.forms else ''}".strip())
        set_available(self.copy, None if rows else NOTHING, COPY_TIP)

    def _show_used(self) -> str | None:
        """Check the button of the transform that is used, and return the name of the transform."""
        used: str | None = self._described.get("transform")
        for form, button in self.forms.items():
            with button.changed.blocked():
                button.native.setAutoExclusive(False)  # else none could be unchecked where neither is used
                button.value = form == used
                button.native.setAutoExclusive(True)
        return used

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

    @guard("error")
    def _on_form(self, form: Form) -> None:
        try:
            self.use(form)
        finally:
            self._show_used()

    def use(self, form: Form) -> None:
        """Position the layer by one of its transforms.

        Parameters
        ----------
        form : {"sform", "qform"}

        Raises
        ------
        InputError
            If the layer has no such transform, with the sentence that the dock shows.
        """
        self.refresh()
        layer, volume = self._layer, self._volume
        if why := self._why_not(form):
            raise InputError(why)
        if layer is None or volume is None:
            raise InputError(NOTHING)
        transform = self._described[form]
        affine = np.array(transform["affine"], dtype=np.float64)
        moved = replace(volume, affine=affine, space=transform["name"])
        self._session.show(layer, moved)
        if layer is self._session.state.preparation.series:
            self._session.changed.emit("series")  # the same layer at another position
        self.refresh()

    @guard("error")
    def _set_kind(self, *_: object) -> None:
        """Set the kind of the layer; training uses it too."""
        (layer, volume), kind = self._find(), self.kind.value
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
        lines.append(f'<tr><td style="padding-right: 10px">{escape(name)}</td><td>{shown}</td></tr>')
    return f'<table cellspacing="0" cellpadding="1">{"".join(lines)}</table>'
