"""Choosing the best of several decoders: the maximum statistic keeps its level, the smallest p does not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fmri_decoder.evaluation.best_of import best_of
from napari_fmri_decoder.evaluation.permutations import summarize


def test_p_is_that_of_the_definition():
    permuted = np.array([[0.2, 0.5, 0.4], [0.6, 0.1, 0.3]])
    found = best_of(["a", "b"], [0.45, 0.5], list(permuted))
    assert (found.decoder, found.score, found.decoders, found.n) == ("b", 0.5, 2, 3)
    assert found.p == pytest.approx((2 + 1) / (3 + 1))  # the best are .6, .5 and .4
    one = best_of(["a"], [0.45], [permuted[0]])
    assert one.p == summarize(permuted[0], 0.45).p


def test_without_effect_five_percent_are_significant():
    rng = np.random.default_rng(0)
    n_data, n, k = 2000, 99, 4
    chosen = smallest = 0
    for _ in range(n_data):
        common = rng.normal(size=n + 1)
        scores = 0.6 * common + 0.8 * rng.normal(size=(k, n + 1))  # decoders of the same data correlate
        observed, permuted = scores[:, 0].tolist(), list(scores[:, 1:])
        chosen += best_of(list("abcd"), observed, permuted).p <= 0.05
        smallest += min(summarize(p, o).p for p, o in zip(permuted, observed, strict=True)) <= 0.05
    assert chosen / n_data == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / n_data))
    assert smallest / n_data > 0.1
