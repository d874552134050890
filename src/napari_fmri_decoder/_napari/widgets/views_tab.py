"""The tab Views: planes and sides, three linked slices, the crosshair and what lies under it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.boxes import WheelGuard
from napari_fmri_decoder._napari.crosshair import Crosshair
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.layers import is_preview
from napari_fmri_decoder._napari.sheets import name_of_label, value_at
from napari_fmri_decoder._napari.view import brain_layers, plane_of
from napari_fmri_decoder._napari.widgets.jump import NO_SCAN, Jump
from napari_fmri_decoder._napari.widgets.orthogonal import PAUSE, Orthogonal
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder.volumes.directions import degrees_turned

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder._napari.view import Plane

PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


class ViewsTab(QWidget):
    """Looks at the head."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("views_tab")
        self._session = session = dock.session
        self.crosshair = Crosshair(dock)
        self.planes = {plane: self._plane_button(plane) for plane in PLANES}
        self.in_3d = QPushButton("3-D")
        self.in_3d.setObjectName("views_3d")
        self.in_3d.setCheckable(True)
        self.in_3d.clicked.connect(self._on_3d)
        self.convention = QComboBox()
        self.convention.setObjectName("convention")
        self.convention.addItem("neurological", False)
        self.convention.addItem("radiological", True)
        self.convention.setToolTip(
            "<p>Neurological: the patient's left is on the left. Radiological: it is on the right, as if we "
            "looked from the feet, or from in front.</p>"
        )
        self.convention.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.convention.installEventFilter(WheelGuard(self.convention))
        self.convention.currentIndexChanged.connect(
            lambda *_: session.update(radiological=self.convention.currentData())
        )
        self.lines = QCheckBox("crosshair")
        self.lines.setObjectName("show_crosshair")
        self.lines.setToolTip(
            "<p>Draw the crosshair over the canvas and the slices. A click on the canvas sets it, also while "
            "it is not drawn; a drag with Shift moves it.</p>"
        )
        self.lines.setChecked(True)
        self.lines.toggled.connect(self._on_lines)
        self.turned = words(name="turned_by")
        self.values = words(name="values_here")
        self.values.setToolTip("<p>What the voxels at the crosshair hold, as they are in the scans.</p>")
        self.jump = Jump(dock, self.values)
        self.slices = Orthogonal(dock, self.crosshair, self.jump)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.addWidget(beside(*self.planes.values(), self.in_3d))
        rows.addWidget(beside(self.convention, self.lines))
        rows.addWidget(self.turned)
        rows.addWidget(self.slices, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._show_values)
        dims = dock.viewer.dims.events
        for signal in (dims.order, dims.ndisplay):
            dock.follow(signal, self._on_dims)
        dock.follow(dims.point, self._later)
        dock.follow(session.changed, self._on_state)
        dock.follow(session.layers_changed, self._on_layers)
        self._on_state("frame")
        self._on_state("radiological")
        self._on_layers()

    def _plane_button(self, plane: Plane) -> QPushButton:
        made = QPushButton(plane.capitalize())
        made.setObjectName(f"views_{plane}")
        made.setCheckable(True)
        made.clicked.connect(lambda *_: self._look(plane))
        return made

    def _look(self, plane: Plane) -> None:
        self._session.look(plane)
        self._on_dims()

    def _on_3d(self, on: bool) -> None:
        self._session.viewer.dims.ndisplay = 3 if on else 2

    def _on_lines(self, on: bool) -> None:
        self.crosshair.visible = on
        self.slices.later()

    def _on_dims(self, event: Any = None) -> None:
        """Press the button of what is shown."""
        viewer = self._session.viewer
        in_3d = viewer.dims.ndisplay == 3
        plane = plane_of(viewer) if viewer.dims.ndim > 2 and brain_layers(viewer) else None
        for name, button in self.planes.items():
            button.setChecked(not in_3d and name == plane)
        self.in_3d.setChecked(in_3d)

    def _on_layers(self) -> None:
        why = None if brain_layers(self._session.viewer) else NO_SCAN
        for plane, button in self.planes.items():
            sides = "anterior is on the right" if plane == "sagittal" else "left lies where you choose below"
            tip = f"<p>Look at {plane} slices on the canvas; {sides}.</p>"
            _grey(button, tip, why)
        _grey(self.in_3d, "<p>Look at the head in three dimensions, as napari's own button does.</p>", why)
        self._on_dims()
        self._later()

    def _on_state(self, name: str) -> None:
        state = self._session.state
        if name == "radiological":
            self.convention.setCurrentIndex(int(state.radiological))
        elif name == "frame":
            angle = degrees_turned(state.frame.matrix)
            self.turned.setVisible(not state.frame.is_identity)
            self.turned.setText(
                f"The head is shown turned by {angle:.1f}°: letters name the closest direction. Millimetres "
                "here are the scanner's; napari's status bar counts along the turned axes."
            )
        if name in ("frame", "point"):
            self._later()

    def _later(self, event: Any = None) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _show_values(self) -> None:
        """List what each brain layer holds at the crosshair, topmost first as in napari's list."""
        viewer, point = self._session.viewer, self._session.state.point
        lines = []
        for layer in reversed(brain_layers(viewer)):
            if point is None:
                break
            if is_preview(layer):
                continue
            value = value_at(layer, point, viewer.dims.point)
            said = "outside" if value is None else f"{value:.4g}"
            name = None if value is None else name_of_label(layer, value)
            said = f"{escape(name)} ({said})" if name else said
            shown = f"{escape(layer.name)}: <b>{said}</b>"
            lines.append(shown if layer.visible else f"<i>{shown}</i> (hidden)")
        self.values.setText("<br>".join(lines))

    def showEvent(self, event: Any) -> None:
        """Read what came while hidden."""
        super().showEvent(event)
        self._later()

    def hideEvent(self, event: Any) -> None:
        """Rest."""
        self._timer.stop()
        super().hideEvent(event)


def _grey(button: QPushButton, tip: str, why: str | None) -> None:
    button.setEnabled(why is None)
    button.setToolTip(tip + (f"<p><b>{why}</b></p>" if why else ""))
