"""Page of the Look inside dock: a table of recent runs, and two of them side by side."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStyledItemDelegate,
    QTableView,
    QTextBrowser,
)

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.look_inside.comparison_text import comparison_html
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.look_inside.prediction_pages import TableModel
from napari_fmri_decoder._napari.qt.availability import set_available, tooltip
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.results.open_run import open_run
from napari_fmri_decoder._napari.results.recent_runs import recent_runs
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS, number
from napari_fmri_decoder.pipeline.comparing_runs import compare_runs, read_rows, runs_table

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtCore import QLocale
    from qtpy.QtGui import QResizeEvent, QShowEvent

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline.comparing_runs import RunComparison, RunRow

NO_RUNS = "There are no recent runs. Train in the Train dock, or open a run."
OPEN = "Open the selected run."
COMPARE = "Show the two selected runs side by side."
HIDDEN = ("dummy", "chance", "measure")
"""Columns that are only in the tooltip of a run, so that the others fit into a dock."""
NAMES = ("run", "differs in")
"""Columns of long texts, which are wrapped; the last has the width that the others leave."""
WIDEST = {"run": "0000-00-00_", "decoder": "decoder"}
NUMBER = "0.000"
"""Texts that fit into the columns, whatever the table contains."""
PADDING = 8
"""Pixels around the text of a cell."""
BREAK, LETTERS = "\N{ZERO WIDTH SPACE}", 9
"""Where a line may end, and letters of a word that fit into a line."""
SELECT_ONE = "Select one run in the table."
SELECT_TWO = "Select two runs in the table: click the second with Ctrl."


class RunsModel(TableModel):
    """The table of runs, sorted by any column; a run with overridden findings is marked in color."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RunRow] = []

    def show_rows(self, rows: list[RunRow]) -> None:
        """Show other runs."""
        self.rows = rows
        self.show(runs_table(rows))

    def row(self, index: QModelIndex) -> RunRow:
        """The run of a row."""
        return self.rows[int(self.table.index[index.row()])]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell as text, and the headline of its run as tooltip."""
        row = self.row(index)
        severity = row.headline.severity
        if role == Qt.ItemDataRole.DisplayRole:
            value = self.table.iat[index.row(), index.column()]
            return number(value) if isinstance(value, float) else str(value)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(f"{self._wrapped(index)}{row.headline.html}")
        if severity is not None and self.table.columns[index.column()] in ("run", "score"):
            mark = SEVERITY_MARKS[severity]
            if role == Qt.ItemDataRole.BackgroundRole:
                return QColor(mark.background)
            if role == Qt.ItemDataRole.ForegroundRole:
                return QColor(mark.text)
        return None

    def _wrapped(self, index: QModelIndex) -> str:
        """The full text of a cell that is wrapped, as a paragraph; a very long word in it may be cut."""
        if self.table.columns[index.column()] not in NAMES:
            return ""
        return f"{escape(str(self.table.iat[index.row(), index.column()]))}</p><p>"

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; numbers that do not exist are last."""
        ascending = order == Qt.SortOrder.AscendingOrder
        if column < 0:
            self.show(self.table.sort_index())
        elif not self.table.empty:
            name = self.table.columns[column]
            self.show(self.table.sort_values(name, ascending=ascending, kind="stable", na_position="last"))


class WrappedNames(QStyledItemDelegate):
    """Breaks lines also within names, which have no spaces."""

    def displayText(self, value: Any, locale: QLocale) -> str:
        """Allow a new line after each part of a name, and within long words."""
        parts = re.sub(r"(?<=[_/\\-])(?=\w)", BREAK, str(value))
        return re.sub(rf"(\w{{{LETTERS}}})(?=\w{{2}})", rf"\1{BREAK}", parts)


