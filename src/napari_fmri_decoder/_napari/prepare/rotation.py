"""Rotation: all brain layers are rotated together, until the slab to cut is straight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fmri_decoder._napari.forms.angle_slider import AngleSlider
from napari_fmri_decoder._napari.forms.controls import check_box, choice_box
from napari_fmri_decoder._napari.forms.field_widgets import limits_of
from napari_fmri_decoder._napari.forms.native import align_labels
from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import is_lazy_labels
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.throttle import Throttle
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import Frame, apply_affine

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder._napari.viewer.state import Step

Angles = tuple[float, float, float]
"""Degrees about x, y and z."""
LIVE = "All brain layers rotate while it is moved."
FAR = "Choose the center if the scanner origin is far outside the head."
SHOW = (
    "On: all images are rotated, so that the slab is straight. Off: scanner space, in which the slab is "
    "oblique."
)
_PAUSE = 30  # milliseconds between two rotations while a slider is dragged
_REST = 300  # milliseconds without a rotation until labels can be painted again


class RotationStep(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Sets the angles of the slab and the frame of the viewer; the images rotate while angles change.

    Attributes
    ----------
    rotate_x, rotate_y, rotate_z : AngleSlider
    pivot : ComboBox
        "origin", "center", or the point of a recipe in millimeters.
    show_rotated : CheckBox
    rotated : Signal
        Sent with the angles while they change, at a limited rate.
    """

    rotated = Signal(object)

    def __init__(self, jobs: PrepareJobs) -> None:
        self._points: list[tuple[float, float, float]] = []  # of recipes
        fields = SlabConfig.model_fields
        sliders = [_slider(axis) for axis in "xyz"]
        pivot = choice_box("pivot", "Pivot", f"{fields['pivot'].description}</p><p>{FAR}", self._pivots)
        rotated = check_box("show_rotated", "Show rotated", SHOW)
        super().__init__(widgets=[*sliders, pivot, rotated], name="rotation")
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        self._sliders = sliders
        self._jobs, self._session = jobs, jobs.session
        self._step: Step | None = None
        self._rest = QTimer(self.native)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._session.materialize_labels)
        self._throttle = Throttle(self.native, lambda: self.rotated.emit(self.angles), _PAUSE)
        tip = "Undo the rotation of images and slab."
        button = jobs.button("reset_rotation", "Reset rotation", tip, self.reset, self._cannot_reset)
        self.append(button)
        for slider in sliders:
            slider.changed.connect(lambda _: self._throttle.change())
        self.rotated.connect(self._on_angles)
        self.pivot.changed.connect(lambda _: self._on_angles(self.angles))
        self.show_rotated.changed.connect(self._on_show)

    @property
    def angles(self) -> Angles:
        """Degrees about x, y and z."""
        x, y, z = (slider.value for slider in self._sliders)
        return x, y, z

    def settle(self) -> None:
        """Send a pending change now, before another step."""
        self._throttle.settle()

    def set_angles(self, angles: Angles) -> None:
        """Set the sliders without rotating."""
        self._throttle.drop()
        for slider, angle in zip(self._sliders, angles, strict=True):
            if slider.value != angle:
                with slider.changed.blocked():
                    slider.value = angle

    def _pivots(self, _: object) -> list[tuple[str, Any]]:
        points = [(", ".join(f"{v:g}" for v in point) + " mm", point) for point in self._points]
        return [("Scanner origin", "origin"), ("Center of the series", "center"), *points]

    def point(self) -> tuple[float, float, float] | None:
        """The pivot in scanner millimeters; None for the scanner origin."""
        series, pivot = self._session.series, self.pivot.value
        if isinstance(pivot, (tuple, list)):
            x, y, z = pivot
            return float(x), float(y), float(z)
        if pivot == "origin" or series is None:
            return None
        x, y, z = apply_affine(series.affine, (np.array(series.shape[:3]) - 1) / 2)
        return float(x), float(y), float(z)

    def set_point(self, point: tuple[float, float, float] | None) -> None:
        """Set the pivot without rotating; the point of a recipe is added as another choice."""
        with self.pivot.changed.blocked():
            self._points = []
            self.pivot.reset_choices()
            self.pivot.value = "origin" if point is None else "center"
            if point is not None and not np.allclose(self.point() or np.inf, point, atol=1e-9):
                self._points = [point]
                self.pivot.reset_choices()
                self.pivot.value = point

    def frame(self) -> Frame:
        """The frame in which a slab of these angles is straight, also for oblique acquisitions."""
        rotated = Frame.from_angles(*self.angles, self.point())
        series = self._session.series
        return rotated if series is None else rotated.then(Frame.straightening(series.affine))

    def on_state(self, name: str) -> None:
        """Follow the session."""
        state = self._session.state
        if name == "slab" and state.preparation.slab is not None:
            self.set_point(state.preparation.slab.pivot)
        elif name == "pivot":
            self.set_point(state.scene.pivot)
        elif name == "angles":
            self.set_angles(self._session.state.scene.angles)
        elif name == "frame":
            with self.show_rotated.changed.blocked():
                self.show_rotated.value = not self._session.state.scene.frame.is_identity
            if any(is_lazy_labels(layer) for layer in self._session.viewer.layers):
                self._rest.start()

    def _cannot_reset(self) -> str | None:
        is_rotated = any(self.angles) or not self._session.state.scene.frame.is_identity
        return None if is_rotated else "No rotation."

    def _on_angles(self, angles: Angles) -> None:
        self._rotate(self.frame() if any(angles) else SCANNER)

    def _on_show(self, on: bool) -> None:
        self._rotate(self.frame() if on else SCANNER)

    def reset(self) -> None:
        """Undo the rotation of images and slab."""
        self.set_angles((0.0, 0.0, 0.0))
        self._rotate(SCANNER)

    @guard()
    def _rotate(self, frame: Frame) -> None:
        """Rotate the images; consecutive rotations are one step."""
        turn: dict[str, Any] = {"angles": self.angles, "pivot": self.point()}
        steps = self._session.steps
        with all_or_nothing(self._session):
            if steps and steps[-1] is self._step:
                self._session.update(frame=frame, **turn)
            else:
                self._session.take_step("rotation", frame=frame, **turn)
                self._step = steps[-1]


def _slider(axis: str) -> AngleSlider:
    """A slider with the limits and the description of the slab's field."""
    field = SlabConfig.model_fields[f"rotate_{axis}"]
    _, limit = limits_of(field.metadata, float)
    return AngleSlider(f"rotate_{axis}", f"About {axis}", f"{field.description} {LIVE}", limit)
