"""The tab Map: which values of a statistical map are seen, and in which colours."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSlider, QWidget

from napari_fmri_decoder._napari.boxes import FloatBox, WheelGuard
from napari_fmri_decoder._napari.colormaps import Signs, cold_hot, two_map_colors
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.layers import HELPER
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.sheets import volume_index
from napari_fmri_decoder._napari.widgets.layer_box import LayerBox
from napari_fmri_decoder._napari.widgets.parts import beside
from napari_fmri_decoder._napari.widgets.reading_view import tell_why
from napari_fmri_decoder.volumes.thresholds import beyond, faded, p_of_threshold, threshold_of_p

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.docks import Dock

LOOK = "fmri_decoder look"
"""Where a layer's metadata keeps how it is looked at."""
NO_MAP = "Open a statistical map, or any image whose values have a sign."
SIGNS: tuple[Signs, ...] = ("both", "positive", "negative")
_STEPS = 1000
_ROOM = 1.5  # how far colours reach beyond a threshold that passed their end
_T = "t test"  # as NIfTI calls the intent of t-maps
_FADED = "While another map sets the opacity nothing is cut off: choose none there to set a threshold."


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How a map is looked at.

    Attributes
    ----------
    threshold, limit : float
        Values from which on the map is seen, and at which its colours end.
    signs : {"both", "positive", "negative"}
    degrees : float
        Degrees of freedom of a t-map; 0 for z.
    weight : napari Layer or None
        Sets the opacity.
    opaque_from : float
        Size of its values from which on nothing shines through.
    """

    threshold: float
    limit: float
    signs: Signs = "both"
    degrees: float = 0.0
    weight: Layer | None = None
    opaque_from: float = 3.0


class MapTab(QWidget):
    """Sets threshold, colours and opacity of one map at a time; each map keeps its own."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._session = dock.session
        self._faded: dict[Layer, Layer] = {}  # maps, and the layers that show them faded
        self._setting = self._adding = False
        self._said: Any = None
        self.map = LayerBox("map", "The map whose colours are set here.", "none")
        self.signs = QComboBox()
        self.signs.setObjectName("map_signs")
        self.signs.setToolTip("<p>Show values of both signs, or of one.</p>")
        self.signs.addItems(list(SIGNS))
        tip = "<p>Values of at least this size are seen: cold below zero, hot above.</p>"
        self.threshold = _number("map_threshold", tip)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("map_threshold_slider")
        self.slider.setRange(0, _STEPS)
        self.slider.setToolTip(tip)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.installEventFilter(WheelGuard(self.slider))
        self.p = _number(
            "map_p",
            "<p>The threshold as a probability: how often |z| (or |t|) of a voxel without effect exceeds it. "
            "Two-sided, not corrected for the number of voxels.</p>",
        )
        self.p.setRange(1e-300, 1)
        self.degrees = _number(
            "map_degrees", "<p>Degrees of freedom of a t-map, for p; 0 where the map holds z.</p>"
        )
        self.degrees.setDecimals(1)
        self.limit = _number("map_limit", "<p>Where the colours end: larger values look the same.</p>")
        self.bar = QCheckBox("colour bar")
        self.bar.setObjectName("map_bar")
        self.bar.setToolTip("<p>Show the colours with their values on the canvas.</p>")
        self.weight = LayerBox(
            "map_weight", "Another map whose size sets how opaque this one is, voxel by voxel.", "none"
        )
        self.opaque = _number(
            "map_opaque", "<p>Size of the other map's values from which on this one is fully opaque.</p>"
        )
        self.about = words(NO_MAP, "map_about")
        beyond_threshold = (self.signs, self.threshold, self.slider, self.p, self.degrees, self.bar)
        self._tips = {w: w.toolTip().removeprefix("<p>").removesuffix("</p>") for w in beyond_threshold}
        self._tidy = QTimer(self)
        self._tidy.setSingleShot(True)
        self._tidy.timeout.connect(self._let_go)
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.addRow("map", self.map)
        rows.addRow("signs", self.signs)
        rows.addRow("at least", beside(self.slider, self.threshold))
        rows.addRow("p, two-sided", self.p)
        rows.addRow("t with df", self.degrees)
        rows.addRow("colours end at", self.limit)
        rows.addRow("", self.bar)
        rows.addRow("opacity by", self.weight)
        rows.addRow("opaque from", self.opaque)
        rows.addRow(self.about)
        self.map.chosen.connect(self._show_look)
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
        self._tidy.start(0)  # several layers may be about to go: none is to be removed between them
        self._show_look()

    def _let_go(self) -> None:
        """Remove what shows a map that went; show a map as it is where the other one went."""
        layers = self._session.viewer.layers
        for layer, shown in list(self._faded.items()):
            look: Look | None = layer.metadata.get(LOOK)
            if layer not in layers:
                del self._faded[layer]
                self._session.remove(shown)
            elif look is not None and look.weight is not None and look.weight not in layers:
                layer.metadata[LOOK] = look = replace(look, weight=None)
                self._fade(layer, look)

    def _on_active(self, event: Any) -> None:
        if not self._adding and event.value is not None and event.value in self._offered():
            self.map.layer = event.value

    def _offered(self) -> list[Layer]:
        volumes = ((layer, self._session.volume(layer)) for layer in self._session.viewer.layers)
        return [layer for layer, volume in volumes if volume is not None and volume.kind == "stat"]

    @property
    def look(self) -> Look | None:
        """How the chosen map is looked at."""
        layer = self.map.layer
        if layer is None:
            return None
        limit = float(max(abs(v) for v in layer.contrast_limits))
        look: Look = layer.metadata.get(LOOK) or Look(0.16 * limit, limit, degrees=self._degrees_of(layer))
        return look

    def _degrees_of(self, layer: Layer) -> float:
        """Degrees of freedom that a map's header gives; 0 where it says nothing of t."""
        volume = self._session.volume(layer)
        found = volume.intent_parameters if volume is not None and volume.intent == _T else ()
        return found[0] if found and 0 < found[0] < float("inf") else 0.0

    def _show_look(self, *_: Any) -> None:
        """Set the controls as the chosen map is looked at."""
        look = self.look
        why = NO_MAP if look is None else None if look.weight is None else _FADED
        for widget, tip in self._tips.items():
            tell_why(widget, tip, why)
        self.limit.setEnabled(look is not None)
        self.weight.setEnabled(look is not None)
        self.opaque.setEnabled(look is not None and look.weight is not None)
        if look is None or self.map.layer is None:
            self.about.setText(NO_MAP)
            return
        self._setting = True
        self.signs.setCurrentText(look.signs)
        self.threshold.setValue(look.threshold)
        self.slider.setValue(round(_STEPS * min(1.0, look.threshold / look.limit)))
        self.p.setValue(max(p_of_threshold(look.threshold, look.degrees or None), 1e-300))
        self.degrees.setValue(look.degrees)
        self.limit.setValue(look.limit)
        self.bar.setChecked(self.map.layer.colorbar.visible)
        self.weight.layer = look.weight
        self.opaque.setValue(look.opaque_from)
        self._setting = False
        self._said = None
        self._say()

    def _on_slider(self, step: int) -> None:
        if not self._setting and self.look is not None:
            self._change(threshold=self.look.limit * step / _STEPS)

    @guard()
    def _on_p(self, p: float) -> None:
        if not self._setting:
            self._change(threshold=threshold_of_p(p, self.degrees.value() or None))

    def _on_bar(self, on: bool) -> None:
        if self.map.layer is not None:
            self.map.layer.colorbar.visible = on

    @guard()
    def _change(self, **changes: Any) -> None:
        """Look at the chosen map in another way."""
        layer, look = self.map.layer, self.look
        if self._setting or layer is None or look is None:
            return
        look = replace(look, **changes)
        look = replace(look, limit=max(look.limit, 1e-6), opaque_from=max(look.opaque_from, 1e-6))
        if "limit" not in changes and look.threshold > look.limit:  # or all that is seen had one colour
            look = replace(look, limit=_ROOM * look.threshold)
        layer.metadata[LOOK] = look
        layer.contrast_limits_range = (
            min(layer.contrast_limits_range[0], -look.limit),
            max(layer.contrast_limits_range[1], look.limit),
        )
        layer.contrast_limits = (-look.limit, look.limit)
        layer.colormap = cold_hot(look.threshold, look.limit, look.signs)
        self._fade(layer, look)
        self._show_look()

    def _fade(self, layer: Layer, look: Look) -> None:
        """Show a map with the opacity of another, in a layer of its own; or the map itself again."""
        old = self._faded.get(layer)
        old = old if old is not None and old in self._session.viewer.layers else None
        effect = self._session.volume(layer)
        weight = self._session.volume(look.weight) if look.weight is not None else None
        if effect is None or weight is None:
            if old is not None and old.visible:
                old.visible, layer.visible = False, True
            return
        both = faded(effect, weight, look.limit, look.opaque_from)
        if old is None:
            colors = DirectLabelColormap(color_dict=two_map_colors())
            selection = self._session.viewer.layers.selection
            active, self._adding = selection.active, True
            old = self._session.add(both, colormap=colors, opacity=1.0, metadata={HELPER: True})
            selection.active, self._adding = active, False
            self._faded[layer] = old
        else:
            self._session.show(old, both)
        old.visible, layer.visible = True, False

    def _on_point(self, event: Any) -> None:
        """Another volume may be shown; the crosshair alone changes nothing here."""
        if self.isVisible():
            self._say()

    def _say(self) -> None:
        """Say what the threshold means, and how much passes; count only what has not been counted."""
        layer, look = self.map.layer, self.look
        volume = self._session.volume(layer) if layer is not None else None
        if layer is None or volume is None or look is None:
            return
        at = volume_index(layer, self._session.viewer.dims.point)
        said = (volume, at, *(getattr(look, field.name) for field in fields(look)))
        if said == self._said:
            return
        self._said = said
        if look.weight is not None:
            self.about.setText(
                f"Colours show {layer.name} up to {look.limit:.4g}; the larger the values of "
                f"{look.weight.name}, the more opaque, fully from {look.opaque_from:.4g} on."
            )
            return
        if at is None:
            self.about.setText(f"{layer.name} has no volume at this place of the slider.")
            return
        values = volume.at(at[0] if at else 0)
        above, below = beyond(values, look.threshold)
        p = p_of_threshold(look.threshold, look.degrees or None)
        of = f"|t| with {look.degrees:g} degrees of freedom" if look.degrees else "|z|"
        self.about.setText(
            f"{above + below:,} voxels are seen: {above:,} above {look.threshold:.4g}, {below:,} below "
            f"-{look.threshold:.4g}. If this is a map of {of}, p = {p:.3g}, two-sided, uncorrected."
        )

    def showEvent(self, event: Any) -> None:
        """Count what came while hidden."""
        super().showEvent(event)
        self._say()


class _Number(FloatBox):
    def textFromValue(self, value: float) -> str:
        """Write four digits: a threshold that came of p has no end of them."""
        return f"{value:.4g}"


def _number(name: str, tip: str) -> FloatBox:
    box = _Number()
    box.setObjectName(name)
    box.setToolTip(tip)
    box.setRange(0, 1e12)
    box.setDecimals(12)
    box.decade = 0.1
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(box))
    return box
