"""Coordinates of the crosshair, which can be typed or pasted, and the peaks of a map."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QApplication, QFormLayout, QMenu, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.number import Number
from napari_fmri_decoder._napari.layers.to_layer import is_preview
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import native_row
from napari_fmri_decoder._napari.view.layer_slice import volume_index
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.peaks import Of, Peak, local_peaks, peak

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets import PushButton
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder.volumes.volume import Volume

_MAX_MM = 10_000.0
_DIRECTIONS = {"x": "to the right", "y": "to anterior", "z": "to superior"}
COPY = "Copy the position of the crosshair as text: x, y, z."
PASTE = "Go to a position that was copied as text: x, y, z in mm."
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

    Attributes
    ----------
    boxes : dict of Number
        Scanner millimeters along "x", "y" and "z".
    """

    def __init__(self, dock: Dock, below: QWidget) -> None:
        super().__init__()
        self._session = dock.session
        self.boxes = {axis: self._box(axis) for axis in "xyz"}
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        for axis, box in self.boxes.items():
            form.addRow(axis, box.native)
        self.copy = _button("copy_point", "Copy", self._copy, COPY)
        self.paste = _button("paste_point", "Paste", self._paste, PASTE)
        self.peak = _button("peak", "Peak", self.to_peak)
        self.peaks = push_button("peaks", "Peaks")
        self.menu = QMenu(self.peaks.native)
        self.menu.setObjectName("peaks_menu")
        self.menu.aboutToShow.connect(self.fill_menu)
        self.peaks.native.setMenu(self.menu)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2, 0, 2, 0)
        rows.addLayout(form)
        rows.addWidget(native_row(self.copy.native, self.paste.native))
        rows.addWidget(native_row(self.peak.native, self.peaks.native))
        self.error = Message("point_error")
        rows.addWidget(self.error)
        rows.addWidget(below)
        rows.addStretch(1)
        dock.follow(self._session.changed, self._on_state)
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(dock.viewer.layers.selection.events.active, self._on_layers)
        self._on_state("point")
        self._on_layers()

    def _box(self, axis: str) -> Number:
        box = Number(name=f"point_{axis}", label=axis, min=-_MAX_MM, max=_MAX_MM, unit="mm")
        prepare_control(box, f"point_{axis}", axis, _axis_tip(axis))
        box.changed.connect(lambda mm: self._on_typed(axis, mm))
        return box

    def to_peak(self, of: Of = "absolute") -> None:
        """Go to the peak of the map."""
        with guard(self.error):
            self._session.update(point=peak(*self._map(), of).point)

    def fill_menu(self) -> None:
        """List the peaks of the current map in the menu."""
        self.menu.clear()
        with guard(self.error):
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
                with box.changed.blocked():
                    box.value = round(float(np.clip(mm, -_MAX_MM, _MAX_MM)), 2)

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
        set_available(self.copy, why, COPY)
        set_available(self.paste, why, PASTE)
        for axis, box in self.boxes.items():
            set_available(box, why, _axis_tip(axis))

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

    @guard("error")
    def _paste(self) -> None:
        clipboard = QApplication.clipboard()
        self._session.update(point=point_in(clipboard.text() if clipboard is not None else ""))


def _axis_tip(axis: str) -> str:
    return (
        f"Crosshair position in scanner millimeters {_DIRECTIONS[axis]}, also in a rotated view. "
        "Type a number to go there."
    )


def _button(name: str, text: str, slot: Callable[[], Any], tip: str = "") -> PushButton:
    button = push_button(name, text, tip)
    button.changed.connect(lambda _: slot())
    return button


def _text(point: Point) -> str:
    return ", ".join(f"{round(mm, 2) + 0.0:g}" for mm in point)
