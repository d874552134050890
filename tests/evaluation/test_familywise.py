"""Family-wise p values against a plain loop."""

from __future__ import annotations

import numpy as np

from napari_fmri_decoder.evaluation.familywise import familywise_p, familywise_threshold


def test_p_is_the_share_of_permutations_whose_best_score_is_as_good() -> None:
    rng = np.random.default_rng(0)
    null = rng.integers(0, 12, (99, 40)) / 12
    scores = rng.integers(0, 14, 40) / 12
    maxima = null.max(axis=1)
    expected = [(1 + sum(best >= score for best in maxima)) / 100 for score in scores]
    np.testing.assert_allclose(familywise_p(scores, maxima), expected)


def test_scores_beyond_the_threshold_are_significant_and_no_others() -> None:
    rng = np.random.default_rng(1)
    for n in (10, 19, 20, 99, 137):
        maxima = rng.integers(0, 30, n) / 30
        scores = np.arange(32) / 30
        limit = familywise_threshold(maxima)
        np.testing.assert_array_equal(familywise_p(scores, maxima) <= 0.05, scores > limit + 1e-9)