class RunsPage(Page):
    """Recent runs, sortable; a double click opens one, and two are compared.

    Attributes
    ----------
    open, compare : PushButton
    table : QTableView
    comparison : RunComparison or None
        That is shown.
    """

    title = "Recent runs"
    needs_images = False
    needs_run = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.comparison: RunComparison | None = None
        self.model = RunsModel()
        self.table = QTableView()
        self.table.setObjectName("runs_table")
        self.table.setAccessibleName("Recent runs")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSortingEnabled(True)
        self.table.setMinimumHeight(170)
        self.table.setItemDelegate(WrappedNames(self.table))
        self.table.setWordWrap(True)
        if (numbers := self.table.verticalHeader()) is not None:
            numbers.hide()
        self.open = push_button("open_selected_run", "Open", OPEN)
        self.compare = push_button("compare_runs", "Compare", COMPARE)
        self.text = QTextBrowser()
        self.text.setObjectName("comparison")
        self.text.setAccessibleName("Comparison of two runs")
        self.text.setMinimumHeight(220)
        self.text.hide()
        buttons = QHBoxLayout()
        for button in (self.open, self.compare):
            buttons.addWidget(button.native)
        self.rows.addWidget(self.table, 1)
        self.rows.addLayout(buttons)
        self.rows.addWidget(self.text, 2)
        self.open.changed.connect(self._open_selected)
        self.compare.changed.connect(self._compare_selected)
        self.table.doubleClicked.connect(self._open_clicked)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(self._refresh)
        self._refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the runs that there are now."""
        super().showEvent(event)
        self.update_runs(wait=False)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Wrap the names to the new width."""
        super().resizeEvent(event)
        self.table.resizeRowsToContents()

    def draw(self, run: Any) -> None:
        """List the runs again: this one is new."""
        if self.isVisible():
            self.update_runs(wait=False)

    def update_runs(self, *, wait: bool = True) -> None:
        """List the recent runs.

        Parameters
        ----------
        wait : bool
            Whether to return only when they are listed.
        """
        self._drawing = self.in_background("Reading the runs", self._show_rows, read_rows, recent_runs())
        self._drawing.wait_if(wait)

    def selected(self) -> list[Path]:
        """Folders of the selected runs, in the order of the table."""
        selection = self.table.selectionModel()
        rows = selection.selectedRows() if selection is not None else []
        return [self.model.row(index).folder for index in sorted(rows, key=QModelIndex.row)]

    def compare_runs(self, first: Path, second: Path, *, wait: bool = True) -> None:
        """Show two run folders side by side.

        Parameters
        ----------
        first, second : Path
        wait : bool
            Whether to return only when they are shown.

        Raises
        ------
        InputError
            If one contains no finished run.
        """
        self._compare(first, second).wait_if(wait)

    def _compare(self, first: Path, second: Path) -> Job:
        work = self.in_background("Comparing the runs", self._show_comparison, compare_runs, first, second)
        self._drawing = work
        return work

    def _show_rows(self, read: tuple[list[RunRow], list[str]]) -> None:
        rows, messages = read
        self.model.show_rows(rows)
        if (titles := self.table.horizontalHeader()) is not None:
            titles.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # the latest first
        self._share_width()
        self.show_message("\n".join(messages if rows or messages else [NO_RUNS]))
        self._refresh()

    def _share_width(self) -> None:
        """Give the names the width that the other columns leave, so that all are in sight."""
        titles, modes = self.table.horizontalHeader(), QHeaderView.ResizeMode
        metrics = self.table.fontMetrics()
        if titles is None:
            return
        for i, name in enumerate(self.model.table.columns):
            self.table.setColumnHidden(i, name in HIDDEN)
            titles.setSectionResizeMode(i, modes.Stretch if name == NAMES[-1] else modes.Fixed)
            text = WIDEST.get(name, max(NUMBER, name, key=metrics.horizontalAdvance))
            titles.resizeSection(i, metrics.horizontalAdvance(text) + PADDING)
        self.table.resizeRowsToContents()

    def _show_comparison(self, found: RunComparison) -> None:
        self.comparison = found
        self.text.setHtml(comparison_html(found))
        self.text.show()

    def _refresh(self, *_: object) -> None:
        n = len(self.selected())
        set_available(self.open, None if n == 1 else SELECT_ONE)
        set_available(self.compare, None if n == 2 else SELECT_TWO)

    @guard()
    def _open_selected(self) -> None:
        folders = self.selected()
        if len(folders) != 1:
            raise InputError(SELECT_ONE)
        open_run(self.session.viewer, folders[0])

    @guard()
    def _open_clicked(self, index: QModelIndex) -> None:
        open_run(self.session.viewer, self.model.row(index).folder)

    @guard()
    def _compare_selected(self) -> None:
        folders = self.selected()
        if len(folders) != 2:
            raise InputError(SELECT_TWO)
        self._compare(*folders)
