"""The text about a run shows what is decoded without voxels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from small_result import small_result

from napari_fmri_decoder._napari.train.run_text import run_html
from napari_fmri_decoder.evaluation.nuisance_test import NuisanceScore, NuisanceTest


def test_scores_without_voxels_are_below_the_headline(tmp_path: Path) -> None:
    result = small_result(tmp_path, {"name": "lda"})
    test = NuisanceTest((NuisanceScore("motion", 6, 0.71, 0.01, 0.02),), 99)
    text = run_html(replace(result, scores=replace(result.scores, nuisance=test)))
    assert text.split("<br>")[1] == "Decoded without the pattern of voxels: motion 0.710 (p = 0.02)."
    assert "without the pattern" not in run_html(result)
