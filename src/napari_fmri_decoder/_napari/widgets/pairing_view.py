"""What belongs to each image: its events, confounds and sidecar, run, volumes and TR, as a table."""

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

from napari_fmri_decoder._napari.docks import words

ROWS = 8
"""That are seen at once; the table scrolls for more."""
TIP = "Which files were read for each image. Check that they belong together before you train."


class PairingView(QWidget):
    """Hidden until there is something to show; columns that are empty in all rows are left out.

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
        rows.addWidget(words("<b>Images and the files read for each</b>"))
        rows.addWidget(self.table)
        self.hide()

    def show_rows(self, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Show texts, one row per image.

        Parameters
        ----------
        columns : sequence of str
        cells : sequence of sequences of str
            As many as there are columns in each.
        """
        kept = [i for i in range(len(columns)) if any(row[i] for row in cells)]
        table = self.table
        table.clear()
        table.setRowCount(len(cells))
        table.setColumnCount(len(kept))
        table.setHorizontalHeaderLabels([columns[i] for i in kept])
        for row, texts in enumerate(cells):
            for column, i in enumerate(kept):
                item = QTableWidgetItem(texts[i])
                item.setToolTip(texts[i])
                table.setItem(row, column, item)
        if (header := table.horizontalHeader()) is not None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.resizeRowsToContents()
        line, seen = table.rowHeight(0) if cells else 0, min(len(cells), ROWS)
        table.setFixedHeight(line * (seen + 1) + 2 * table.frameWidth() + 22)
        self.setVisible(bool(cells))
