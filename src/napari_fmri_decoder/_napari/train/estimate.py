"""The untrained network: its layers, and the memory and time that training will need."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder.formatting import format_bytes, format_seconds

if TYPE_CHECKING:
    from napari_fmri_decoder.training.estimate import RunEstimate


class EstimateView(QWidget):
    """A sentence, and a table of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.summary = text_label(name="outlook")
        self.table = text_label(name="network_layers")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.summary)
        rows.addWidget(self.table)
        self.hide()

    def show_estimate(self, estimate: RunEstimate) -> None:
        """Show a network, and the memory and time that training will need."""
        summary = estimate.summary
        text = f"<b>{summary.total:,} parameters</b>, {summary.trainable:,} of them trainable"
        if estimate.epoch_s is not None and estimate.total_s is not None:
            text += (
                f"; about {format_bytes(estimate.memory)} during training, "
                f"{format_seconds(estimate.epoch_s)} per epoch, "
                f"{format_seconds(estimate.total_s)} for {estimate.fits} fits "
                "(without permutations and compared networks)"
            )
        self.summary.setText(f"{text}.")
        rows = [
            f"<tr><td>{escape(row.name)}&nbsp;&nbsp;</td><td>{escape(row.type)}&nbsp;&nbsp;</td>"
            f"<td>{' x '.join(map(str, row.output_shape))}&nbsp;&nbsp;</td>"
            f'<td align="right">{_count(row.parameters + row.statistics)}</td></tr>'
            for row in summary.rows
        ]
        self.table.setText(f"<table>{''.join(rows)}</table>")
        self.show()


def _count(n: int) -> str:
    return f"{n:,}" if n else ""
