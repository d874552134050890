"""P values in words name the floor that the number of permutations sets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fmri_decoder.evaluation.p_values import p_label, p_text
from napari_fmri_decoder.evaluation.permutations import summarize


@pytest.mark.parametrize("n", [1, 19, 99, 100_000])
def test_a_p_value_at_its_floor_says_so(n):
    best, second = summarize(np.zeros(n), 1.0), summarize(np.r_[1.0, np.zeros(n - 1)], 1.0)
    word = "permutation" if n == 1 else "permutations"
    assert p_text(best.p, n) == f"p = {1 / (n + 1):.3g}, the smallest that {n} {word} can give"
    assert p_label(best.p, n) == f"p, the smallest that {n} {word} can give"
    assert p_text(second.p, n) == f"p = {2 / (n + 1):.3g} from {n} {word}"
    assert p_label(second.p, n) == "p, permutation test"
