"""Pages of the dock Look inside that lead to volumes: predictions, confusion matrices, layers and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QTableView,
)

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.plots import MatrixPlot
from napari_fmri_decoder._napari.results import (
    PREDICTIONS,
    Part,
    left_out_by,
    prediction_features,
    sample_rows,
    volumes_in_cell,
)
from napari_fmri_decoder._napari.showing import ROLE, result_layers
from napari_fmri_decoder._napari.slider import filter_shown, show_filter, volume_shown
from napari_fmri_decoder._napari.widgets.pages import Page

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.pipeline import RunResult

VOLUME = Qt.ItemDataRole.UserRole
"""Where an item of the list keeps its volume."""


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
        """Count the rows."""
        return len(self.table)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return self.table.shape[1]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a cell as text."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        value = self.table.iat[index.row(), index.column()]
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Give the names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return str(self.table.columns[section])


class PredictionsPage(Page):
    """What was predicted of each volume that a fold left out."""

    title = "Predictions"

    def __init__(self) -> None:
        super().__init__()
        self.which = QComboBox()
        self.which.setObjectName("which")
        self.which.addItems(["all", "wrong", "right"])
        self.which.setToolTip("<p>Which predictions are listed.</p>")
        self.save = QPushButton("Save table…")
        self.save.setObjectName("save_predictions")
        self.save.setToolTip("<p>Save what is listed (.tsv).</p>")
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
        for part in (self.which, self.count, self.save):
            row.addWidget(part)
        self.rows.addLayout(row)
        self.rows.addWidget(self.view, 1)
        self.which.currentTextChanged.connect(self._fill)
        self.view.clicked.connect(self._clicked)
        self.save.clicked.connect(self._ask_table)

    def draw(self, result: RunResult) -> None:
        """List the predictions."""
        features = prediction_features(result)
        self._all = features[features["predicted"] != ""].drop(columns="index")
        self._fill(self.which.currentText())

    def _fill(self, which: str) -> None:
        if self.result is None:
            return
        right = self._all["true"] == self._all["predicted"]
        self.model.show(self._all[{"wrong": ~right, "right": right}.get(which, right | True)])
        self.count.setText(f"{len(self.model.table)} of {len(self._all)} volumes")

    def _clicked(self, index: QModelIndex) -> None:
        self.volume_asked.emit(int(self.model.table["volume"].iloc[index.row()]))

    @guard()
    def _ask_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "", "Tab-separated values (*.tsv)")
        if path:
            self.model.table.to_csv(path, sep="\t", index=False)


class ConfusionPage(Page):
    """Confusion matrices of the test and training parts; a cell leads to its volumes."""

    title = "Confusion matrices"

    def __init__(self) -> None:
        super().__init__()
        self.matrix = MatrixPlot()
        self.cell = words("Click a cell to list its volumes; click it again for the next one.", "cell")
        self.list = QListWidget()
        self.list.setObjectName("cell_volumes")
        self.list.setMinimumHeight(80)
        self.list.setToolTip("<p>Choose a volume to show it.</p>")
        for part in (self.matrix, self.cell, self.list):
            self.rows.addWidget(part)
        self.matrix.cellClicked.connect(self._on_cell)
        self.list.currentItemChanged.connect(self._on_item)
        self._shown = ("", "", "")

    def draw(self, result: RunResult) -> None:
        """Show the counts."""
        scores = result.scores
        self.matrix.set_data({"test": scores.confusion, "training": scores.train_confusion}, scores.classes)
        self.list.clear()
        self._shown = ("", "", "")

    def _on_cell(self, true: str, predicted: str) -> None:
        if self.result is None:
            return
        part = cast("Part", self.matrix.part.currentText())
        if self._shown == (part, true, predicted) and self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + 1) % self.list.count())
            return
        self._shown = (part, true, predicted)
        found = volumes_in_cell(self.result, part, true, predicted)
        self.list.clear()
        for volume, fold in found:
            item = QListWidgetItem(f"volume {volume}, {fold}")
            item.setData(VOLUME, volume)
            self.list.addItem(item)
        self.cell.setText(f"{true} taken for {predicted} in the {part} part: {len(found)}")
        self.list.setCurrentRow(0)

    def _on_item(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.volume_asked.emit(item.data(VOLUME))


class FiltersPage(Page):
    """Which result layer is in sight, and which of its filters."""

    title = "Layers and filters"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.layer = QComboBox()
        self.layer.setObjectName("layer")
        self.layer.setToolTip("<p>The predictions, or what the filters of a convolution answered.</p>")
        self.filter = QSpinBox()
        self.filter.setObjectName("filter")
        self.filter.setToolTip("<p>Number of the filter; the viewer's own slider moves with it.</p>")
        self.where = words(name="where")
        form = QFormLayout()
        form.addRow("Show", self.layer)
        form.addRow("Filter", self.filter)
        self.rows.addLayout(form)
        self.rows.addWidget(self.where)
        self.rows.addStretch(1)
        self.layer.currentIndexChanged.connect(self._on_layer)
        self.filter.valueChanged.connect(self._on_filter)

    def draw(self, result: RunResult) -> None:
        """Offer the layers of the result."""
        self._samples, self._folds = sample_rows(result.prepared), left_out_by(result)
        self._features = prediction_features(result)
        roles = [layer.metadata[ROLE] for layer in reversed(result_layers(self.session.viewer))]
        present = self.layer.currentText()
        blocked = self.layer.blockSignals(True)
        self.layer.clear()
        self.layer.addItems([role for role in roles if role == PREDICTIONS])
        self.layer.addItems(sorted(role for role in roles if role != PREDICTIONS))
        self.layer.setCurrentText(present)
        self.layer.blockSignals(blocked)
        none = len(roles) < 2
        self.say("This decoder has no layers with a place in the head." if none else "")
        self._on_layer()

    def _on_layer(self) -> None:
        """Let the chosen layer alone be seen."""
        chosen = self.layer.currentText()
        for layer in result_layers(self.session.viewer):
            layer.visible = layer.metadata[ROLE] == chosen
            if layer.visible:
                self.session.viewer.layers.selection = {layer}
            if layer.visible and chosen != PREDICTIONS:
                self.filter.setMaximum(layer.data.shape[0] - 1)
        self.filter.setEnabled(chosen not in ("", PREDICTIONS))
        self.moved()

    def _on_filter(self, number: int) -> None:
        show_filter(self.session.viewer, number)

    def moved(self) -> None:
        """Follow the viewer's sliders, and say whose answer is seen."""
        if self.result is None or not self.isVisible():
            return
        blocked = self.filter.blockSignals(True)
        self.filter.setValue(filter_shown(self.session.viewer))
        self.filter.blockSignals(blocked)
        volume = volume_shown(self.session.viewer, self.result.prepared.series.step)
        if 0 <= volume < len(self._features):
            sample = int(self._samples[volume])
            row = self._features.iloc[volume]
            self.where.setText(_whose(self.result, row, sample, int(self._folds[sample])))


def _whose(result: RunResult, row: pd.Series[Any], sample: int, fold: int) -> str:
    """Say what a volume shows, what was predicted, and which network answers to it."""
    what = f"Volume {row['volume']}, {row['true'] or 'no label'}: "
    if sample < 0:
        return f"{what}not decoded, there is no answer."
    if fold < 0:
        return f"{what}seen in training, by the network fitted on all samples."
    left_out = result.folds[fold].split.name
    return (
        f"{what}predicted {row['predicted']} ({row['probability']:.2f}) by the network that left it out "
        f"({left_out})."
    )
