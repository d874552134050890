"""A table of the files of each image: events, confounds, sidecar, run, volumes and TR."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.qt.sections import text_label

ROWS = 8
"""Number of visible rows; the table scrolls for more."""
TIP = "Files that were read for each image. Check that they belong together before training."


class PairingView(QWidget):
    """Hidden until there are rows to show; empty columns are omitted.

    Attributes
    ----------
    table : QTableWidget
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = QTableWidget()
        self.table.setObjectName("pairing")
        self.table.setToolTip(f"<p>{TIP}</p>")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        if (numbers := self.table.verticalHeader()) is not None:
            numbers.hide()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 4)
        rows.addWidget(text_label("<b>Images and the files read for each</b>"))
        rows.addWidget(self.table)
        self.hide()

    def show_rows(self, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Show texts, one row per image.

        Parameters
        ----------
        columns : sequence of str
        cells : sequence of sequences of str
            One per column.
        """
        shown = [i for i in range(len(columns)) if any(row[i] for row in cells)]
        table = self.table
        table.clear()
        table.setRowCount(len(cells))
        table.setColumnCount(len(shown))
        table.setHorizontalHeaderLabels([columns[i] for i in shown])
        for row, texts in enumerate(cells):
            for column, i in enumerate(shown):
                item = QTableWidgetItem(texts[i])
                item.setToolTip(texts[i])
                table.setItem(row, column, item)
        if (header := table.horizontalHeader()) is not None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.resizeRowsToContents()
        line, seen = table.rowHeight(0) if cells else 0, min(len(cells), ROWS)
        table.setFixedHeight(line * (seen + 1) + 2 * table.frameWidth() + 22)
        self.setVisible(bool(cells))
