"""A score as the window says it: with the overridden errors of the audit in color, as in the report."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.report import headline_sentence, override_sentence

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores

COLORS = {"error": "#ff6b6b", "warning": "#e69f00", "note": "#56b4e9"}
"""Of the audit's findings, and of the sentence about those that were overridden."""


def score_in_words(scores: Scores) -> str:
    """Say a score as HTML: the report's sentence, and in color which errors were overridden.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    str
        HTML.
    """
    said = override_sentence(scores)
    alarm = f'<br><b style="color:{COLORS["error"]}">{escape(said)}</b>' if said else ""
    return escape(headline_sentence(scores)) + alarm
