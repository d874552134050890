"""The table of all subjects: state, score and p of each, and why it was skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_fmri_decoder._napari.qt.availability import tooltip
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent

    from napari_fmri_decoder._napari.train.subject_runs import SubjectRow

COLUMNS = ("subject", "state", "score", "p", "why skipped")
LEAST, MOST = 90, 320
"""Smallest and largest height in pixels."""


class SubjectsTable(QTableWidget):
    """One row per subject, in their order; a score with overridden findings is marked in color.

    Attributes
    ----------
    rows : list of SubjectRow
    """

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.rows: list[SubjectRow] = []
        self.setObjectName("subjects_table")
        self.setAccessibleName("All subjects")
        self.setToolTip("<p>Double click a finished subject to open its run.</p>")
        self.setHorizontalHeaderLabels(list(COLUMNS))
        if (numbers := self.verticalHeader()) is not None:
            numbers.hide()
        if (titles := self.horizontalHeader()) is not None:
            titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            titles.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.setWordWrap(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def show_rows(self, rows: Sequence[SubjectRow]) -> None:
        """Show these subjects; only rows that changed are written."""
        before, self.rows = self.rows, list(rows)
        if self.rowCount() != len(rows):
            self.setRowCount(len(rows))
            before = []
        changed = [i for i, row in enumerate(rows) if i >= len(before) or before[i] is not row]
        for i in changed:
            self._write(i, rows[i])
        if changed:
            self._fit()

    def texts(self) -> list[list[str]]:
        """Return the shown texts, row by row."""
        return [
            [item.text() if (item := self.item(i, j)) is not None else "" for j in range(len(COLUMNS))]
            for i in range(self.rowCount())
        ]

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Wrap the reasons at the new width."""
        super().resizeEvent(event)
        self._fit()

    def _write(self, i: int, row: SubjectRow) -> None:
        ended = row.headline is not None
        numbers = (number(row.score), number(row.p)) if ended else ("", "")
        tip = tooltip(row.headline.html) if row.headline is not None else ""
        severity = row.headline.severity if row.headline is not None else None
        for j, text in enumerate((row.name, row.state, *numbers, row.why)):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            item.setTextAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            if severity is not None and COLUMNS[j] == "score":
                mark = SEVERITY_MARKS[severity]
                item.setBackground(QColor(mark.background))
                item.setForeground(QColor(mark.text))
            self.setItem(i, j, item)

    def _fit(self) -> None:
        """Give each row, and the table, the height that they need."""
        self.resizeRowsToContents()
        titles = self.horizontalHeader()
        height = sum(self.rowHeight(i) for i in range(self.rowCount())) + 2 * self.frameWidth() + 4
        height += titles.sizeHint().height() if titles is not None else 0
        height = min(max(height, LEAST), MOST)
        if height != self.height() or height != self.minimumHeight():
            self.setFixedHeight(height)
