"""Coordinates of the crosshair, which can be typed or pasted, and the peaks of a map."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QFormLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.layers.to_layer import is_preview
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import push_button, row
from napari_fmri_decoder._napari.qt.spin_boxes import FloatBox, WheelGuard
from napari_fmri_decoder._napari.view.layer_slice import volume_index
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.peaks import Of, Peak, local_peaks, peak

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder.volumes.volume import Volume

_MAX_MM = 10_000.0
_DIRECTIONS = {"x": "to the right", "y": "to anterior", "z": "to superior"}
_KINDS: dict[str, Of] = {"Maximum": "highest", "Minimum": "lowest"}
NO_SCAN = "Open a scan first."
_NO_MAP = "Show an image first: a map, or a scan."
Point = tuple[float, float, float]


def point_in(text: str) -> Point:
    """Read millimeters such as "-36, -22.5, 54" or "(-36 -22.5 54) mm".

    Raises
    ------
    InputError
        If the text does not hold three numbers.
    """
    found = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text.replace("\u2212", "-"))
    if len(found) != 3:
        raise InputError(
            f'A point must be three numbers, x, y and z in mm, but "{text[:60]}" has {len(found)}. '
            "Copy a text such as -36, -22, 54."
        )
    x, y, z = (float(number) for number in found)
    return x, y, z


class Coordinates(QWidget):
    """Shows and sets the position of the crosshair in scanner coordinates.

    Parameters
    ----------
    dock : Dock
    below : QWidget
        Widget shown below.
    """

    def __init__(self, dock: Dock, below: QWidget) -> None:
        super().__init__()
        self._session = dock.session
        self.boxes = {axis: self._box(axis) for axis in "xyz"}
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        for axis, box in self.boxes.items():
            form.addRow(axis, box)
        copy = _button("copy_point", "Copy", self._copy)
        paste = _button("paste_point", "Paste", self._paste)
        copy.setWhatsThis("Copy the position of the crosshair as text: x, y, z.")
        paste.setWhatsThis("Go to a position that was copied as text: x, y, z in mm.")
        for axis, box in self.boxes.items():
            box.setWhatsThis(
                f"Crosshair position in scanner millimeters {_DIRECTIONS[axis]}, also in a rotated view. "
                "Type a number to go there."
            )
        self._controls = (copy, paste, *self.boxes.values())
        self.peak = _button("peak", "Peak", self.to_peak)
        self.peaks = QPushButton("Peaks")
        self.peaks.setObjectName("peaks")
        self.menu = QMenu(self.peaks)
        self.menu.setObjectName("peaks_menu")
        self.menu.aboutToShow.connect(self.fill_menu)
        self.peaks.setMenu(self.menu)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2, 0, 2, 0)
        rows.addLayout(form)
        rows.addWidget(row(copy, paste))
        rows.addWidget(row(self.peak, self.peaks))
        rows.addWidget(below)
        rows.addStretch(1)
        dock.follow(self._session.changed, self._on_state)
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(dock.viewer.layers.selection.events.active, self._on_layers)
        self._on_state("point")
        self._on_layers()

    def _box(self, axis: str) -> FloatBox:
        box = FloatBox()
        box.setObjectName(f"point_{axis}")
        box.setRange(-_MAX_MM, _MAX_MM)
        box.setDecimals(2)
        box.setSuffix(" mm")
        box.setKeyboardTracking(False)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(WheelGuard(box))
        box.valueChanged.connect(lambda mm: self._on_typed(axis, mm))
        return box

    def to_peak(self, of: Of = "absolute") -> None:
        """Go to the peak of the map."""
        with guard():
            self._session.update(point=peak(*self._map(), of).point)

    def fill_menu(self) -> None:
        """List the peaks of the current map in the menu."""
        self.menu.clear()
        with guard():
            values, affine = self._map()
            for title, of in _KINDS.items():
                self._add_action(f"{title}: ", peak(values, affine, of))
            self.menu.addSection("Local peaks, 8 mm apart")
            for found in local_peaks(values, affine, most=12):
                self._add_action("", found)

    def _add_action(self, title: str, found: Peak) -> None:
        action: Any = self.menu.addAction(f"{title}{found.value:.4g} at {_text(found.point)}")
        action.triggered.connect(lambda *_: self._session.update(point=found.point))

    def layer(self) -> Layer | None:
        """Return the image whose peaks are found: the selected one, else the topmost visible one."""
        viewer = self._session.viewer
        brain = [layer for layer in brain_layers(viewer) if not is_preview(layer)]
        images = [layer for layer in brain if isinstance(layer, Image)]
        images = [layer for layer in images if self._session.volume(layer) is not None]
        active = viewer.layers.selection.active
        if active in images:
            return active
        visible = [layer for layer in images if layer.visible]
        return visible[-1] if visible else None

    def _map(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return voxels and affine of the current volume of the layer; no other is read."""
        layer = self.layer()
        volume: Volume | None = None if layer is None else self._session.volume(layer)
        if layer is None or volume is None:
            raise InputError(f"Finding a peak needs an image. {_NO_MAP}")
        index = volume_index(layer, self._session.viewer.dims.point)
        if index is None:
            raise InputError(
                f"'{layer.name}' has no volume at this slider position. Move the slider to find its peak."
            )
        return volume.at(index[0] if index else 0), volume.affine

    def _on_state(self, name: str) -> None:
        point = self._session.state.scene.point
        if name == "point" and point is not None:
            for box, mm in zip(self.boxes.values(), point, strict=True):
                blocked = box.blockSignals(True)
                box.setValue(mm)
                box.blockSignals(blocked)

    def _on_layers(self, *_: Any) -> None:
        layer = self.layer()
        image = "the selected image, or of the topmost visible one"
        now = "" if layer is None else f" Now: {escape(layer.name)}."
        why = _NO_MAP if layer is None else None
        set_available(self.peak, why, f"Go to the voxel of {image}, that is farthest from zero.{now}")
        set_available(
            self.peaks, why, f"Maximum, minimum and local peaks of {image}, in its current volume.{now}"
        )
        why = None if brain_layers(self._session.viewer) else NO_SCAN
        for widget in self._controls:
            set_available(widget, why)

    def _on_typed(self, axis: str, mm: float) -> None:
        """Move along one axis; the exact coordinates of the other axes stay."""
        point = list(self._session.state.scene.point or (0.0, 0.0, 0.0))
        point["xyz".index(axis)] = mm
        x, y, z = point
        self._session.update(point=(x, y, z))

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self._session.state.scene.point is not None and clipboard is not None:
            clipboard.setText(_text(self._session.state.scene.point))

    @guard()
    def _paste(self) -> None:
        clipboard = QApplication.clipboard()
        self._session.update(point=point_in(clipboard.text() if clipboard is not None else ""))


def _button(name: str, text: str, slot: Any) -> QPushButton:
    button = push_button(name, text)
    button.clicked.connect(lambda *_: slot())
    return button


def _text(point: Point) -> str:
    return ", ".join(f"{round(mm, 2) + 0.0:g}" for mm in point)
