"""Rotation: all brain layers are rotated together, until the slab to cut is straight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import is_lazy_labels
from napari_fmri_decoder._napari.prepare.angle_sliders import Angles, AngleSliders
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import row
from napari_fmri_decoder._napari.qt.spin_boxes import WheelGuard
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import Frame, apply_affine

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder._napari.viewer.state import Step


_REST = 300  # milliseconds without a rotation until labels can be painted again


class RotateView(QWidget):
    """Sets the angles of the slab and the frame of the viewer."""

    def __init__(self, jobs: PrepareJobs) -> None:
        super().__init__()
        self._session = jobs.session
        self._step: Step | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._session.materialize_labels)
        self.sliders = AngleSliders()
        self.sliders.rotated.connect(self._on_angles)
        self.pivot = QComboBox()
        self.pivot.setObjectName("pivot")
        self.pivot.addItem("scanner origin", "origin")
        self.pivot.addItem("center of the series", "center")
        self.pivot.setToolTip(
            f"<p>{SlabConfig.model_fields['pivot'].description}</p><p>Choose the center if the scanner "
            "origin is far outside the head.</p>"
        )
        self.pivot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pivot.installEventFilter(WheelGuard(self.pivot))
        self.pivot.currentIndexChanged.connect(lambda *_: self._on_angles(self.sliders.angles))
        self.rotated = QCheckBox("show rotated")
        self.rotated.setObjectName("show_rotated")
        self.rotated.setToolTip(
            "<p>On: all images are rotated, so that the slab is straight. Off: scanner space, in which the "
            "slab is oblique.</p>"
        )
        self.rotated.toggled.connect(self._on_show)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.sliders)
        about = QFormLayout()
        about.addRow("pivot", self.pivot)
        rows.addLayout(about)
        tip = "Undo the rotation of images and slab."
        reset = jobs.button("reset_rotation", "Reset rotation", tip, self._reset, self._cannot_reset)
        rows.addWidget(row(self.rotated, reset))

    def point(self) -> tuple[float, float, float] | None:
        """The pivot in scanner millimeters; None for the scanner origin."""
        series, pivot = self._session.series, self.pivot.currentData()
        if isinstance(pivot, (tuple, list)):
            x, y, z = pivot
            return float(x), float(y), float(z)
        if pivot == "origin" or series is None:
            return None
        x, y, z = apply_affine(series.affine, (np.array(series.shape[:3]) - 1) / 2)
        return float(x), float(y), float(z)

    def set_point(self, point: tuple[float, float, float] | None) -> None:
        """Set the pivot without rotating; the point of a recipe is added as another choice."""
        blocked = self.pivot.blockSignals(True)
        for i in range(self.pivot.count() - 1, 1, -1):
            self.pivot.removeItem(i)
        self.pivot.setCurrentIndex(0)
        if point is not None:
            self.pivot.setCurrentIndex(1)
            if self.point() is None or not np.allclose(self.point() or 0, point, atol=1e-9):
                self.pivot.addItem(", ".join(f"{v:g}" for v in point) + " mm", point)
                self.pivot.setCurrentIndex(2)
        self.pivot.blockSignals(blocked)

    def frame(self) -> Frame:
        """The frame in which a slab of these angles is straight, also for oblique acquisitions."""
        rotated = Frame.from_angles(*self.sliders.angles, self.point())
        series = self._session.series
        return rotated if series is None else rotated.then(Frame.straightening(series.affine))

    def on_state(self, name: str) -> None:
        """Follow the session."""
        state = self._session.state
        if name == "slab" and state.preparation.slab is not None:
            self.set_point(state.preparation.slab.pivot)
        elif name == "angles":
            self.sliders.set_angles(self._session.state.scene.angles)
        elif name == "frame":
            blocked = self.rotated.blockSignals(True)
            self.rotated.setChecked(not self._session.state.scene.frame.is_identity)
            self.rotated.blockSignals(blocked)
            if any(is_lazy_labels(layer) for layer in self._session.viewer.layers):
                self._rest.start()

    def _cannot_reset(self) -> str | None:
        is_rotated = any(self.sliders.angles) or not self._session.state.scene.frame.is_identity
        return None if is_rotated else "No rotation."

    def _on_angles(self, angles: Angles) -> None:
        self._rotate(self.frame() if any(angles) else SCANNER)

    def _on_show(self, on: bool) -> None:
        self._rotate(self.frame() if on else SCANNER)

    def _reset(self) -> None:
        self.sliders.set_angles((0.0, 0.0, 0.0))
        self._rotate(SCANNER)

    @guard()
    def _rotate(self, frame: Frame) -> None:
        """Rotate the images; consecutive rotations are one step."""
        angles, steps = self.sliders.angles, self._session.steps
        with all_or_nothing(self._session):
            if steps and steps[-1] is self._step:
                self._session.update(angles=angles, frame=frame)
            else:
                self._session.take_step("rotation", angles=angles, frame=frame)
                self._step = steps[-1]
