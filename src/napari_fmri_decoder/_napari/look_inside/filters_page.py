"""The page of the Look inside dock that chooses the visible result layer and its filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import SpinBox
from qtpy.QtWidgets import QFormLayout

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.look_inside.class_legend import class_legend
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder._napari.results.roles import PREDICTIONS, ROLE, result_layers, show_only
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter, volume_shown
from napari_fmri_decoder.evaluation.sample_rows import held_out_by, sample_rows

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun

NO_FILTERS = "Choose a convolutional layer above."
FILTER_TIP = "Number of the filter. It moves with the viewer's slider."


class FiltersPage(Page):
    """Selects the visible result layer and filter.

    Attributes
    ----------
    layer : ListChoice
        "predictions", or the name of a convolutional layer.
    filter : SpinBox
    """

    title = "Layers and filters"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        tip = "The predictions, or the filter activations of a convolutional layer."
        self.layer = ListChoice("layer", "Show", tip)
        self.filter = SpinBox(name="filter", label="Filter", min=0, max=99, step=1)
        prepare_control(self.filter, "filter", "Filter", FILTER_TIP)
        set_available(self.filter, NO_FILTERS, FILTER_TIP)
        self.where = text_label(name="where")
        self.legend = text_label(name="class_legend")
        form = QFormLayout()
        form.addRow("Show", self.layer.native)
        form.addRow("Filter", self.filter.native)
        self.rows.addLayout(form)
        self.rows.addWidget(self.where)
        self.rows.addWidget(self.legend)
        self.rows.addStretch(1)
        self.layer.changed.connect(self._on_layer)
        self.filter.changed.connect(self._on_filter)

    def draw(self, result: RunResult) -> None:
        """List the layers of the result."""
        prepared = result.prepared
        self._samples = sample_rows(prepared.table, prepared.samples, prepared.recipe.prepare)
        self._folds = held_out_by(prepared.samples, result.folds)
        self._features = prediction_features(result)
        table = result.predictions.drop_duplicates("volume")
        values = table[[f"p_{name}" for name in prepared.samples.classes]].to_numpy().tolist()
        self._probabilities = dict(zip(table["volume"].tolist(), values, strict=True))
        roles = {layer.metadata[ROLE] for layer in result_layers(self.session.viewer)}
        self.layer.relist(sorted(roles, key=lambda role: (role != PREDICTIONS, role)))
        self.show_message("" if len(roles) > 1 else "This decoder has no layers with spatial positions.")
        self._choose_visible()

    def update_result(self, run: RunResult | SavedRun) -> None:
        """Show a run, and the layer that is visible; it may have been shown elsewhere."""
        super().update_result(run)
        if self.result is not None:
            self._choose_visible()

    def _choose_visible(self) -> None:
        """Choose the visible layer; changes no layer."""
        layers = {layer.metadata[ROLE]: layer for layer in reversed(result_layers(self.session.viewer))}
        visible = [role for role in self.layer.choices if role in layers and layers[role].visible]
        if visible and self.layer.value not in visible:
            with self.layer.changed.blocked():
                self.layer.value = visible[0]
        self._follow_layer()

    def _on_layer(self) -> None:
        """Show only the selected layer."""
        if self.layer.value is not None:
            show_only(self.session.viewer, self.layer.value)
        self._follow_layer()

    def _follow_layer(self) -> None:
        """Set the range of the filters of the selected layer."""
        selected = self.layer.value
        for layer in result_layers(self.session.viewer):
            if layer.metadata[ROLE] == selected != PREDICTIONS:
                self.filter.max = layer.data.shape[0] - 1
        set_available(self.filter, NO_FILTERS if selected in (None, PREDICTIONS) else None, FILTER_TIP)
        self.update_position()

    def _on_filter(self, number: int) -> None:
        show_filter(self.session.viewer, number)

    def update_position(self) -> None:
        """Follow the viewer's sliders, and describe the prediction for the current volume."""
        if self.result is None or not self.isVisible():
            return
        with self.filter.changed.blocked():
            self.filter.value = min(filter_shown(self.session.viewer), int(self.filter.max))
        volume = volume_shown(self.session.viewer, self.result.prepared.series.step)
        if 0 <= volume < len(self._features):
            sample = int(self._samples[volume])
            row = self._features.iloc[volume]
            self.where.setText(_describe_prediction(self.result, row, sample, int(self._folds[sample])))
            decoded = int(self.result.prepared.samples.table["volume"].iloc[sample]) if sample >= 0 else -1
            self.legend.setText(
                class_legend(self.result.prepared.samples.classes, self._probabilities.get(decoded))
            )


def _describe_prediction(result: RunResult, row: pd.Series[Any], sample: int, fold: int) -> str:
    """Describe the label of a volume, its prediction, and the network that made it."""
    volume = f"Volume {row['volume']}, {row['true'] or 'no label'}: "
    if sample < 0:
        return f"{volume}not decoded."
    if fold < 0:
        return f"{volume}seen in training. Shown with the network that was fitted on all samples."
    return (
        f"{volume}predicted as {row['predicted']} ({row['probability']:.2f}) by the network that did not "
        f"train on it (test set: {result.folds[fold].split.name})."
    )
