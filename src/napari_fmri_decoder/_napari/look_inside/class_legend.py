"""The classes of a run with their colors and probabilities, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from napari_fmri_decoder.evaluation.palette import class_colors, hex_color

MOST_CLASSES = 26
"""Number of classes in the legend, at most."""


def class_legend(classes: Sequence[str], probabilities: Sequence[float] | None) -> str:
    """Write each class after its color, with its probability if there is one, the most probable first."""
    colors = class_colors(classes)
    order = sorted(range(len(classes)), key=lambda i: -probabilities[i] if probabilities else i)
    rows = [
        f'<span style="color:{hex_color(colors[classes[i]])}">■</span>&nbsp;{escape(classes[i])}'
        + (f"&nbsp;&nbsp;{probabilities[i]:.2f}" if probabilities else "")
        for i in order[:MOST_CLASSES]
    ]
    rows += [f"and {len(order) - MOST_CLASSES} more classes"] if len(order) > MOST_CLASSES else []
    return "<br>".join(rows)
