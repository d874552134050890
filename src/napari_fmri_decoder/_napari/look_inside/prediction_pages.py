"""Pages of the Look inside dock that list volumes: predictions and confusion matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QTableView,
)

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.plots import MatrixPlot
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder.evaluation.predictions import listed_predictions, tested_volumes_in_cell
from napari_fmri_decoder.evaluation.sample_rows import Part, volumes_in_cell
from napari_fmri_decoder.pipeline.saved_run import SavedRun

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult

VOLUME = Qt.ItemDataRole.UserRole
"""Role of the volume in an item of the list."""


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
