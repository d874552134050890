"""Files of each image, the design of the folds, findings of the audit, and findings that are overridden."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.plots import DesignPlot
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.train.pairing import PairingView
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.headline import marked

if TYPE_CHECKING:
    from magicgui.widgets import CheckBox

    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.samples.audit import Finding


OVERRIDE = "Override this finding. The report and the window say so next to the score."


class AuditView(QWidget):
    """Findings, and a check box below each error that overrides it.

    Attributes
    ----------
    overrides : dict of str to CheckBox
        The check boxes, by the code of their finding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.summary = text_label(
            "Check reads and prepares the samples and looks for anything that could inflate the score with "
            "this split. Train does the same first.",
            "check_summary",
        )
        self._design: DesignPlot | None = None
        self.pairing = PairingView()
        self.overrides: dict[str, CheckBox] = {}
        self._parts: list[QWidget] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self.summary)
        self._rows.addWidget(self.pairing)
        self._rows.addStretch(1)

    @property
    def design(self) -> DesignPlot:
        """The folds; the plot is made when it is first used."""
        if self._design is None:
            self._design = DesignPlot()
            self._design.setObjectName("fold_design")
            self._design.hide()
            self._rows.insertWidget(self._rows.indexOf(self.pairing) + 1, self._design)
        return self._design

    @property
    def allowed(self) -> tuple[str, ...]:
        """Codes of the overridden errors."""
        return tuple(code for code, box in self.overrides.items() if box.value)

    def allow(self, codes: Sequence[str]) -> None:
        """Override findings in advance, as a recipe does; earlier findings are removed."""
        self.show_findings(())
        for code in codes:
            self._add_override(code, checked=True)

    def show_prepared(self, prepared: Prepared) -> None:
        """Show the samples and folds, and the findings."""
        self.show_findings(prepared.findings)
        samples, n = prepared.samples, len(prepared.splits)
        lines = [
            f"<b>{len(samples.X)} samples of {len(samples.classes)} classes, "
            f"{samples.space.n_features} voxels, {n} fold{'s' if n > 1 else ''}.</b>",
            *map(escape, prepared.notes),
            *([] if prepared.findings else ["The audit found nothing that could inflate the score."]),
        ]
        self.summary.setText("<br>".join(lines))
        recipe = prepared.recipe
        self.design.set_data(fold_design(prepared.splits, samples, recipe.decoder, recipe.training))
        self.design.show()
        self._show_pairing(prepared)

    def _show_pairing(self, prepared: Prepared) -> None:
        rows = getattr(prepared, "pairing", ())
        if rows:
            from napari_fmri_decoder.pipeline.pairing import COLUMNS, pairing_cells

            self.pairing.show_rows(COLUMNS, pairing_cells(rows))

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show findings; checked boxes stay checked."""
        allowed = self.allowed
        self.summary.clear()
        if self._design is not None:
            self._design.hide()
        self.pairing.hide()
        for part in self._parts:
            self._rows.removeWidget(part)
            part.deleteLater()
        self._parts, self.overrides = [], {}
        for finding in findings:
            name = f"finding_{finding.code}"
            severity = marked(finding.severity, finding.severity)
            self._add(text_label(f"{severity} {escape(finding.message)}", name))
            if finding.severity == "error":
                self._add_override(finding.code, checked=finding.code in allowed)

    def _add_override(self, code: str, *, checked: bool) -> None:
        box = check_box(f"allow_{code}", f"Train anyway: {code}", OVERRIDE, value=checked)
        self.overrides[code] = box
        self._add(box.native)

    def _add(self, part: QWidget) -> None:
        self._rows.insertWidget(self._rows.count() - 1, part)
        self._parts.append(part)
