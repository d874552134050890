"""Choose the runs of one subject from a BIDS or fMRIPrep folder, and open them as one series."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import text_label
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.small_widgets import choice_box
from napari_fmri_decoder._napari.qt.spin_boxes import PathEdit
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.dataset import BidsRun, bids_runs, one_space
from napari_fmri_decoder.volumes.files import natural_key

CHOICES = {
    "subject": "Subject whose runs are opened.",
    "task": "Task whose runs are listed.",
    "space": "Space of the images. Native is that of the scanner; subjects can be compared in MNI space.",
}
NO_FOLDER = "Choose a folder that contains sub-01, sub-02 and so on."
NO_RUN = "Select at least one run."


class BidsBox(QWidget):
    """A folder, its subjects, tasks and spaces, and a table of runs with their missing files.

    Attributes
    ----------
    open_requested : Signal
        Sent with the list of `BidsRun` to open.
    """

    open_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[BidsRun] = []
        self._shown: list[BidsRun] = []
        self.folder = PathEdit("folder", "BIDS or fMRIPrep folder")
        self.folder.line.setObjectName("bids_folder")
        self.folder.line.setToolTip(
            "<p>A BIDS dataset including its derivatives, or an output folder of fMRIPrep. "
            "BOLD files, events, confounds, brain masks and anatomy are found by their names.</p>"
        )
        self.folder.line.editingFinished.connect(self._on_folder)
        self.folder.changed.connect(self._on_typed)
        self.boxes = {name: choice_box(f"bids_{name}", tip, 8) for name, tip in CHOICES.items()}
        for box in self.boxes.values():
            box.currentIndexChanged.connect(self._list)
        self.table = QTableWidget(0, 3)
        self.table.setObjectName("bids_runs")
        self.table.setToolTip("<p>Selected runs are concatenated into one series.</p>")
        self.table.setHorizontalHeaderLabels(["session", "run", "missing"])
        if (rows := self.table.verticalHeader()) is not None:
            rows.hide()
        if (columns := self.table.horizontalHeader()) is not None:
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            columns.setStretchLastSection(True)
        self.table.setFixedHeight(140)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.itemChanged.connect(lambda *_: self._update_availability())
        self.open = QPushButton("Open selected runs")
        self.open.setObjectName("open_bids")
        self.open.clicked.connect(self._open)
        self.about = text_label(NO_FOLDER, name="bids_about")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Folder", self.folder)
        for name, box in self.boxes.items():
            form.addRow(name.capitalize(), box)
        for part in (self.table, self.about, self.open):
            form.addRow(part)
        self._list()

    def selected(self) -> list[BidsRun]:
        """Return the selected runs."""
        items = [self.table.item(row, 0) for row in range(len(self._shown))]
        return [
            run
            for run, item in zip(self._shown, items, strict=True)
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]

    def _on_typed(self) -> None:
        """List the runs of a folder chosen with the button; a typed path waits for Enter."""
        if not self.folder.line.hasFocus():
            self._on_folder()

    @guard()
    def _on_folder(self) -> None:
        text = self.folder.line.text().strip()
        self._runs = []
        try:
            self._runs = bids_runs(Path(text).expanduser()) if text else []
        finally:
            self._fill_boxes()

    def _fill_boxes(self) -> None:
        for name, box in self.boxes.items():
            box.blockSignals(True)
            previous = box.currentText()
            box.clear()
            known = sorted({str(getattr(run, name)) for run in self._runs}, key=natural_key)
            box.addItems(known)
            prepared = sorted({run.space for run in self._runs if run.preprocessed})
            default = prepared[0] if name == "space" and prepared else previous
            box.setCurrentIndex(max(0, box.findText(previous), box.findText(default)))
            box.blockSignals(False)
        self._list()

    @guard()
    def _list(self) -> None:
        """List the runs of the current choice, and select those with events, which can be labeled."""
        runs = self._runs
        for name, box in self.boxes.items():
            runs = [run for run in runs if getattr(run, name) == box.currentText()]
            set_available(box, None if self._runs else NO_FOLDER, CHOICES[name])
        self._shown = []
        self._shown = one_space(runs) if runs else []
        self.table.blockSignals(True)
        self.table.setRowCount(len(self._shown))
        for row, run in enumerate(self._shown):
            absent = [f"{name} (not downloaded)" for name in run.absent]
            missing = ", ".join([*run.missing, *absent]) or "nothing"
            for column, text in enumerate((run.session or "-", run.run, missing)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<p>{run.bold.name}</p>")
                if column == 0:
                    item.setCheckState(Qt.CheckState.Checked if run.events else Qt.CheckState.Unchecked)
                self.table.setItem(row, column, item)
        self.table.blockSignals(False)
        self._update_availability()

    def _update_availability(self) -> None:
        n = len(self.selected())
        reason = NO_FOLDER if not self._runs else NO_RUN if self._shown else "No run matches this choice."
        tip = "Open the selected runs as one series, with their events as labels."
        set_available(self.open, None if n else reason, tip)
        subjects = len({run.subject for run in self._runs})
        self.about.setText(
            f"{n} of {len(self._shown)} runs selected. Subjects in the dataset: {subjects}."
            if self._shown
            else reason
        )

    @guard()
    def _open(self) -> None:
        runs = self.selected()
        if not runs:
            raise InputError(NO_RUN)
        self.open_requested.emit(runs)
