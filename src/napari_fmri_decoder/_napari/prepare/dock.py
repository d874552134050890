"""The Prepare dock: choose the series, make a mask, rotate, and cut a slab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
from napari_fmri_decoder._napari.prepare.mask import MaskView
from napari_fmri_decoder._napari.prepare.rotation import RotateView
from napari_fmri_decoder._napari.prepare.series import ImagesView, LookView
from napari_fmri_decoder._napari.prepare.slab import SlabView
from napari_fmri_decoder._napari.qt.dock import Dock, scrolled, section
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import row
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing

if TYPE_CHECKING:
    from napari import Viewer


class PrepareDock(Dock):
    """Masks, rotates and cuts; each step adds layers and can be undone."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("prepare_dock")
        self.jobs = PrepareJobs(self.session, self)
        self.images = ImagesView(self.jobs)
        self.look = LookView(self.jobs)
        self.masking = MaskView(self.jobs)
        self.rotation = RotateView(self.jobs)
        self.slab = SlabView(self.jobs, self.rotation)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        for title, part in (
            ("Images", self.images),
            ("View", self.look),
            ("Mask", self.masking),
            ("Rotate", self.rotation),
            ("Slab", self.slab),
        ):
            rows.addWidget(section(title, part, name=f"{title.lower()}_section"))
        rows.addStretch(1)
        self.rows.addWidget(scrolled(content, "prepare_scroll"))
        back = "Undo the last step."
        self.undo = self.jobs.button("undo", "Undo", back, self._undo, self._cannot_undo)
        halt = "Stop the running job; nothing is changed."
        stop = self.jobs.button("stop", "Stop", halt, self.jobs.stop, self._cannot_stop)
        self.rows.addWidget(row(self.undo, stop))
        self.masking.changed.connect(self.jobs.refresh)
        self.follow(self.session.layers_changed, self._on_layers)
        self.follow(self.session.rotating, self.slab.on_rotating)
        self.follow(self.session.changed, self._on_state)
        self.follow(self.session.steps_changed, self._on_steps)
        self.follow(self.viewer.cursor.events.position, self.look.on_cursor)
        self.closed.connect(self.slab.hide_drawn)
        self._on_layers()
        self._on_steps()
        self._on_state("series")
        if self.session.state.recipe is not None:
            for name in ("recipe", "mask", "slab", "angles", "frame"):
                self._on_state(name)

    def catch_up(self) -> None:
        """Show the present state of the session."""
        self._on_layers()
        self._on_steps()
        for name in ("series", "mask", "slab", "angles", "frame", "radiological"):
            self._on_state(name)

    def _on_layers(self) -> None:
        self.images.on_layers()
        self.masking.on_layers()
        self.jobs.refresh()

    def _on_state(self, name: str) -> None:
        for part in (self.images, self.look, self.masking, self.rotation, self.slab):
            part.on_state(name)
        self.jobs.refresh()

    def _on_steps(self, *_: Any) -> None:
        steps = self.session.steps
        self.undo.setText(f"Undo: {steps[-1].name}" if steps else "Undo")
        self.jobs.refresh()

    def _cannot_undo(self) -> str | None:
        return self.jobs.busy() or (None if self.session.steps else "There is no step to undo.")

    def _cannot_stop(self) -> str | None:
        return None if self.jobs.job is not None else "Nothing is running."

    @guard()
    def _undo(self) -> None:
        self.rotation.sliders.settle()
        with all_or_nothing(self.session):
            self.session.undo()
