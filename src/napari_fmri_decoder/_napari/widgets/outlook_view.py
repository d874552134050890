"""The network before it is trained: its layers, and what the run will take."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.progress import in_words

if TYPE_CHECKING:
    from napari_fmri_decoder.training.outlook import Outlook


class OutlookView(QWidget):
    """A table of layers under one sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.said = words(name="outlook")
        self.table = words(name="network_layers")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.said)
        rows.addWidget(self.table)
        self.hide()

    def show_outlook(self, outlook: Outlook) -> None:
        """Show a network and what its run will take."""
        summary = outlook.summary
        said = f"<b>{summary.total:,} parameters</b>, {summary.trainable:,} of them learned"
        if outlook.epoch_s is not None and outlook.total_s is not None:
            said += (
                f"; about {outlook.memory / 2**20:.0f} MB while it trains, {_short(outlook.epoch_s)} an "
                f"epoch, {in_words(outlook.total_s)} for {outlook.fits} fits "
                "(permutations and compared networks are not counted)"
            )
        self.said.setText(f"{said}.")
        rows = [
            f"<tr><td>{escape(row.name)}&nbsp;&nbsp;</td><td>{escape(row.type)}&nbsp;&nbsp;</td>"
            f"<td>{' x '.join(map(str, row.output_shape))}&nbsp;&nbsp;</td>"
            f'<td align="right">{_count(row.parameters + row.statistics)}</td></tr>'
            for row in summary.rows
        ]
        self.table.setText(f"<table>{''.join(rows)}</table>")
        self.show()


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _count(n: int) -> str:
    return f"{n:,}" if n else ""
