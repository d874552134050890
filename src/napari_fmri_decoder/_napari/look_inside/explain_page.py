"""Page of the Look inside dock that explains a model with any registered method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFormLayout

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import choice_box, push_button
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.results.show_result import SEEN
from napari_fmri_decoder._napari.viewer.color_bar import show_color_bar
from napari_fmri_decoder._napari.viewer.dims import volume_shown
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import explainers
from napari_fmri_decoder.pipeline.explaining import Explained, explain_run
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun

CURRENT, MEAN = "Current volume", "Mean of all samples"
FOLDS, ALL = "Mean over folds", "Model of all samples"
NO_MAPS = "No maps were computed yet."
MAP_TIP = "The map that the layer shows."
SAMPLES_TIP = (
    "What is explained. Current volume: by the model that held it out. Mean of all samples: by the model of "
    "all samples, which has seen them in training. Mean over folds: the model of each fold, by the samples "
    "that it held out, or, where the method needs training samples, by those. Model of all samples: the "
    "model that the run saved."
)
TIP = "Compute the maps, and show one as a layer."


class ExplainPage(Page):
    """Computes the maps of an explanation method, and shows one of them as a layer.

    Attributes
    ----------
    method : ChoiceForm
        The method, and its options.
    samples : ComboBox
        "Current volume", "Mean of all samples", "Mean over folds" or "Model of all samples"; the method
        determines which of them there are.
    map : ListChoice
        Name of the map that the layer shows.
    """

    title = "Explain the model"

    def __init__(self, session: Session, selected: Callable[[], RunResult | SavedRun | None]) -> None:
        super().__init__(selected)
        self.session = session
        self.method = ChoiceForm(explainers, "method", title="Method", name="method")
        self.samples = choice_box("explained_samples", "Explain", SAMPLES_TIP, (CURRENT, MEAN))
        self.button = push_button("explain", "Compute maps", TIP)
        self.map = ListChoice("explained_map", "Map", MAP_TIP)
        set_available(self.map, NO_MAPS, MAP_TIP)
        self._explained: Explained | None = None
        self._layer: Layer | None = None
        form = QFormLayout()
        form.addRow(self.method.native)
        form.addRow("Explain", self.samples.native)
        form.addRow(self.button.native)
        form.addRow("Map", self.map.native)
        self.rows.addLayout(form)
        self.rows.addStretch(1)
        self.button.changed.connect(guard(self.error)(self._compute))
        self.method.changed.connect(self._check_method)
        self.map.changed.connect(self._show_map)

    def draw(self, result: RunResult) -> None:
        """Offer what the methods can do with the model of the result."""
        self._explained = None
        self.map.relist(())
        set_available(self.map, NO_MAPS, MAP_TIP)
        if self._layer is not None:  # of the run before
            self.session.remove(self._layer)
            self._layer = None
        self._check_method()

    def _cannot_compute(self, result: RunResult) -> str | None:
        """Why the method cannot explain the model."""
        return explainers[self.method.choice].unavailable(result.model) or None

    def _check_method(self) -> None:
        """Disable the button if the method cannot explain the model; replace options that do not fit."""
        self._list_samples()
        if self.result is None:
            return
        values = self.method.asdict()
        fitting = {
            name: choices[0]
            for name, choices in explainers[self.method.choice].choices(self.result.model).items()
            if choices and values.get(name) not in choices
        }
        if fitting:
            self.method.update(fitting)
        set_available(self.button, self._cannot_compute(self.result), TIP)

    def _list_samples(self) -> None:
        """Offer what the method can explain."""
        method = explainers[self.method.choice]
        offered = [CURRENT] if method.per_sample else []
        offered += [FOLDS] if method.over_folds else []
        offered += [MEAN] if method.per_sample else [ALL]
        if list(self.samples.choices) != offered:
            self.samples.choices = offered

    def compute(self, *, wait: bool = True) -> None:
        """Compute the maps of the selected run, and show one of them as a layer.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is shown.

        Raises
        ------
        InputError
            If they cannot be computed, with the sentence that the dock shows.
        """
        self._compute().wait_if(wait)

    def _compute(self) -> Job:
        result = self.selected_result()
        if why := self._cannot_compute(result):
            raise InputError(why)
        values = self.method.asdict()
        options = {"name": values.pop("method"), **values}
        volume: int | None = None
        if self.samples.value == CURRENT:
            volume = volume_shown(self.session.viewer, result.prepared.series.step)
        models = "folds" if self.samples.value == FOLDS else "all"
        return self.in_background("Computing maps", self._take, explain_run, result, options, volume, models)

    def _take(self, explained: Explained) -> None:
        self._explained = explained
        self.map.relist(explained.maps.names)
        set_available(self.map, None, MAP_TIP)
        self._show_map()

    @guard("error")
    def _show_map(self, *_: Any) -> None:
        """Show the chosen map in the layer of this page, which is added if it is not there."""
        explained, label = self._explained, self.map.value
        if explained is None or label is None:
            return
        # the label often begins as the title ends: "conv1 filter 0" of "cnn2d conv1"
        title = explained.title.removesuffix(f" {label.partition(' ')[0]}")
        note = SEEN if explained.seen else FOLDS.lower() if explained.models == "folds" else ""
        name = f"{title} {label}" + (f" ({note})" if note else "")
        values = explained.maps.values[0, explained.maps.names.index(label)]
        volume = Volume(values, explained.maps.grid.affine, "stat", None, name=name)
        if self._layer is None or self._layer not in self.session.viewer.layers:
            self._layer = self.session.add(volume)
            self._layer.metadata[HELPER] = True
        else:
            self.session.show(self._layer, volume)
            self._layer.name = name
        top = float(abs(values).max()) or 1.0
        self._layer.contrast_limits = (-top, top)
        show_color_bar(self.session.viewer, self._layer, visible=True)
        self.session.viewer.layers.selection = {self._layer}
