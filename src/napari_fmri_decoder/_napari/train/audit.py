"""Findings of the audit with their fixes, above the folds, the files of each image, and notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import check_box, push_button
from napari_fmri_decoder._napari.plots import DesignPlot
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.window_text import window_text
from napari_fmri_decoder._napari.train.pairing import PairingView
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.headline import marked
from napari_fmri_decoder.pipeline.fixes import fix_of

if TYPE_CHECKING:
    from magicgui.widgets import CheckBox, PushButton

    from napari_fmri_decoder._napari.train.fixing import Fixer
    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.pipeline.fixes import Fix
    from napari_fmri_decoder.samples.audit import Finding


OVERRIDE = "Override this finding. The report and the window say so next to the score."
APPLY = "Change the settings so that this finding no longer applies, and check again."


class AuditView(QWidget):
    """Findings, each with a button that fixes it, and a check box below each error that overrides it.

    Parameters
    ----------
    fixer : Fixer
        Knows the controls that findings depend on.
    on_fix : callable
        Takes a `Fix` to apply.

    Attributes
    ----------
    overrides : dict of str to CheckBox
        The check boxes, by the code of their finding.
    fixes : dict of str to Fix
        The fix of each finding that has one, by its code.
    fix_buttons : dict of str to PushButton
        Their buttons.
    changed : Signal
        Sent when there are other findings, or one is overridden.
    """

    changed = Signal()

    def __init__(self, fixer: Fixer, on_fix: Callable[[Fix], object]) -> None:
        super().__init__()
        self._fixer, self._on_fix = fixer, on_fix
        self.summary = text_label(
            "Check reads and prepares the samples and looks for anything that could inflate the score with "
            "this split. Train does the same first.",
            "check_summary",
        )
        self._design: DesignPlot | None = None
        self.notes = text_label(name="check_notes")
        self.notes.hide()
        self.pairing = PairingView()
        self._findings: tuple[Finding, ...] = ()
        self.overrides: dict[str, CheckBox] = {}
        self.fixes: dict[str, Fix] = {}
        self.fix_buttons: dict[str, PushButton] = {}
        self._parts: list[QWidget] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        for part in (self.summary, self.pairing, self.notes):
            self._rows.addWidget(part)
        self._rows.addStretch(1)

    @property
    def design(self) -> DesignPlot:
        """The folds; the plot is made when it is first used."""
        if self._design is None:
            self._design = DesignPlot()
            self._design.setObjectName("fold_design")
            self._design.hide()
            self._rows.insertWidget(self._rows.indexOf(self.pairing), self._design)
        return self._design

    @property
    def allowed(self) -> tuple[str, ...]:
        """Codes of the overridden errors."""
        return tuple(code for code, box in self.overrides.items() if box.value)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Errors that are not overridden."""
        return tuple(f for f in self._findings if f.severity == "error" and f.code not in self.allowed)

    def allow(self, codes: Sequence[str]) -> None:
        """Override findings in advance, as a recipe does; earlier findings are removed."""
        self.show_findings(())
        for code in codes:
            self._add_override(code, checked=True)

    def show_prepared(self, prepared: Prepared) -> None:
        """Show the samples and folds, and the findings."""
        self.show_findings(prepared.findings, prepared)
        samples, n = prepared.samples, len(prepared.splits)
        found = "" if prepared.findings else "<br>The audit found nothing that could inflate the score."
        self.summary.setText(
            f"<b>{len(samples.X)} samples of {len(samples.classes)} classes, "
            f"{samples.space.n_features} voxels, {n} fold{'s' if n > 1 else ''}.</b>{found}"
        )
        self.notes.setText("<br>".join(escape(window_text(note)) for note in prepared.notes))
        self.notes.setVisible(bool(prepared.notes))
        recipe = prepared.recipe
        self.design.set_data(fold_design(prepared.splits, samples, recipe.decoder, recipe.training))
        self.design.show()
        self._show_pairing(prepared)

    def _show_pairing(self, prepared: Prepared) -> None:
        rows = getattr(prepared, "pairing", ())
        if rows:
            from napari_fmri_decoder.pipeline.pairing import COLUMNS, pairing_cells

            self.pairing.show_rows(COLUMNS, pairing_cells(rows))

    def show_findings(self, findings: Sequence[Finding], prepared: Prepared | None = None) -> None:
        """Show findings; checked boxes stay checked.

        Parameters
        ----------
        findings : sequence of Finding
        prepared : Prepared, optional
            The samples in which they were found; without them, no fix is offered.
        """
        allowed = self.allowed
        self.summary.clear()
        if self._design is not None:
            self._design.hide()
        self.pairing.hide()
        self.notes.hide()
        for part in self._parts:
            self._rows.removeWidget(part)
            part.deleteLater()
        self._findings, self._parts = tuple(findings), []
        self.overrides, self.fixes, self.fix_buttons = {}, {}, {}
        for finding in findings:
            severity = marked(finding.severity, finding.severity)
            text = f"{severity} {escape(window_text(finding.message))}"
            self._add(text_label(text, f"finding_{finding.code}"))
            self._add_buttons(finding.code, fix_of(finding.code, prepared) if prepared is not None else None)
            if finding.severity == "error":
                self._add_override(finding.code, checked=finding.code in allowed)
        self.changed.emit()

    def _add_buttons(self, code: str, fix: Fix | None) -> None:
        """Add a button that fixes a finding, and one that shows the control that it depends on."""
        row, place = QWidget(), self._fixer.place(code)
        buttons = QHBoxLayout(row)
        buttons.setContentsMargins(12, 0, 0, 4)
        if fix is not None:
            apply = push_button(f"fix_{code}", fix.text, APPLY)
            apply.changed.connect(partial(self.fix, fix))
            self.fixes[code], self.fix_buttons[code] = fix, apply
            buttons.addWidget(apply.native)
        if place is not None:
            tip = f"Go to {place.label} in the {place.dock} dock, which this finding depends on."
            show = push_button(f"show_{code}", f"Show {place.label}", tip)
            show.changed.connect(partial(self._on_show_clicked, code))
            buttons.addWidget(show.native)
        buttons.addStretch(1)
        self._add(row)

    def fix(self, fix: Fix, _: object = None) -> None:
        """Apply a fix."""
        self._on_fix(fix)

    def _on_show_clicked(self, code: str, _: object = None) -> None:
        if (place := self._fixer.place(code)) is not None:
            self._fixer.show(place)

    def _add_override(self, code: str, *, checked: bool) -> None:
        box = check_box(f"allow_{code}", f"Train anyway: {code}", OVERRIDE, value=checked)
        box.changed.connect(self._on_override)
        self.overrides[code] = box
        self._add(box.native)

    def _on_override(self) -> None:
        self.changed.emit()

    def _add(self, part: QWidget) -> None:
        first = self._design if self._design is not None else self.pairing
        self._rows.insertWidget(self._rows.indexOf(first), part)
        self._parts.append(part)
