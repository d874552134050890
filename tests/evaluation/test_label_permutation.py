"""Which labels a permutation gives to which blocks."""

from __future__ import annotations

from collections import Counter
from itertools import permutations as orders
from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluation_fakes import make_samples

from napari_fmri_decoder.evaluation.label_permutation import n_permutations, permute_labels

if TYPE_CHECKING:
    import pandas as pd


def labels_of_blocks(table: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    return table.assign(label=labels).groupby(["run", "block"], sort=False)["label"].agg(["first", "nunique"])


@pytest.mark.parametrize("extra", [0, 4])
def test_labels_of_whole_blocks_are_permuted_within_runs(extra: int) -> None:
    table = make_samples(blocks=3, length=5, extra=extra).table
    shuffled = table.sample(frac=1, random_state=1).reset_index(drop=True)
    for which in (table, shuffled):
        before = labels_of_blocks(which, which["label"].to_numpy())
        moved = 0
        for seed in range(20):
            labels = permute_labels(which, np.random.default_rng(seed))
            after = labels_of_blocks(which, labels)
            assert (after["nunique"] == 1).all()
            for run in ("1", "2", "3", "4"):
                assert Counter(after.loc[run, "first"]) == Counter(before.loc[run, "first"])
            moved += (after["first"] != before["first"]).sum()
        # A block of a run with 3 of each of 3 labels gets another label in 2 of 3 cases.
        assert moved / (20 * len(before)) == pytest.approx(2 / 3, abs=0.1)


def test_runs_are_distinguished_by_subject_and_session() -> None:
    table = make_samples(runs=2, blocks=1).table
    table["subject"], table["run"] = table["run"], "1"
    for seed in range(20):
        labels = table.assign(label=permute_labels(table, np.random.default_rng(seed)))
        assert labels.groupby(["subject", "label"]).size().eq(3).all()


def test_every_order_of_the_blocks_is_equally_frequent() -> None:
    table = make_samples(("a", "b", "c"), runs=1, length=1).table
    rng = np.random.default_rng(0)
    seen = Counter("".join(permute_labels(table, rng)) for _ in range(600))
    assert set(seen) == {"".join(order) for order in orders("abc")}
    assert all(70 < n < 130 for n in seen.values())


def test_possible_labelings_are_counted() -> None:
    table = make_samples(("a", "b"), runs=2, blocks=2, length=2).table
    found = {tuple(permute_labels(table, np.random.default_rng(seed))) for seed in range(400)}
    assert n_permutations(table) == len(found) == 36
