"""Turning the head, live: all brain layers turn together, so that a slab to be cut lies straight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.boxes import WheelGuard
from napari_fmri_decoder._napari.layers import SCANNER, unreal
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.widgets.angle_sliders import Angles, AngleSliders
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import Frame, apply_affine

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.state import Step
    from napari_fmri_decoder._napari.widgets.bench import Bench


_REST = 300  # milliseconds without a turn, after which labels are made ready to be painted


class RotateView(QWidget):
    """Sets the angles of the slab and the frame of the viewer."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._session = bench.session
        self._step: Step | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._session.make_real)
        self.sliders = AngleSliders()
        self.sliders.turned.connect(self._on_turned)
        self.pivot = QComboBox()
        self.pivot.setObjectName("pivot")
        self.pivot.addItem("scanner origin", "origin")
        self.pivot.addItem("centre of the series", "centre")
        self.pivot.setToolTip(
            f"<p>{SlabConfig.model_fields['pivot'].description}</p><p>The centre suits a scan whose origin "
            "lies far outside of the head.</p>"
        )
        self.pivot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pivot.installEventFilter(WheelGuard(self.pivot))
        self.pivot.currentIndexChanged.connect(lambda *_: self._on_turned(self.sliders.angles))
        self.rotated = QCheckBox("show rotated")
        self.rotated.setObjectName("show_rotated")
        self.rotated.setToolTip(
            "<p>On: the head is turned, so that the slab lies straight. Off: the scanner's own space, in "
            "which the slab lies obliquely.</p>"
        )
        self.rotated.toggled.connect(self._on_show)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.sliders)
        about = QFormLayout()
        about.addRow("pivot", self.pivot)
        rows.addLayout(about)
        tip = "Turn the head back, and the slab with it."
        reset = bench.button("reset_rotation", "Reset rotation", tip, self._reset, self._cannot_reset)
        rows.addWidget(beside(self.rotated, reset))

    def point(self) -> tuple[float, float, float] | None:
        """What is turned about, in scanner millimetres; None is the scanner's origin."""
        series, chosen = self._session.series, self.pivot.currentData()
        if isinstance(chosen, (tuple, list)):
            x, y, z = chosen
            return float(x), float(y), float(z)
        if chosen == "origin" or series is None:
            return None
        x, y, z = apply_affine(series.affine, (np.array(series.shape[:3]) - 1) / 2)
        return float(x), float(y), float(z)

    def set_point(self, point: tuple[float, float, float] | None) -> None:
        """Choose what is turned about; nothing turns yet. A point of a recipe becomes a choice of its own."""
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
        """The frame in which a slab of these angles lies straight, oblique acquisition or not."""
        turned = Frame.from_angles(*self.sliders.angles, self.point())
        series = self._session.series
        return turned if series is None else turned.then(Frame.straightening(series.affine))

    def on_state(self, name: str) -> None:
        """Follow the session."""
        state = self._session.state
        if name == "slab" and state.slab is not None:
            self.set_point(state.slab.pivot)
        elif name == "angles":
            self.sliders.set_angles(self._session.state.angles)
        elif name == "frame":
            blocked = self.rotated.blockSignals(True)
            self.rotated.setChecked(not self._session.state.frame.is_identity)
            self.rotated.blockSignals(blocked)
            if any(unreal(layer) for layer in self._session.viewer.layers):
                self._rest.start()

    def _cannot_reset(self) -> str | None:
        turned = any(self.sliders.angles) or not self._session.state.frame.is_identity
        return None if turned else "The head is not turned."

    def _on_turned(self, angles: Angles) -> None:
        self._turn(self.frame() if any(angles) else SCANNER)

    def _on_show(self, on: bool) -> None:
        self._turn(self.frame() if on else SCANNER)

    def _reset(self) -> None:
        self.sliders.set_angles((0.0, 0.0, 0.0))
        self._turn(SCANNER)

    @guard()
    def _turn(self, frame: Frame) -> None:
        """Turn the viewer; what is turned in a row is one step."""
        angles, steps = self.sliders.angles, self._session.steps
        with self._session.all_or_nothing():
            if steps and steps[-1] is self._step:
                self._session.update(angles=angles, frame=frame)
            else:
                self._session.take_step("rotation", angles=angles, frame=frame)
                self._step = steps[-1]
