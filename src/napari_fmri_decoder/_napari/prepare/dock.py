"""The Prepare dock: choose the series, make a mask, rotate, and cut a slab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.remember import Remember
from napari_fmri_decoder._napari.forms.step import row
from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
from napari_fmri_decoder._napari.prepare.mask import MaskStep
from napari_fmri_decoder._napari.prepare.rotation import RotationStep
from napari_fmri_decoder._napari.prepare.series import ImagesView, LookView
from napari_fmri_decoder._napari.prepare.slab import SlabStep
from napari_fmri_decoder._napari.qt.dock import Dock
from napari_fmri_decoder._napari.qt.sections import scrolled, section
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.forms.choices import LayerChoice


class PrepareDock(Dock):
    """Masks, rotates and cuts; each step adds layers and can be undone."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "prepare_dock")
        self.jobs = PrepareJobs(self.session, self.life)
        self.images = ImagesView(self.jobs)
        self.look = LookView(self.jobs)
        self.mask = MaskStep(self.jobs)
        self.rotation = RotationStep(self.jobs)
        self.slab = SlabStep(self.jobs, self.rotation)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        parts = {
            "Images": self.images,
            "View": self.look,
            "Mask": self.mask,
            "Rotate": self.rotation,
            "Slab": self.slab,
        }
        self.extend(parts.values())
        mask, slab = Remember(self.mask.form, "prepare.mask"), Remember(self.slab.form, "prepare.slab")
        self.remembered = [mask, slab]
        resets = {"Mask": mask.reset, "Slab": slab.reset}
        for title, part in parts.items():
            name, reset = f"{title.lower()}_section", resets.get(title)
            rows.addWidget(section(title, part.native, name=name, reset=reset))
        rows.addStretch(1)
        self.rows.addWidget(scrolled(content, "prepare_scroll"))
        back, halt = "Undo the last step.", "Stop the running job; nothing is changed."
        self.undo_button = self.jobs.button("undo", "Undo", back, self.undo, self._cannot_undo, "undo")
        stop = self.jobs.button("stop", "Stop", halt, self.jobs.stop, self._cannot_stop)
        self.rows.addWidget(self.jobs.message("undo"))
        self.rows.addWidget(row(self.undo_button, stop).native)
        self.mask.chosen.connect(self.jobs.refresh)
        self.follow(self.session.layers_changed, self._on_layers)
        self.follow(self.session.rotating, self.slab.on_rotating)
        self.follow(self.session.changed, self._on_state)
        self.follow(self.session.steps_changed, self._on_steps)
        self.follow(self.viewer.cursor.events.position, self.look.on_cursor)
        self.life.closed.connect(self.slab.hide_drawn)
        self.shortcuts.provide("undo", self.undo, self.life)
        if self.session.state.recipe is not None:
            self._on_state("recipe")
        self.catch_up()

    @property
    def series(self) -> LayerChoice:
        """The choice of the series to decode."""
        return self.images.series  # type: ignore[no-any-return]

    @property
    def anatomy(self) -> LayerChoice:
        """The choice of the anatomy."""
        return self.images.anatomy  # type: ignore[no-any-return]

    def catch_up(self) -> None:
        """Show the present state of the session."""
        self._on_layers()
        self._on_steps()
        for name in ("series", "anatomy", "mask", "slab", "pivot", "angles", "frame", "radiological"):
            self._on_state(name)

    def on_shown(self) -> None:
        """Bring options back without drawing a slab, and choose a mask strategy that fits the series."""
        restoring = bool(self.remembered)
        super().on_shown()
        if restoring:
            self.slab.untouch()
            self.mask.suit_series()

    def _on_layers(self) -> None:
        self.images.on_layers()
        self.mask.on_layers()
        self.jobs.refresh()

    def _on_state(self, name: str) -> None:
        for part in (self.images, self.look, self.mask, self.rotation, self.slab):
            part.on_state(name)
        self.jobs.refresh()

    def _on_steps(self, *_: Any) -> None:
        steps = self.session.steps
        self.undo_button.text = f"Undo: {steps[-1].name}" if steps else "Undo"
        self.jobs.refresh()

    def _cannot_undo(self) -> str | None:
        return self.jobs.busy() or (None if self.session.steps else "There is no step to undo.")

    def _cannot_stop(self) -> str | None:
        return None if self.jobs.job is not None else "Nothing is running."

    def undo(self) -> None:
        """Undo the last step."""
        self.jobs.check(self._cannot_undo)
        self.rotation.settle()
        with all_or_nothing(self.session):
            self.session.undo()
