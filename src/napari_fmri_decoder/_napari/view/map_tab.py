"""The Map tab: threshold, colors and opacity of a statistical map."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Slider
from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_fmri_decoder._napari.forms.choices import LayerChoice
from napari_fmri_decoder._napari.forms.controls import check_box, choice_box, push_button
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.number import FloatBox, Number
from napari_fmri_decoder._napari.layers.colormaps import Signs, cold_hot
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import native_row, text_label
from napari_fmri_decoder._napari.results.picture import open_picture_dialog
from napari_fmri_decoder._napari.view.layer_slice import volume_index
from napari_fmri_decoder._napari.view.map_display import (
    DISPLAY,
    TIPS,
    MapDisplay,
    describe_opacity,
    describe_threshold,
    display_of,
    marks_of,
    step_threshold,
)
from napari_fmri_decoder._napari.view.opacity_overlay import OpacityOverlays
from napari_fmri_decoder._napari.viewer.color_bar import show_color_bar
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.thresholds import p_of_threshold, threshold_of_p

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.results.picture import PictureDialog

NO_MAP = "Open a statistical map, or any image with positive and negative values."
SIGNS: tuple[Signs, ...] = ("both", "positive", "negative")
_STEPS = 1000
_HEADROOM = 1.5  # color limit divided by a threshold that exceeded it
_OPACITY_SET = "Another map sets the opacity, so there is no threshold. Choose none there to set one."
_LEAST_P, _DECIMALS = 1e-300, 310  # Qt rounds to decimals


class MapTab(QWidget):
    """Sets the threshold, colors and opacity of one map at a time; each map has its own settings.

    Attributes
    ----------
    layer : LayerChoice
        The map.
    signs : ComboBox
        "both", "positive" or "negative".
    threshold, p, degrees, limit, opaque : Number
    slider : Slider
        The threshold in thousandths of the color limit.
    bar : CheckBox
    weight : LayerChoice
        The map that sets the opacity.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._session = dock.session
        self._overlays = OpacityOverlays(self._session)
        self._setting = False
        self._images: list[Layer] = []  # to choose from: maps, then others
        self._described: tuple[Any, ...] | None = None
        self._make_controls()
        self._cleanup = QTimer(self)
        self._cleanup.setSingleShot(True)
        self._cleanup.timeout.connect(self._overlays.remove_stale)
        self.layer.changed.connect(self._show_display)
        self.signs.changed.connect(lambda signs: self._change(signs=signs))
        self.threshold.changed.connect(lambda value: self._change(threshold=value))
        self.slider.changed.connect(self._on_slider)
        self.p.changed.connect(self._on_p)
        self.degrees.changed.connect(lambda value: self._change(degrees=value))
        self.limit.changed.connect(lambda value: self._change(limit=value))
        self.bar.changed.connect(self._on_bar)
        self.weight.changed.connect(lambda layer: self._change(weight=layer))
        self.opaque.changed.connect(lambda value: self._change(opaque_from=value))
        dock.follow(self._session.layers_changed, self._on_layers)
        dock.follow(self._session.viewer.layers.selection.events.active, self._on_active)
        dock.follow(self._session.viewer.dims.events.point, self._on_point)
        dock.shortcuts.provide("lower", partial(self.step_threshold, -1), dock.life)
        dock.shortcuts.provide("raise", partial(self.step_threshold, 1), dock.life)
        self._on_layers()

    def step_threshold(self, steps: int) -> None:
        """Raise the threshold of the map by steps of 1/50 of its color limit, or lower it."""
        if self.display is None:
            raise InputError(NO_MAP)
        self.threshold.value = step_threshold(self.display, steps)

    def _make_controls(self) -> None:
        self.layer = LayerChoice("map", "Map", TIPS["map"], lambda: self._images)
        self.signs = choice_box("map_signs", "Signs", TIPS["map_signs"], SIGNS)
        self.threshold = _number("map_threshold", "Threshold")
        self.slider = Slider(
            name="map_threshold_slider", label="Threshold", min=0, max=_STEPS, step=1, readout=False
        )
        prepare_control(self.slider, "map_threshold_slider", "Threshold", TIPS["map_threshold_slider"])
        self.p = _number("map_p", "p, two-sided", _LEAST_P, 1.0)
        self.degrees = _number("map_degrees", "Degrees of freedom (t)")
        self.limit = _number("map_limit", "Color limit")
        self.bar = check_box("map_bar", "Color bar", TIPS["map_bar"])
        self.weight = LayerChoice("map_weight", "Opacity by", TIPS["map_weight"], lambda: self._images)
        self.opaque = _number("map_opaque", "Full opacity at")
        self.picture = push_button("map_picture", "Save picture…", TIPS["map_picture"])
        self.picture.changed.connect(self.open_picture)
        self.about = text_label(NO_MAP, "map_about")
        self.error = Message("map_error")
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        rows.addRow("Map", self.layer.native)
        rows.addRow("Signs", self.signs.native)
        rows.addRow("Threshold", native_row(self.slider.native, self.threshold.native))
        for number in (self.p, self.degrees, self.limit):
            rows.addRow(number.label, number.native)
        rows.addRow("", self.bar.native)
        rows.addRow("Opacity by", self.weight.native)
        rows.addRow(self.opaque.label, self.opaque.native)
        rows.addRow("", self.picture.native)
        rows.addRow(self.about)
        rows.addRow(self.error)

    def open_picture(self, _: object = None) -> PictureDialog | None:
        """Open the form for a picture of the selected map, with its threshold and color limit."""
        display = self.display
        if display is None:
            return None
        values = {name: float(f"{getattr(display, name):.4g}") for name in ("threshold", "limit")}
        return open_picture_dialog(self._session, self.layer.value, **values)

    def _list_layers(self) -> None:
        images = [
            (layer, self._session.volume(layer))
            for layer in self._session.viewer.layers
            if isinstance(layer, Image) and HELPER not in layer.metadata and layer.ndim < 5
        ]
        maps = [layer for layer, volume in images if volume is not None and volume.kind == "stat"]
        others = [layer for layer, volume in images if volume is not None and layer not in maps]
        self._images = [*maps, *others]
        self.layer.reset_choices()
        self.weight.reset_choices()
        if self.layer.value is None and maps:
            self.layer.value = maps[-1]

    def _on_layers(self) -> None:
        self._list_layers()
        self._cleanup.start(0)  # later: no layer may be removed while napari removes several
        self._show_display()

    def _on_active(self, event: Any) -> None:
        if self._overlays.adding or event.value is None:
            return
        self._list_layers()  # it may be new
        if event.value in self._offered():
            self.layer.value = event.value

    def _offered(self) -> list[Layer]:
        """Maps that can be chosen."""
        volumes = ((layer, self._session.volume(layer)) for layer in self.layer.choices if layer is not None)
        return [layer for layer, volume in volumes if volume is not None and volume.kind == "stat"]

    @property
    def display(self) -> MapDisplay | None:
        """Display settings of the selected map."""
        layer = self.layer.value
        return None if layer is None else display_of(layer, self._session.volume(layer))

    def _show_display(self, *_: Any) -> None:
        """Set the controls to the display settings of the selected map."""
        display = self.display
        no_map = NO_MAP if display is None else None
        why = _OPACITY_SET if display is not None and display.weight is not None else no_map
        for widget in (self.signs, self.threshold, self.slider, self.p, self.degrees, self.bar):
            _enable(widget, why)
        _enable(self.limit, no_map)
        _enable(self.picture, no_map)
        _enable(self.weight, no_map)
        _enable(self.opaque, "Choose a map that sets the opacity." if why is None else no_map)
        if display is None or self.layer.value is None:
            self.about.setText(NO_MAP)
            return
        self._setting = True
        try:
            self._set_controls(self.layer.value, display)
        finally:
            self._setting = False
        self._described = None
        self._describe()

    def _set_controls(self, layer: Layer, display: MapDisplay) -> None:
        self.signs.value = display.signs
        self.threshold.value = display.threshold
        self.slider.value = round(_STEPS * min(1.0, display.threshold / display.limit))
        self.p.value = max(p_of_threshold(display.threshold, display.degrees or None), _LEAST_P)
        self.degrees.value = display.degrees
        self.limit.value = display.limit
        self.bar.value = layer.colorbar.visible
        self.weight.value = display.weight if display.weight in self.weight.choices else None
        self.opaque.value = display.opaque_from

    def _on_slider(self, step: int) -> None:
        if not self._setting and self.display is not None:
            self._change(threshold=self.display.limit * step / _STEPS)

    @guard("error")
    def _on_p(self, p: float) -> None:
        if not self._setting:
            self._change(threshold=threshold_of_p(p, self.degrees.value or None))

    def _on_bar(self, on: bool) -> None:
        layer, display = self.layer.value, self.display
        if layer is not None and display is not None:
            show_color_bar(self._session.viewer, layer, marks_of(display), visible=on)

    @guard("error")
    def _change(self, **changes: Any) -> None:
        """Change display settings of the selected map."""
        layer, display = self.layer.value, self.display
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
        show_color_bar(self._session.viewer, layer, marks_of(display), visible=layer.colorbar.visible)
        self._overlays.update(layer, display)
        self._show_display()

    def _on_point(self, event: Any) -> None:
        """Update the description: the slider may show another volume."""
        if self.isVisible():
            self._describe()

    def _describe(self) -> None:
        """Describe the threshold and what passes it; count only if something has changed."""
        layer, display = self.layer.value, self.display
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


def _enable(widget: Widget, why_not: str | None) -> None:
    set_available(widget, why_not, TIPS[widget.name])


def _number(name: str, label: str, low: float = 0.0, high: float = 1e300) -> Number:
    """Make a number that steps in its leading digit; it shows four digits, and keeps all."""
    number = Number(name=name, label=label, min=low, max=high, usual=0.1)
    prepare_control(number, name, label, TIPS[name])
    box: FloatBox = number.native.findChild(FloatBox)
    box.digits = 4
    if low:
        box.setDecimals(_DECIMALS)
        box.setRange(low, high)
    return number
