"""The Views tab: planes and sides, three linked slices, the crosshair and the values at it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from magicgui.widgets import PushButton
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import check_box, choice_box
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.layers.to_layer import is_preview
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.sections import native_row, text_label
from napari_fmri_decoder._napari.view.coordinates import NO_SCAN, Coordinates
from napari_fmri_decoder._napari.view.crosshair import Crosshair
from napari_fmri_decoder._napari.view.layer_slice import name_of_label, value_at
from napari_fmri_decoder._napari.view.linked_slices import PAUSE, LinkedSlices
from napari_fmri_decoder._napari.viewer.camera import brain_layers, plane_of
from napari_fmri_decoder.volumes.directions import rotation_angle

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.viewer.camera import Plane

PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
SIDES = ("neurological", "radiological")
SIDES_TIP = (
    "Neurological: the patient's left is on the left. Radiological: it is on the right, as seen from the "
    "feet or from the front."
)
LINES_TIP = (
    "Draw the crosshair on the canvas and the slices. A click on the canvas sets it, even if it is not "
    "drawn. Shift and drag moves it."
)


class Toggle(PushButton):
    """A button that stays pressed; setting its value sends `changed`, as a click does."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name=name, text=text)
        self.native.setCheckable(True)
        prepare_control(self, name, text, "")

    def set_value(self, value: bool) -> None:
        """Press the button, or release it."""
        before = self.value
        super().set_value(value)
        if self.value != before:
            self.changed.emit(self.value)


class ViewsTab(QWidget):
    """Controls the canvas and shows the three planes through the crosshair.

    Attributes
    ----------
    planes : dict of Toggle
        By plane.
    in_3d : Toggle
    convention : ComboBox
        "neurological" or "radiological".
    lines : CheckBox
        Whether the crosshair is drawn.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("views_tab")
        self._session = session = dock.session
        self.crosshair = Crosshair(dock)
        self.planes = {plane: self._plane_button(plane) for plane in PLANES}
        self.in_3d = Toggle("views_3d", "3-D")
        self.in_3d.changed.connect(self._on_3d)
        self.convention = choice_box("convention", "Convention", SIDES_TIP, SIDES)
        self.convention.changed.connect(lambda side: session.update(radiological=side == "radiological"))
        self.lines = check_box("show_crosshair", "Crosshair", LINES_TIP, value=True)
        self.lines.changed.connect(self._on_lines)
        dock.shortcuts.provide("crosshair", self.toggle_crosshair, dock.life)
        self.rotation_note = text_label(name="turned_by")
        self.values = text_label(name="values_here")
        self.values.setToolTip("<p>Voxel values at the crosshair, as stored in the scans.</p>")
        self.jump = Coordinates(dock, self.values)
        self.slices = LinkedSlices(dock, self.crosshair, self.jump)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.addWidget(native_row(*(button.native for button in (*self.planes.values(), self.in_3d))))
        rows.addWidget(native_row(self.convention.native, self.lines.native))
        rows.addWidget(self.rotation_note)
        rows.addWidget(self.slices, 1)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(PAUSE)
        self.timer.timeout.connect(self.show_values)
        dims = dock.viewer.dims.events
        for signal in (dims.order, dims.ndisplay):
            dock.follow(signal, self._on_dims)
        dock.follow(dims.point, self._update_soon)
        dock.follow(session.changed, self._on_state)
        dock.follow(session.layers_changed, self._on_layers)
        self._on_state("frame")
        self._on_state("radiological")
        self._on_layers()

    def _plane_button(self, plane: Plane) -> Toggle:
        button = Toggle(f"views_{plane}", plane.capitalize())
        button.changed.connect(lambda _: self.look(plane))
        return button

    def look(self, plane: Plane) -> None:
        """Show a plane on the canvas."""
        self._session.look(plane)
        self._on_dims()

    def toggle_crosshair(self) -> None:
        """Show the crosshair, or hide it."""
        self.lines.value = not self.lines.value

    def _on_3d(self, on: bool) -> None:
        self._session.viewer.dims.ndisplay = 3 if on else 2

    def _on_lines(self, on: bool) -> None:
        self.crosshair.visible = on
        self.slices.draw_soon()

    def _on_dims(self, event: Any = None) -> None:
        """Check the button of the current plane, or of 3-D."""
        viewer = self._session.viewer
        in_3d = viewer.dims.ndisplay == 3
        plane = plane_of(viewer) if viewer.dims.ndim > 2 and brain_layers(viewer) else None
        shown = {name: not in_3d and name == plane for name in PLANES}
        for button, on in ((self.in_3d, in_3d), *((self.planes[name], on) for name, on in shown.items())):
            with button.changed.blocked():
                button.value = on

    def _on_layers(self) -> None:
        why = None if brain_layers(self._session.viewer) else NO_SCAN
        for plane, button in self.planes.items():
            sides = "Anterior is on the right." if plane == "sagittal" else "The side of left is set below."
            set_available(button, why, f"Show {plane} slices on the canvas. {sides}")
        set_available(self.in_3d, why, "Show the brain in three dimensions, like napari's own button.")
        self._on_dims()
        self._update_soon()

    def _on_state(self, name: str) -> None:
        state = self._session.state
        if name == "radiological":
            self.convention.value = SIDES[state.scene.radiological]
        elif name == "frame":
            angle = rotation_angle(state.scene.frame.matrix)
            self.rotation_note.setVisible(not state.scene.frame.is_identity)
            self.rotation_note.setText(
                f"The view is rotated by {angle:.1f}°. Letters give the closest direction. Millimeters here "
                "are scanner coordinates; napari's status bar uses the rotated axes."
            )
        if name in ("frame", "point"):
            self._update_soon()

    def _update_soon(self, event: Any = None) -> None:
        if self.isVisible() and not self.timer.isActive():
            self.timer.start()

    def show_values(self) -> None:
        """List the value of each brain layer at the crosshair, in the order of napari's layer list."""
        viewer, point = self._session.viewer, self._session.state.scene.point
        lines = []
        for layer in reversed(brain_layers(viewer)):
            if point is None:
                break
            if is_preview(layer):
                continue
            value = value_at(layer, point, viewer.dims.point)
            text = "outside" if value is None else f"{value:.4g}"
            name = None if value is None else name_of_label(layer, value)
            text = f"{escape(name)} ({text})" if name else text
            line = f"{escape(layer.name)}: <b>{text}</b>"
            lines.append(line if layer.visible else f"<i>{line}</i> (hidden)")
        self.values.setText("<br>".join(lines))

    def showEvent(self, event: Any) -> None:
        """Update what changed while the tab was hidden."""
        super().showEvent(event)
        self._update_soon()

    def hideEvent(self, event: Any) -> None:
        """Stop the timer."""
        self.timer.stop()
        super().hideEvent(event)
