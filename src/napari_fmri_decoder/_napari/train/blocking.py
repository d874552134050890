"""What blocks training, always in sight above the buttons, with buttons that fix it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.docks import go_to
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.sections import native_row
from napari_fmri_decoder._napari.qt.window_text import window_text
from napari_fmri_decoder._napari.train.audit import APPLY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.train.audit import AuditView
    from napari_fmri_decoder._napari.train.reasons import Reasons

BLOCKED = "Training is blocked."
SEE = "Show all findings on the page Check, where errors can also be overridden."


class BlockingView(QWidget):
    """What is missing for training, or the errors of the audit, with buttons; hidden if training can start.

    Parameters
    ----------
    reasons : Reasons
    audit : AuditView
    show_check : callable
        Shows the page Check.

    Attributes
    ----------
    message : Message
    """

    def __init__(self, reasons: Reasons, audit: AuditView, show_check: Callable[[], object]) -> None:
        super().__init__()
        self._reasons, self._audit, self._show_check = reasons, audit, show_check
        self.message = Message("blocking")
        self._outdated = False
        self._row: QWidget | None = None
        self._shown: tuple[str, ...] = ()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self.message)
        audit.changed.connect(self._on_findings)
        self.refresh()

    def outdate(self) -> None:
        """Show no earlier findings after the settings have changed; the next check or training finds them."""
        self._outdated = True
        self.refresh()

    def _on_findings(self) -> None:
        self._outdated = False
        self.refresh()

    def refresh(self) -> None:
        """Show what blocks training now."""
        place = self._reasons.place()
        blocking = () if self._outdated else self._audit.blocking
        if place is not None:  # the line above says what is missing
            dock, control = place
            go = partial(self._go_to, dock, control)
            self._show("", {f"Go to {dock}": (self._reasons.missing(), go)})
        elif blocking:
            firsts = [window_text(finding.message).partition(". ")[0].rstrip(".") for finding in blocking]
            buttons: dict[str, tuple[str, Callable[[], object]]] = {}
            for finding in blocking:
                if (fix := self._audit.fixes.get(finding.code)) is not None:
                    buttons[fix.text] = APPLY, partial(self._audit.fix, fix)
            buttons["See Check"] = SEE, self._show_check
            self._show(f"{BLOCKED} {'. '.join(firsts)}.", buttons)
        else:
            self._show("", {})

    def _go_to(self, dock: str, control: str) -> None:
        go_to(self._reasons.session.viewer, dock, control)  # type: ignore[arg-type]  # a name of a dock

    def _show(self, text: str, buttons: dict[str, tuple[str, Callable[[], object]]]) -> None:
        shown = (text, *buttons)
        if shown == self._shown:
            return
        self._shown = shown
        if self._row is not None:
            self._rows.removeWidget(self._row)
            self._row.hide()
            self._row.deleteLater()
            self._row = None
        made = []
        for i, (name, (tip, work)) in enumerate(buttons.items()):
            made.append(push_button(f"unblock_{i}", name, tip))
            made[-1].changed.connect(partial(self._on_button, work))
        self._buttons = made  # their signals end with them
        if made:
            self._row = native_row(*(button.native for button in made))
            self._rows.addWidget(self._row)
        self.setVisible(bool(made or text))
        self.message.show_error(text)

    def _on_button(self, work: Callable[[], object], _: object = None) -> None:
        work()
