"""Page of the Look inside dock that explains a model with any registered method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.look_inside.plot_pages import Page
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.choice_form import ChoiceForm
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import choice_box, push_button
from napari_fmri_decoder._napari.results.show_result import SEEN
from napari_fmri_decoder._napari.viewer.dims import volume_shown
from napari_fmri_decoder.explain import explainers
from napari_fmri_decoder.pipeline.explaining import ExplainedRun, explain_run
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult

CURRENT, MEAN = "Current volume", "Mean of all samples"
NO_MAPS = "No maps were computed yet."
MAP_TIP = "The map that the layer shows."
TIP = (
    "Compute the maps, and show one as a layer. A single volume is explained by the model that held it out; "
    "the mean by the model of all samples, which has seen them in training."
)


class ExplainPage(Page):
    """Computes the maps of an explanation method, and shows one of them as a layer."""

    title = "Explain the model"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.method = ChoiceForm(explainers, "method")
        self.samples = choice_box("explained_samples", "What is explained.")
        self.samples.addItems([CURRENT, MEAN])
        self.button = push_button("explain", "Compute maps", TIP)
        self.map = QComboBox()
        self.map.setObjectName("explained_map")
        set_available(self.map, NO_MAPS, MAP_TIP)
        self._explained: ExplainedRun | None = None
        self._layer: Layer | None = None
        form = QFormLayout()
        form.addRow("Method", self.method)
        form.addRow("Explain", self.samples)
        form.addRow(self.button)
        form.addRow("Map", self.map)
        self.rows.addLayout(form)
        self.rows.addStretch(1)
        self.button.clicked.connect(self._compute)
        self.method.changed.connect(self._check_method)
        self.map.currentIndexChanged.connect(self._show_map)

    def draw(self, result: RunResult) -> None:
        """Offer what the methods can do with the model of the result."""
        self._explained = None
        self.map.clear()
        set_available(self.map, NO_MAPS, MAP_TIP)
        if self._layer is not None:  # of the run before
            self.session.remove(self._layer)
            self._layer = None
        self._check_method()

    def _check_method(self) -> None:
        """Disable the button if the method cannot explain the model; replace options that do not fit."""
        if self.result is None:
            return
        kind = explainers[self.method.choice]
        values = self.method.form.value()
        fitting = {
            name: choices[0]
            for name, choices in kind.choices(self.result.model).items()
            if choices and values.get(name) not in choices
        }
        if fitting:
            self.method.form.set_values(fitting)
        set_available(self.button, kind.unavailable(self.result.model) or None, TIP)

    @guard()
    def _compute(self) -> None:
        if self.result is None:
            return
        values = self.method.value()
        options = {"name": values.pop("method"), **values}
        volume: int | None = None
        if self.samples.currentText() == CURRENT:
            volume = volume_shown(self.session.viewer, self.result.prepared.series.step)
        self.compute("Computing maps", self._take, explain_run, self.result, options, volume)

    def _take(self, explained: ExplainedRun) -> None:
        self._explained = explained
        blocked = self.map.blockSignals(True)
        self.map.clear()
        self.map.addItems(explained.maps.names)
        self.map.blockSignals(blocked)
        set_available(self.map, None, MAP_TIP)
        self._show_map()

    @guard()
    def _show_map(self, *_: Any) -> None:
        """Show the chosen map in the layer of this page, which is added if it is not there."""
        if self._explained is None or self.map.currentIndex() < 0:
            return
        explained = self._explained
        label = self.map.currentText()  # often begins as the title ends: "conv1 filter 0" of "cnn2d conv1"
        title = explained.title.removesuffix(f" {label.partition(' ')[0]}")
        name = f"{title} {label}" + (f" ({SEEN})" if explained.seen else "")
        values = explained.maps.values[0, self.map.currentIndex()]
        volume = Volume(values, explained.maps.grid.affine, "stat", None, name=name)
        if self._layer is None or self._layer not in self.session.viewer.layers:
            self._layer = self.session.add(volume)
            self._layer.metadata[HELPER] = True
        else:
            self.session.show(self._layer, volume)
            self._layer.name = name
        top = float(abs(values).max()) or 1.0
        self._layer.contrast_limits = (-top, top)
        self.session.viewer.layers.selection = {self._layer}
