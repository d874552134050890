"""Pages of the Look inside dock that show volumes: predictions, confusion matrices, layers and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from magicgui.widgets import SpinBox
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QTableView,
)

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.look_inside.class_legend import class_legend
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.plots import MatrixPlot
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder._napari.results.result_layers import PREDICTIONS
from napari_fmri_decoder._napari.results.show_result import ROLE, result_layers
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter, volume_shown
from napari_fmri_decoder.evaluation.predictions import listed_predictions, tested_volumes_in_cell
from napari_fmri_decoder.evaluation.sample_rows import Part, held_out_by, sample_rows, volumes_in_cell
from napari_fmri_decoder.pipeline.saved_run import SavedRun

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult

VOLUME = Qt.ItemDataRole.UserRole
"""Role of the volume in an item of the list."""
NO_FILTERS = "Choose a convolutional layer above."
FILTER_TIP = "Number of the filter. It moves with the viewer's slider."


class TableModel(QAbstractTableModel):
    """A DataFrame in a table view."""

    def __init__(self) -> None:
        super().__init__()
        self.table = pd.DataFrame()

    def show(self, table: pd.DataFrame) -> None:
        """Show another table."""
        self.beginResetModel()
        self.table = table
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows."""
        return len(self.table)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return self.table.shape[1]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell as text."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        value = self.table.iat[index.row(), index.column()]
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return str(self.table.columns[section])


class PredictionsPage(Page):
    """The prediction for each test volume."""

    title = "Predictions"
    needs_images = False

    def __init__(self) -> None:
        super().__init__()
        tip, which = "Which predictions are listed.", ("all", "wrong", "correct")
        self.which = ListChoice("which", "List", tip, which, letters=0)
        tip = "Save the listed predictions (.tsv)."
        self.save = push_button("save_predictions", "Save table…", tip)
        self.model = TableModel()
        self.view = QTableView()
        self.view.setObjectName("predictions_table")
        self.view.setModel(self.model)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setMinimumHeight(260)
        self.view.setToolTip("<p>Click a row to show its volume.</p>")
        for header in (self.view.horizontalHeader(), self.view.verticalHeader()):
            if header is not None:
                header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if (numbers := self.view.verticalHeader()) is not None:
            numbers.hide()
        self.count = QLabel()
        row = QHBoxLayout()
        for part in (self.which.native, self.count, self.save.native):
            row.addWidget(part)
        self.rows.addLayout(row)
        self.rows.addWidget(self.view, 1)
        self.which.changed.connect(self._fill)
        self.view.clicked.connect(self._clicked)
        self.save.changed.connect(self._ask_table)

    def draw(self, run: RunResult | SavedRun) -> None:
        """List the predictions."""
        if isinstance(run, SavedRun):
            self._all = listed_predictions(run.predictions)
        else:
            features = prediction_features(run)
            self._all = features[features["predicted"] != ""].drop(columns="index")
        self._fill(self.which.value)

    def _fill(self, which: str) -> None:
        if self.run is None:
            return
        correct = self._all["true"] == self._all["predicted"]
        self.model.show(self._all[{"wrong": ~correct, "correct": correct}.get(which, correct | True)])
        self.count.setText(f"{len(self.model.table)} of {len(self._all)} volumes")

    def _clicked(self, index: QModelIndex) -> None:
        self.volume_requested.emit(int(self.model.table["volume"].iloc[index.row()]))

    @guard("error")
    def _ask_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "", "Tab-separated values (*.tsv)")
        if path:
            self.model.table.to_csv(path, sep="\t", index=False)


class ConfusionPage(Page):
    """Confusion matrices of the test and training sets; a click on a cell lists its volumes."""

    title = "Confusion matrices"
    needs_images = False

    def __init__(self) -> None:
        super().__init__()
        self.matrix = MatrixPlot()
        self.cell = text_label("Click a cell to list its volumes; click it again for the next one.", "cell")
        self.list = QListWidget()
        self.list.setObjectName("cell_volumes")
        self.list.setMinimumHeight(80)
        self.list.setToolTip("<p>Select a volume to show it.</p>")
        for part in (self.matrix, self.cell, self.list):
            self.rows.addWidget(part)
        self.matrix.cellClicked.connect(self._on_cell)
        self.list.currentItemChanged.connect(self._on_item)
        self._shown = ("", "", "")

    def draw(self, run: RunResult | SavedRun) -> None:
        """Show the counts."""
        scores = run.scores
        self.matrix.set_data({"test": scores.confusion, "training": scores.train_confusion}, scores.classes)
        self.list.clear()
        self._shown = ("", "", "")

    def _on_cell(self, true: str, predicted: str) -> None:
        if self.run is None:
            return
        part = cast("Part", self.matrix.part.value)
        if self._shown == (part, true, predicted) and self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + 1) % self.list.count())
            return
        self._shown = (part, true, predicted)
        self.list.clear()
        if isinstance(self.run, SavedRun) and part == "training":
            self.cell.setText("Volumes of the training set are listed only if the images were found.")
            return
        if isinstance(self.run, SavedRun):
            names = {fold.fold: fold.name for fold in self.run.scores.folds}
            found = tested_volumes_in_cell(self.run.predictions, names, true, predicted)
        else:
            found = volumes_in_cell(self.run.prepared.samples, self.run.folds, part, true, predicted)
        for volume, fold in found:
            item = QListWidgetItem(f"volume {volume}, {fold}")
            item.setData(VOLUME, volume)
            self.list.addItem(item)
        self.cell.setText(f"{true} predicted as {predicted} in the {part} set: {len(found)}")
        self.list.setCurrentRow(0)

    def _on_item(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.volume_requested.emit(item.data(VOLUME))


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
        layers = {layer.metadata[ROLE]: layer for layer in reversed(result_layers(self.session.viewer))}
        self.layer.relist(sorted(layers, key=lambda role: (role != PREDICTIONS, role)))
        visible = [role for role in self.layer.choices if role in layers and layers[role].visible]
        if visible:  # opening the page changes no layer
            with self.layer.changed.blocked():
                self.layer.value = visible[0]
        self.show_message("" if len(layers) > 1 else "This decoder has no layers with spatial positions.")
        self._follow_layer()

    def _on_layer(self) -> None:
        """Show only the selected layer."""
        selected = self.layer.value
        for layer in result_layers(self.session.viewer):
            layer.visible = layer.metadata[ROLE] == selected
            if layer.visible:
                self.session.viewer.layers.selection = {layer}
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
