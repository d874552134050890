"""How many voxels of the mask the network sees, and warnings about the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.voxel_count import describe
from napari_fmri_decoder.samples.masks.brain import EPI_ON_MAPS

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs


class MaskCounts(QWidget):
    """Follows the count of the session.

    Attributes
    ----------
    text : QLabel
    warning : Message
    """

    def __init__(self, jobs: PrepareJobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._strategy = ""
        self.text = text_label(name="mask_counts")
        self.warning = Message("mask_warning")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.text)
        rows.addWidget(self.warning)
        jobs.life.follow(jobs.count.changed, self.refresh)
        self.refresh()

    def set_strategy(self, strategy: str) -> None:
        """Warn about a strategy that does not fit the series."""
        self._strategy = strategy
        self.refresh()

    def refresh(self) -> None:
        """Show the count, and the warnings."""
        count, session = self._jobs.count, self._jobs.session
        masked = session.state.preparation.mask is not None
        text = describe(count.used, counting=count.counting and masked, masked=masked)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        series, warnings = session.series, list[str]()
        if series is not None and series.kind == "stat" and self._strategy == "epi":
            warnings.append(EPI_ON_MAPS)
        if count.used is not None and count.used.warning is not None:
            warnings.append(count.used.warning)
        self.warning.show_warning("\n".join(warnings))
