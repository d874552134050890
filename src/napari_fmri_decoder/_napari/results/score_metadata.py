"""The headline of a run in the metadata of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.headline import run_headline

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder.evaluation.scores import Scores

SCORE = "score"
"""Key of a layer's metadata with the headline of its run, including overridden findings of the audit."""


def add_score(layer: Layer, scores: Scores) -> None:
    """Note the headline of a run in the metadata of one of its layers."""
    layer.metadata[SCORE] = run_headline(scores).text
