"""The Map tab: threshold, colors and opacity of a statistical map."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSlider, QWidget

from napari_fmri_decoder._napari.layers.colormaps import Signs, cold_hot
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.qt.availability import set_available, tooltip
from napari_fmri_decoder._napari.qt.dock import text_label
from napari_fmri_decoder._napari.qt.layer_box import LayerBox
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import row
from napari_fmri_decoder._napari.qt.spin_boxes import FloatBox, WheelGuard
from napari_fmri_decoder._napari.view.layer_slice import volume_index
from napari_fmri_decoder._napari.view.map_display import (
    DISPLAY,
    MapDisplay,
    describe_opacity,
    describe_threshold,
    display_of,
)
from napari_fmri_decoder._napari.view.opacity_overlay import OpacityOverlays
from napari_fmri_decoder.volumes.thresholds import p_of_threshold, threshold_of_p

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.dock import Dock

NO_MAP = "Open a statistical map, or any image with positive and negative values."
SIGNS: tuple[Signs, ...] = ("both", "positive", "negative")
_STEPS = 1000
_HEADROOM = 1.5  # color limit divided by a threshold that exceeded it
_OPACITY_SET = "Another map sets the opacity, so there is no threshold. Choose none there to set one."

_WEIGHT_TIP = "Another map that sets the opacity of this one, voxel by voxel."


class MapTab(QWidget):
    """Sets the threshold, colors and opacity of one map at a time; each map has its own settings."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._session = dock.session
        self._overlays = OpacityOverlays(self._session)
        self._setting = False
        self._described: tuple[Any, ...] | None = None
        self._make_controls()
        self._cleanup = QTimer(self)
        self._cleanup.setSingleShot(True)
        self._cleanup.timeout.connect(self._overlays.remove_stale)
        self.map.chosen.connect(self._show_display)
        self.signs.currentTextChanged.connect(lambda signs: self._change(signs=signs))
        self.threshold.valueChanged.connect(lambda value: self._change(threshold=value))
        self.slider.valueChanged.connect(self._on_slider)
        self.p.valueChanged.connect(self._on_p)
        self.degrees.valueChanged.connect(lambda value: self._change(degrees=value))
        self.limit.valueChanged.connect(lambda value: self._change(limit=value))
        self.bar.toggled.connect(self._on_bar)
        self.weight.chosen.connect(lambda layer: self._change(weight=layer))
        self.opaque.valueChanged.connect(lambda value: self._change(opaque_from=value))
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(self._session.viewer.layers.selection.events.active, self._on_active)
        dock.follow(self._session.viewer.dims.events.point, self._on_point)
        self._on_layers()

    def _make_controls(self) -> None:
        self.map = LayerBox("map", "The map whose display is set here.", "none")
        self.signs = QComboBox()
        self.signs.setObjectName("map_signs")
        self.signs.setWhatsThis("Show positive and negative values, or only one of them.")
        self.signs.addItems(list(SIGNS))
        tip = "Smallest absolute value that is shown: cold colors below zero, hot colors above."
        self.threshold = _number("map_threshold", tip)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("map_threshold_slider")
        self.slider.setRange(0, _STEPS)
        self.slider.setWhatsThis(tip)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.installEventFilter(WheelGuard(self.slider))
        self.p = _number(
            "map_p",
            "The threshold as a p-value: the probability that |z| (or |t|) of a voxel without effect exceeds "
            "it. Two-sided, not corrected for multiple comparisons.",
        )
        self.p.setRange(1e-300, 1)
        self.degrees = _number(
            "map_degrees", "Degrees of freedom of a t-map, used for the p-value; 0 if the map holds z."
        )
        self.degrees.setDecimals(1)
        self.limit = _number("map_limit", "Absolute value at which the colors saturate.")
        self.bar = QCheckBox("Color bar")
        self.bar.setObjectName("map_bar")
        self.bar.setWhatsThis("Show the colors with their values on the canvas.")
        self.weight = LayerBox("map_weight", _WEIGHT_TIP, "none")
        self.opaque = _number(
            "map_opaque", "Absolute value of the other map at which this one is fully opaque."
        )
        self.about = text_label(NO_MAP, "map_about")
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        rows.addRow("Map", self.map)
        rows.addRow("Signs", self.signs)
        rows.addRow("Threshold", row(self.slider, self.threshold))
        rows.addRow("p, two-sided", self.p)
        rows.addRow("Degrees of freedom (t)", self.degrees)
        rows.addRow("Color limit", self.limit)
        rows.addRow("", self.bar)
        rows.addRow("Opacity by", self.weight)
        rows.addRow("Full opacity at", self.opaque)
        rows.addRow(self.about)

    def _on_layers(self) -> None:
        images = [
            (layer, self._session.volume(layer))
            for layer in self._session.viewer.layers
            if isinstance(layer, Image) and HELPER not in layer.metadata and layer.ndim < 5
        ]
        maps = [layer for layer, volume in images if volume is not None and volume.kind == "stat"]
        others = [layer for layer, volume in images if volume is not None and layer not in maps]
        self.map.set_layers([*maps, *others])
        self.weight.set_layers([*maps, *others])
        if self.map.layer is None and maps:
            self.map.layer = maps[-1]
        self._cleanup.start(0)  # later: no layer may be removed while napari removes several
        self._show_display()

    def _on_active(self, event: Any) -> None:
        if not self._overlays.adding and event.value is not None and event.value in self._offered():
            self.map.layer = event.value

    def _offered(self) -> list[Layer]:
        volumes = ((layer, self._session.volume(layer)) for layer in self._session.viewer.layers)
        return [layer for layer, volume in volumes if volume is not None and volume.kind == "stat"]

    @property
    def display(self) -> MapDisplay | None:
        """Display settings of the selected map."""
        layer = self.map.layer
        return None if layer is None else display_of(layer, self._session.volume(layer))

    def _show_display(self, *_: Any) -> None:
        """Set the controls to the display settings of the selected map."""
        display = self.display
        no_map = NO_MAP if display is None else None
        why = _OPACITY_SET if display is not None and display.weight is not None else no_map
        for widget in (self.signs, self.threshold, self.slider, self.p, self.degrees, self.bar):
            set_available(widget, why)
        set_available(self.limit, no_map)
        set_available(self.weight, no_map, _WEIGHT_TIP)
        no_weight = "Choose a map that sets the opacity." if why is None else no_map
        set_available(self.opaque, no_weight)
        if display is None or self.map.layer is None:
            self.about.setText(NO_MAP)
            return
        self._setting = True
        self.signs.setCurrentText(display.signs)
        self.threshold.setValue(display.threshold)
        self.slider.setValue(round(_STEPS * min(1.0, display.threshold / display.limit)))
        self.p.setValue(max(p_of_threshold(display.threshold, display.degrees or None), 1e-300))
        self.degrees.setValue(display.degrees)
        self.limit.setValue(display.limit)
        self.bar.setChecked(self.map.layer.colorbar.visible)
        self.weight.layer = display.weight
        self.opaque.setValue(display.opaque_from)
        self._setting = False
        self._described = None
        self._describe()

    def _on_slider(self, step: int) -> None:
        if not self._setting and self.display is not None:
            self._change(threshold=self.display.limit * step / _STEPS)

    @guard()
    def _on_p(self, p: float) -> None:
        if not self._setting:
            self._change(threshold=threshold_of_p(p, self.degrees.value() or None))

    def _on_bar(self, on: bool) -> None:
        if self.map.layer is not None:
            self.map.layer.colorbar.visible = on

    @guard()
    def _change(self, **changes: Any) -> None:
        """Change display settings of the selected map."""
        layer, display = self.map.layer, self.display
        if self._setting or layer is None or display is None:
            return
        display = replace(display, **changes)
        display = replace(display, limit=max(display.limit, 1e-6), opaque_from=max(display.opaque_from, 1e-6))
        if "limit" not in changes and display.threshold > display.limit:  # else one color for all
            display = replace(display, limit=_HEADROOM * display.threshold)
        layer.metadata[DISPLAY] = display
        layer.contrast_limits_range = (
            min(layer.contrast_limits_range[0], -display.limit),
            max(layer.contrast_limits_range[1], display.limit),
        )
        layer.contrast_limits = (-display.limit, display.limit)
        layer.colormap = cold_hot(display.threshold, display.limit, display.signs)
        self._overlays.update(layer, display)
        self._show_display()

    def _on_point(self, event: Any) -> None:
        """Update the description: the slider may show another volume."""
        if self.isVisible():
            self._describe()

    def _describe(self) -> None:
        """Describe the threshold and what passes it; count only if something has changed."""
        layer, display = self.map.layer, self.display
        volume = self._session.volume(layer) if layer is not None else None
        if layer is None or volume is None or display is None:
            return
        index = volume_index(layer, self._session.viewer.dims.point)
        described = (volume, index, *(getattr(display, field.name) for field in fields(display)))
        if described == self._described:
            return
        self._described = described
        if display.weight is not None:
            self.about.setText(describe_opacity(layer, display))
        elif index is None:
            self.about.setText(f"{layer.name} has no volume at this slider position.")
        else:
            self.about.setText(describe_threshold(volume.at(index[0] if index else 0), display))

    def showEvent(self, event: Any) -> None:
        """Update what changed while the tab was hidden."""
        super().showEvent(event)
        self._describe()


class _Number(FloatBox):
    def textFromValue(self, value: float) -> str:
        """Write four significant digits: a threshold computed from p has many more."""
        return f"{value:.4g}"


def _number(name: str, tip: str) -> FloatBox:
    box = _Number()
    box.setObjectName(name)
    box.setWhatsThis(tip)
    box.setToolTip(tooltip(tip))
    box.setRange(0, 1e12)
    box.setDecimals(12)
    box.decade = 0.1
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(box))
    return box
