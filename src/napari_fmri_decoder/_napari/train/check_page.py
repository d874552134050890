"""The page Check of the Train dock: the audit and the estimate of the last check or run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.train.audit import AuditView
from napari_fmri_decoder._napari.train.estimate import EstimateView
from napari_fmri_decoder.pipeline import Prepared
from napari_fmri_decoder.training.estimate import RunEstimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.train.fixing import Fixer
    from napari_fmri_decoder._napari.train.runs import Runs
    from napari_fmri_decoder.pipeline.fixes import Fix


class CheckPage(QWidget):
    """Findings, folds, files, and the untrained network.

    Parameters
    ----------
    fixer : Fixer
    on_fix : callable
        Takes a `Fix` to apply.

    Attributes
    ----------
    audit : AuditView
    estimate : EstimateView
    """

    def __init__(self, fixer: Fixer, on_fix: Callable[[Fix], object]) -> None:
        super().__init__()
        self.audit = AuditView(fixer, on_fix)
        self.estimate = EstimateView()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2, 4, 2, 4)
        rows.addWidget(self.audit)
        rows.addWidget(self.estimate)
        rows.addStretch(1)

    def catch_up(self, runs: Runs) -> None:
        """Show what was found before this page was made."""
        if runs.prepared is not None:
            self.audit.show_prepared(runs.prepared)
        if runs.findings:
            self.audit.show_findings(runs.findings)
        if runs.estimate is not None:
            self.estimate.show_estimate(runs.estimate)

    def show_found(self, event: object) -> None:
        """Show the samples, estimate or findings of a check or run."""
        if isinstance(event, Prepared):
            self.audit.show_prepared(event)
        elif isinstance(event, RunEstimate):
            self.estimate.show_estimate(event)
        elif isinstance(event, tuple):
            self.audit.show_findings(event)
