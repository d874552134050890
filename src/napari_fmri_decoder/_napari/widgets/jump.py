"""Jump: to millimetres that are typed or pasted, and to the peaks of a map."""

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

from napari_fmri_decoder._napari.boxes import FloatBox, WheelGuard
from napari_fmri_decoder._napari.layers import is_preview
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.sheets import volume_index
from napari_fmri_decoder._napari.view import brain_layers
from napari_fmri_decoder._napari.widgets.parts import beside, push_button
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.peaks import Of, Peak, local_peaks, peak

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder.volumes.volume import Volume

_REACH = 10_000.0  # millimetres
_WHERE = {"x": "to the right", "y": "to anterior", "z": "to superior"}
_KINDS: dict[str, Of] = {"Maximum": "highest", "Minimum": "lowest"}
NO_SCAN = "Open a scan first."
_NO_MAP = "Show an image first: a map, or a scan."
Point = tuple[float, float, float]


def point_in(text: str) -> Point:
    """Read millimetres such as "-36, -22.5, 54" or "(-36 -22.5 54) mm".

    Raises
    ------
    InputError
        If there are not three numbers.
    """
    found = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text.replace("\u2212", "-"))
    if len(found) != 3:
        raise InputError(
            f'A point must be three numbers, x, y and z in mm, found {len(found)} in "{text[:60]}". '
            "Copy a text such as -36, -22, 54."
        )
    x, y, z = (float(number) for number in found)
    return x, y, z


class Jump(QWidget):
    """Shows where the crosshair is in the scanner, and takes it elsewhere.

    Parameters
    ----------
    dock : Dock
    below : QWidget
        What stands below.
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
        self._tips: dict[QWidget, str] = {
            copy: "Copy the crosshair's place as text: x, y, z.",
            paste: "Go to a place that was copied as text: x, y, z in mm.",
        }
        for axis, box in self.boxes.items():
            self._tips[box] = (
                f"Where the crosshair is: scanner millimetres {_WHERE[axis]}, also while the head is turned. "
                "Type a number to go there."
            )
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
        rows.addWidget(beside(copy, paste))
        rows.addWidget(beside(self.peak, self.peaks))
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
        box.setRange(-_REACH, _REACH)
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
        """Offer the peaks of the map as it is now."""
        self.menu.clear()
        with guard():
            values, affine = self._map()
            for title, of in _KINDS.items():
                self._offer(f"{title}: ", peak(values, affine, of))
            self.menu.addSection("Local peaks, 8 mm apart")
            for found in local_peaks(values, affine, most=12):
                self._offer("", found)

    def _offer(self, title: str, found: Peak) -> None:
        action: Any = self.menu.addAction(f"{title}{found.value:.4g} at {_text(found.point)}")
        action.triggered.connect(lambda *_: self._session.update(point=found.point))

    def layer(self) -> Layer | None:
        """The image whose peaks are meant: the selected one, else the topmost that is seen."""
        viewer = self._session.viewer
        brain = [layer for layer in brain_layers(viewer) if not is_preview(layer)]
        images = [layer for layer in brain if isinstance(layer, Image)]
        images = [layer for layer in images if self._session.volume(layer) is not None]
        active = viewer.layers.selection.active
        if active in images:
            return active
        seen = [layer for layer in images if layer.visible]
        return seen[-1] if seen else None

    def _map(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Voxels and affine of the volume that the layer shows now; no other is read."""
        layer = self.layer()
        volume: Volume | None = None if layer is None else self._session.volume(layer)
        if layer is None or volume is None:
            raise InputError(f"There must be an image to find the peak of. {_NO_MAP}")
        index = volume_index(layer, self._session.viewer.dims.point)
        if index is None:
            raise InputError(f"'{layer.name}' must be in sight to find its peak: it has no volume here.")
        return volume.at(index[0] if index else 0), volume.affine

    def _on_state(self, name: str) -> None:
        point = self._session.state.point
        if name == "point" and point is not None:
            for box, mm in zip(self.boxes.values(), point, strict=True):
                blocked = box.blockSignals(True)
                box.setValue(mm)
                box.blockSignals(blocked)

    def _on_layers(self, *_: Any) -> None:
        layer = self.layer()
        why = f"<p><b>{_NO_MAP}</b></p>" if layer is None else f"<p>Now: {escape(layer.name)}.</p>"
        which = "the selected image, else of the topmost one in sight"
        for button, tip in (
            (self.peak, f"Go to the voxel of {which}, that lies farthest from zero."),
            (self.peaks, f"Maximum, minimum and local peaks of {which}; of its volume that is shown."),
        ):
            button.setEnabled(layer is not None)
            button.setToolTip(f"<p>{tip}</p>{why}")
        scans = bool(brain_layers(self._session.viewer))
        for widget, tip in self._tips.items():
            widget.setEnabled(scans)
            widget.setToolTip(f"<p>{tip}</p>" + ("" if scans else f"<p><b>{NO_SCAN}</b></p>"))

    def _on_typed(self, axis: str, mm: float) -> None:
        """Move along one axis; what the other boxes round stays as it is."""
        point = list(self._session.state.point or (0.0, 0.0, 0.0))
        point["xyz".index(axis)] = mm
        x, y, z = point
        self._session.update(point=(x, y, z))

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self._session.state.point is not None and clipboard is not None:
            clipboard.setText(_text(self._session.state.point))

    @guard()
    def _paste(self) -> None:
        clipboard = QApplication.clipboard()
        self._session.update(point=point_in(clipboard.text() if clipboard is not None else ""))


def _button(name: str, text: str, slot: Any) -> QPushButton:
    made = push_button(name, text)
    made.clicked.connect(lambda *_: slot())
    return made


def _text(point: Point) -> str:
    return ", ".join(f"{round(mm, 2) + 0.0:g}" for mm in point)
