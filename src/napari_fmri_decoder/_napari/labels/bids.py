"""Choose the runs of one subject from a BIDS or fMRIPrep folder, and open them as one series."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from napari_fmri_decoder._napari.forms.controls import choice_box, push_button
from napari_fmri_decoder._napari.forms.lines import PathLine
from napari_fmri_decoder._napari.forms.native import align_labels, prepare_control
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.dataset import BidsRun, bids_runs, one_space
from napari_fmri_decoder.volumes.files import natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.bids_selection import BidsSelection

CHOICES = {
    "subject": "Subject whose runs are opened.",
    "task": "Task whose runs are listed.",
    "space": "Space of the images. Native is that of the scanner; subjects can be compared in MNI space.",
}
FOLDER = (
    "A BIDS dataset including its derivatives, or an output folder of fMRIPrep. "
    "BOLD files, events, confounds, brain masks and anatomy are found by their names."
)
NO_FOLDER = "Choose a folder that contains sub-01, sub-02 and so on."
NO_RUN = "Select at least one run."


class BidsBox(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """A folder, its subjects, tasks and spaces, and a table of runs with their missing files.

    Attributes
    ----------
    folder : PathLine
    subject, task, space : ComboBox
    open_requested : Signal
        Sent with the list of `BidsRun` to open.
    """

    open_requested = Signal(object)

    def __init__(self) -> None:
        self._runs: list[BidsRun] = []
        self._shown: list[BidsRun] = []
        folder = PathLine(name="folder", label="Folder", mode="d")
        self.boxes = {
            name: choice_box(name, name.capitalize(), tip, letters=8) for name, tip in CHOICES.items()
        }
        super().__init__(widgets=[folder, *self.boxes.values()], name="bids")
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        prepare_control(folder, "bids_folder", "Folder", FOLDER)
        folder.line_edit.native.editingFinished.connect(self._on_folder)
        folder.changed.connect(self._on_typed)
        for name, box in self.boxes.items():
            box.native.setObjectName(f"bids_{name}")
            box.changed.connect(self._list_runs)
        self.table = _table()
        self.table.itemChanged.connect(lambda *_: self._update_availability())
        self.open_button = push_button("open_bids", "Open selected runs")
        self.error = Message("bids_error")
        self.open_button.changed.connect(guard(self.error)(self.open))
        self.about = text_label(NO_FOLDER, name="bids_about")
        for part in (self.table, self.about, self.open_button.native, self.error):
            self.native.layout().addWidget(part)
        self._list_runs()

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
        if not self.folder.line_edit.native.hasFocus():
            self._on_folder()

    @guard("error")
    def _on_folder(self) -> None:
        text = str(self.folder.value)
        self._runs = []
        try:
            self._runs = bids_runs(Path(text).expanduser()) if text else []
        finally:
            self._fill_boxes()

    def _fill_boxes(self) -> None:
        prepared = sorted({run.space for run in self._runs if run.preprocessed})
        for name, box in self.boxes.items():
            known = sorted({str(getattr(run, name)) for run in self._runs}, key=natural_key)
            before = prepared[0] if name == "space" and prepared else box.value
            with box.changed.blocked():
                box.choices = known
                if known:
                    box.value = before if before in known else known[0]
        self._list_runs()

    def _list_runs(self) -> None:
        """List the runs of the current choice, and select those with events, which can be labeled."""
        runs = self._runs
        for name, box in self.boxes.items():
            runs = [run for run in runs if getattr(run, name) == box.value]
            set_available(box, None if self._runs else NO_FOLDER, CHOICES[name])
        self._shown = []
        with guard(self.error):
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
        set_available(self.open_button, None if n else reason, tip)
        subjects = len({run.subject for run in self._runs})
        self.about.setText(
            f"{n} of {len(self._shown)} runs selected. Subjects in the dataset: {subjects}."
            if self._shown
            else reason
        )

    def keep_selection(self, selection: BidsSelection, runs: list[BidsRun]) -> None:
        """Keep the selection of runs that are opened, for all subjects."""
        selection.choose(Path(str(self.folder.value)).expanduser(), self._runs, self._shown, runs)

    def open(self) -> None:
        """Open the selected runs as one series, with their events as labels.

        Raises
        ------
        InputError
            If no run is selected.
        """
        runs = self.selected()
        if not runs:
            raise InputError(NO_RUN)
        self.open_requested.emit(runs)


def _table() -> QTableWidget:
    """A table of runs, with check boxes."""
    table = QTableWidget(0, 3)
    table.setObjectName("bids_runs")
    table.setToolTip("<p>Selected runs are concatenated into one series.</p>")
    table.setHorizontalHeaderLabels(["session", "run", "missing"])
    if (rows := table.verticalHeader()) is not None:
        rows.hide()
    if (columns := table.horizontalHeader()) is not None:
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setStretchLastSection(True)
    table.setFixedHeight(140)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    return table
