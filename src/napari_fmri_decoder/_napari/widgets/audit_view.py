"""What belongs to each image, what the folds do, what the audit found, and what the user overrides."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.plots import DesignPlot
from napari_fmri_decoder._napari.score_words import COLORS
from napari_fmri_decoder._napari.widgets.pairing_view import PairingView
from napari_fmri_decoder.evaluation.diagnostics import fold_design

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.samples.audit import Finding


class AuditView(QWidget):
    """Findings in words; beneath each error a box that overrides it."""

    def __init__(self) -> None:
        super().__init__()
        self.summary = words(
            "Check reads and prepares the samples, and looks for anything that could inflate the score with "
            "this split. Train does so as well.",
            "check_summary",
        )
        self.design = DesignPlot()
        self.design.setObjectName("fold_design")
        self.design.hide()
        self.pairing = PairingView()
        self._boxes: dict[str, QCheckBox] = {}
        self._parts: list[QWidget] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self.summary)
        self._rows.addWidget(self.pairing)
        self._rows.addWidget(self.design)
        self._rows.addStretch(1)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Codes of the errors that are overridden."""
        return tuple(code for code, box in self._boxes.items() if box.isChecked())

    def allow(self, codes: Sequence[str]) -> None:
        """Answer for findings before they are found, as a recipe does; what was found before goes."""
        self.show_findings(())
        for code in codes:
            self._offer(code, checked=True)

    def show_prepared(self, prepared: Prepared) -> None:
        """Say what will be trained on, and what was found."""
        self.show_findings(prepared.findings)
        samples, n = prepared.samples, len(prepared.splits)
        said = [
            f"<b>{len(samples.X)} samples of {len(samples.classes)} classes, "
            f"{samples.space.n_features} voxels, {n} fold{'s' if n > 1 else ''}.</b>",
            *map(escape, prepared.notes),
            *([] if prepared.findings else ["Nothing was found that could inflate the score."]),
        ]
        self.summary.setText("<br>".join(said))
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
        """Show findings; boxes that were ticked stay so."""
        allowed = self.allowed
        self.summary.clear()
        self.design.hide()
        self.pairing.hide()
        for part in self._parts:
            self._rows.removeWidget(part)
            part.deleteLater()
        self._parts, self._boxes = [], {}
        for finding in findings:
            name = f"finding_{finding.code}"
            color = COLORS[finding.severity]
            self._add(
                words(f'<b style="color:{color}">{finding.severity}</b> {escape(finding.message)}', name)
            )
            if finding.severity == "error":
                self._offer(finding.code, checked=finding.code in allowed)

    def _offer(self, code: str, *, checked: bool) -> None:
        box = QCheckBox(f"Train anyway: {code}")
        box.setObjectName(f"allow_{code}")
        box.setToolTip("<p>Override this finding. The report and the window say so next to the score.</p>")
        box.setChecked(checked)
        self._boxes[code] = box
        self._add(box)

    def _add(self, part: QWidget) -> None:
        self._rows.insertWidget(self._rows.count() - 1, part)
        self._parts.append(part)
