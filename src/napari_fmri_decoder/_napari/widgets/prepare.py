"""The dock Prepare: choose the series, mask it, turn the head, cut a slab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import Dock, scrolled, section
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.widgets.bench import Bench
from napari_fmri_decoder._napari.widgets.images_view import ImagesView, LookView
from napari_fmri_decoder._napari.widgets.mask_view import MaskView
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder._napari.widgets.rotate_view import RotateView
from napari_fmri_decoder._napari.widgets.slab_view import SlabView

if TYPE_CHECKING:
    from napari import Viewer


class PrepareDock(Dock):
    """Masks, rotates and cuts; each step adds layers and can be undone."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("prepare_dock")
        self.bench = Bench(self.session, self)
        self.images = ImagesView(self.bench)
        self.look = LookView(self.bench)
        self.masking = MaskView(self.bench)
        self.rotation = RotateView(self.bench)
        self.slab = SlabView(self.bench, self.rotation)
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
        self.undo = self.bench.button("undo", "Undo", back, self._undo, self._cannot_undo)
        halt = "End what is running; nothing that was there is lost."
        stop = self.bench.button("stop", "Stop", halt, self.bench.stop, self._cannot_stop)
        self.rows.addWidget(beside(self.undo, stop))
        self.masking.changed.connect(self.bench.refresh)
        self.follow(self.session.layers_changed, self._on_layers)
        self.follow(self.session.turns, self.slab.on_turns)
        self.follow(self.session.changed, self._on_state)
        self.follow(self.session.steps_changed, self._on_steps)
        self.follow(self.viewer.cursor.events.position, self.look.on_cursor)
        self.closed.connect(self.slab.hide_drawn)
        self._on_layers()
        self._on_steps()
        if self.session.state.recipe is not None:
            for name in ("recipe", "mask", "slab", "angles", "frame"):
                self._on_state(name)

    def catch_up(self) -> None:
        """Show the session as it is now."""
        self._on_layers()
        self._on_steps()
        for name in ("series", "mask", "slab", "angles", "frame", "radiological"):
            self._on_state(name)

    def _on_layers(self) -> None:
        self.images.on_layers()
        self.masking.on_layers()
        self.bench.refresh()

    def _on_state(self, name: str) -> None:
        for part in (self.images, self.look, self.masking, self.rotation, self.slab):
            part.on_state(name)
        self.bench.refresh()

    def _on_steps(self, *_: Any) -> None:
        steps = self.session.steps
        self.undo.setText(f"Undo: {steps[-1].name}" if steps else "Undo")
        self.bench.refresh()

    def _cannot_undo(self) -> str | None:
        return self.bench.busy() or (None if self.session.steps else "Nothing was done yet.")

    def _cannot_stop(self) -> str | None:
        return None if self.bench.job is not None else "Nothing is running."

    @guard()
    def _undo(self) -> None:
        self.rotation.sliders.settle()
        with self.session.all_or_nothing():
            self.session.undo()
