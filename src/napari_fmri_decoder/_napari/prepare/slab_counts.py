"""The size of a slab, how many voxels the network would see in it, and why it cannot be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.voxel_count import describe

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder.volumes.slabs import RotatedSlab


class SlabCounts(QWidget):
    """Follows the count of the session.

    Attributes
    ----------
    place, text : QLabel
        The size of the slab, and its number of voxels.
    warning, refused : Message
    """

    def __init__(self, jobs: PrepareJobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.place, self.text = text_label(name="slab_about"), text_label(name="slab_counts")
        self.warning, self.refused = Message("slab_warning"), Message("slab_refused")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        for part in (self.place, self.text, self.refused, self.warning):
            rows.addWidget(part)
        self._show_place("")
        self.refresh(planned=False)

    def show_placement(self, placement: RotatedSlab | None) -> None:
        """Describe the size of a slab; None if it is not known."""
        self.refused.clear()
        if placement is None:
            self._show_place("")
            return
        shape, n = placement.grid.shape, placement.grid.shape[placement.axis]
        axis = "xyz"[placement.axis]
        self._show_place(
            f"{' x '.join(map(str, shape))} voxels: {n} of {placement.n_planes} planes along {axis}"
        )

    def refuse(self, why: str) -> None:
        """Show why there is no such slab."""
        self._show_place("")
        self.refused.show_error(why)

    def refresh(self, *, planned: bool) -> None:
        """Show the count of the slab that is set up, or else of the one in use."""
        count, preparation = self._jobs.count, self._jobs.session.state.preparation
        shown = count.planned if planned else count.used if preparation.slab is not None else None
        counting = count.counting and planned
        text = describe(shown, counting=counting, masked=preparation.mask is not None)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.warning.show_warning((shown.warning if planned and shown is not None else None) or "")

    def _show_place(self, text: str) -> None:
        self.place.setText(text)
        self.place.setVisible(bool(text))
