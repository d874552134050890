"""The headline score in the window, with overridden errors of the audit in color, as in the report."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.report import headline_sentence, override_sentence

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores

SEVERITY_COLORS = {"error": "#ff6b6b", "warning": "#e69f00", "note": "#56b4e9"}
"""Color of each severity of the audit's findings."""


def headline(scores: Scores) -> str:
    """Write the score as HTML: the report's sentence, and overridden errors in color.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    str
        HTML.
    """
    overridden = override_sentence(scores)
    alarm = f'<br><b style="color:{SEVERITY_COLORS["error"]}">{escape(overridden)}</b>' if overridden else ""
    return escape(headline_sentence(scores)) + alarm
