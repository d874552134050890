"""Choose the runs of one subject from a BIDS or fMRIPrep folder, and open them as one series."""

from __future__ import annotations

from collections.abc import Iterable
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

from napari_fmri_decoder._napari.boxes import PathEdit
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.widgets.parts import choice_box
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids_dataset import BidsRun, bids_runs, one_space
from napari_fmri_decoder.volumes.files import natural_key

CHOICES = {
    "subject": "The subject whose runs are to be opened.",
    "task": "The task; its runs alone are listed.",
    "space": "The space of the images. Native is the scanner's; subjects can be compared in MNI space.",
}
NO_FOLDER = "Choose a folder that holds sub-01, sub-02 and so on."
NO_RUN = "Tick at least one run."


class BidsBox(QWidget):
    """A folder, its subjects, tasks and spaces, and a table of runs that says what is missing.

    Attributes
    ----------
    chosen : Signal
        Sent with the list of `BidsRun` that are to be opened.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[BidsRun] = []
        self._shown: list[BidsRun] = []
        self.folder = PathEdit("folder", "BIDS or fMRIPrep folder")
        self.folder.line.setObjectName("bids_folder")
        self.folder.line.setToolTip(
            "<p>A BIDS dataset, its derivatives included, or the folder of fMRIPrep's output. "
            "BOLD files, events, confounds, brain masks and anatomy are found by their names.</p>"
        )
        self.folder.line.editingFinished.connect(self._on_folder)
        self.folder.changed.connect(self._on_typed)
        self.boxes = {name: choice_box(f"bids_{name}", tip, 8) for name, tip in CHOICES.items()}
        for box in self.boxes.values():
            box.currentIndexChanged.connect(self._list)
        self.table = QTableWidget(0, 3)
        self.table.setObjectName("bids_runs")
        self.table.setToolTip("<p>Ticked runs are opened, one after another, as one series.</p>")
        self.table.setHorizontalHeaderLabels(["session", "run", "missing"])
        if (rows := self.table.verticalHeader()) is not None:
            rows.hide()
        if (columns := self.table.horizontalHeader()) is not None:
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            columns.setStretchLastSection(True)
        self.table.setFixedHeight(140)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.itemChanged.connect(lambda *_: self._enable())
        self.open = QPushButton("Open these runs")
        self.open.setObjectName("open_bids")
        self.open.clicked.connect(self._open)
        self.about = words(NO_FOLDER, name="bids_about")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Folder", self.folder)
        for name, box in self.boxes.items():
            form.addRow(name.capitalize(), box)
        for part in (self.table, self.about, self.open):
            form.addRow(part)
        self._list()

    def ticked(self) -> list[BidsRun]:
        """The runs that are ticked."""
        items = [self.table.item(row, 0) for row in range(len(self._shown))]
        return [
            run
            for run, item in zip(self._shown, items, strict=True)
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]

    def _on_typed(self) -> None:
        """List at once what was chosen by the button; what is being typed waits for Enter."""
        if not self.folder.line.hasFocus():
            self._on_folder()

    @guard()
    def _on_folder(self) -> None:
        text = self.folder.line.text().strip()
        self._runs = []
        try:
            self._runs = bids_runs(Path(text).expanduser()) if text else []
        finally:
            self._offer()

    def _offer(self) -> None:
        for name, box in self.boxes.items():
            box.blockSignals(True)
            before = box.currentText()
            box.clear()
            known = {str(getattr(run, name)) for run in self._runs}
            box.addItems(natural(known))
            prepared = sorted({run.space for run in self._runs if run.preprocessed})
            usual = prepared[0] if name == "space" and prepared else before
            box.setCurrentIndex(max(0, box.findText(before), box.findText(usual)))
            box.blockSignals(False)
        self._list()

    @guard()
    def _list(self) -> None:
        """List the runs of what is chosen; one without events cannot be labelled, and is not ticked."""
        runs = self._runs
        for name, box in self.boxes.items():
            runs = [run for run in runs if getattr(run, name) == box.currentText()]
            box.setEnabled(bool(self._runs))
        self._shown = []
        self._shown = one_space(runs) if runs else []
        self.table.blockSignals(True)
        self.table.setRowCount(len(self._shown))
        for row, run in enumerate(self._shown):
            not_here = [f"{name} (content not downloaded)" for name in run.absent]
            missing = ", ".join([*run.missing, *not_here]) or "nothing"
            for column, text in enumerate((run.session or "-", run.run, missing)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<p>{run.bold.name}</p>")
                if column == 0:
                    item.setCheckState(Qt.CheckState.Checked if run.events else Qt.CheckState.Unchecked)
                self.table.setItem(row, column, item)
        self.table.blockSignals(False)
        self._enable()

    def _enable(self) -> None:
        n = len(self.ticked())
        self.open.setEnabled(n > 0)
        reason = NO_FOLDER if not self._runs else NO_RUN if self._shown else "No run is of this choice."
        tip = "Open the ticked runs as one series, with their events as its labels." if n else reason
        self.open.setToolTip(f"<p>{tip}</p>")
        subjects = len({run.subject for run in self._runs})
        self.about.setText(
            f"{n} of {len(self._shown)} runs are ticked; the dataset has {subjects} subjects."
            if self._shown
            else reason
        )

    @guard()
    def _open(self) -> None:
        runs = self.ticked()
        if not runs:
            raise InputError(NO_RUN)
        self.chosen.emit(runs)


def natural(names: Iterable[str]) -> list[str]:
    """Sort names as people count: run 2 before run 10."""
    return sorted(names, key=lambda name: natural_key(name))
