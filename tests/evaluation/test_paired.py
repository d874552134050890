"""Two runs on the same samples: counts that can be checked by hand, and the closed form of McNemar's test."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.evaluation.paired import paired_counts


def table(true: str, predicted: str) -> pd.DataFrame:
    """Predictions of one letter each."""
    return pd.DataFrame(
        {
            "volume": np.arange(len(true)),
            "subject": "",
            "session": "",
            "run": [str(1 + i // 4) for i in range(len(true))],
            "fold": [i // 4 for i in range(len(true))],
            "true": list(true),
            "predicted": list(predicted),
        }
    )


def test_counts_of_four_kinds() -> None:
    found = paired_counts(table("aabbccaa", "aabbbbba"), table("aabbccaa", "abbaacaa"))
    assert found is not None
    assert (found.both, found.only_first, found.only_second, found.neither) == (3, 2, 2, 1)
    assert found.n == 8
    assert found.disagree == 5, "both are wrong about one sample, with two different predictions"


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (1, 9), (7, 3), (6, 6), (40, 20)])
def test_p_is_the_binomial_sum(first: int, second: int) -> None:
    true = "a" * (first + second + 4)
    ours = "a" * first + "b" * second + "aabb"
    theirs = "b" * first + "a" * second + "aabb"
    found = paired_counts(table(true, ours), table(true, theirs))
    assert found is not None
    n = first + second
    tail = sum(comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    assert found.p == pytest.approx(min(1.0, 2 * tail))


def test_the_order_of_samples_does_not_matter() -> None:
    ours, theirs = table("aabbccaa", "aabbbbba"), table("aabbccaa", "abbaacaa")
    assert paired_counts(ours, theirs[::-1]) == paired_counts(ours, theirs)


@pytest.mark.parametrize("change", ["label", "volume", "fewer", "twice", "run"])
def test_other_samples_are_not_paired(change: str) -> None:
    ours = table("aabb", "aabb")
    theirs = ours.copy()
    if change == "label":
        theirs.loc[0, "true"] = "b"
    elif change == "volume":
        theirs.loc[0, "volume"] = 9
    elif change == "fewer":
        theirs = theirs[1:]
    elif change == "run":
        theirs["run"] = "2"
    else:
        ours = pd.concat([ours, ours])
        theirs = ours
    assert paired_counts(ours, theirs) is None
