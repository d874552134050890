"""Labels that can be predicted without brain data, and too few samples, are reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from audit_samples import codes, samples
from scipy.stats import binomtest

from napari_fmri_decoder.samples.audit import AuditInput, audit, checks, unbalanced
from napari_fmri_decoder.samples.audit.designs import least_above_chance
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples


def test_unequal_classes_are_reported():
    rng = np.random.default_rng(4)
    order = [rng.permutation(["a"] * 9 + ["b"] * 3) for _ in range(4)]
    labels = np.repeat(np.concatenate(order), 4).tolist()
    (finding,) = audit(samples(labels=labels), make_splits(SplitConfig(), samples(labels=labels).table))
    assert (finding.code, finding.severity) == ("class-imbalance", "warning")
    assert "a 144, b 48" in finding.message
    assert unbalanced(labels)
    assert not unbalanced(["a", "a", "a", "b", "b"])


def test_few_training_samples_are_reported():
    made = samples(n_runs=10, per_run=16)
    (split,) = make_splits(SplitConfig(scheme="explicit", train=["1"], test=[*"23456789", "10"]), made.table)
    (finding,) = audit(made, [split])
    assert (finding.code, finding.severity) == ("few-samples", "warning")
    assert "'a' has 8 in 'test on 2, 3" in finding.message


def test_few_tested_blocks_are_reported_with_the_smallest_significant_accuracy():
    made = samples()
    config = SplitConfig(scheme="explicit", train=["1", "2", "3"], test=["4"])
    made = replace(made, X=made.X[:176], table=made.table.iloc[:176])  # 8 blocks of run 4 remain
    (finding,) = audit(made, make_splits(config, made.table))
    assert (finding.code, finding.severity) == ("few-tested-blocks", "warning")
    # of 8 guesses, 7 or 8 are correct with p = 9 / 256 (3.5%), 6 or more with p = 37 / 256 (14.5%)
    assert "32 samples are tested" in finding.message
    assert "with 8 blocks and 2 classes, only an accuracy of 0.88" in finding.message


@pytest.mark.parametrize(
    ("n", "chance"), [(1, 0.5), (8, 0.5), (20, 0.5), (96, 1 / 8), (864, 1 / 8), (30, 1 / 3)]
)
def test_the_smallest_significant_accuracy_equals_the_binomial_test(n, chance):
    enough = [k for k in range(n + 1) if binomtest(k, n, chance, alternative="greater").pvalue <= 0.05]
    assert least_above_chance(n, chance) == (enough[0] / n if enough else None)


def test_labels_that_depend_on_the_run_are_reported():
    # runs 1 and 2 hold more of a, runs 3 and 4 of b: 9 of 12 blocks
    rng = np.random.default_rng(10)
    order = [rng.permutation([most] * 10 + [least] * 2) for most, least in ("ab", "ab", "ba", "ba")]
    made = samples(labels=np.repeat(np.concatenate(order), 4).tolist())
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("labels-follow-run", "warning")
    assert "is right for 83% of 48 blocks" in finding.message
    assert "the most frequent class: 50%" in finding.message


def test_classes_that_are_not_in_all_runs_are_named():
    order = np.repeat(["a", "b"], 2 * 12)
    made = samples(labels=np.repeat(order, 4).tolist())
    split = Split("planted", np.r_[0:48, 96:144], np.r_[48:96, 144:192])
    (finding,) = audit(made, [split])
    assert finding.code == "labels-follow-run"
    assert "right for 100% of 48 blocks" in finding.message
    assert "not in all 4 runs: a in 2, b in 2" in finding.message


def test_labels_that_depend_on_time_are_reported():
    order = np.random.default_rng(11).permutation(["a", "b"] * 6)
    made = samples(labels=np.tile(np.repeat(order, 4), 4).tolist())
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("labels-follow-time", "warning")
    assert "right for 100% of 48 blocks" in finding.message
    assert codes(made, neighbors=0) == []  # maps have no time


def joined(order: list[np.ndarray], length: int = 4) -> Samples:
    """Blocks without rest between them: successive blocks of one class are one block of the table."""
    labels = np.repeat(np.concatenate(order), length).tolist()
    made = samples(len(order), length * len(order[0]), labels)
    return replace(made, table=made.table.assign(block=number_blocks(made.table)))


def follows_time(made: Samples) -> bool:
    return (
        checks["labels-follow-time"].find(AuditInput(made, make_splits(SplitConfig(), made.table), 4))
        is not None
    )


@pytest.mark.slow
@pytest.mark.parametrize(("n_runs", "n_blocks"), [(4, 8), (4, 12), (8, 16)])
def test_random_orders_of_two_classes_without_rest_are_not_reported(n_runs, n_blocks):
    rng = np.random.default_rng(0)
    orders = ([rng.permutation(["a", "b"] * (n_blocks // 2)) for _ in range(n_runs)] for _ in range(300))
    assert sum(follows_time(joined(order)) for order in orders) <= 3  # 1%


def test_one_order_of_two_classes_in_all_runs_without_rest_is_reported():
    order = np.random.default_rng(11).permutation(["a", "b"] * 6)
    assert follows_time(joined([order] * 4))
    reversed_once = [order, order, order, order[::-1]]
    assert follows_time(joined(reversed_once))
    rng = np.random.default_rng(1)
    assert not follows_time(joined([rng.permutation(order) for _ in range(4)]))


def test_runs_in_neither_set_are_reported():
    made = samples(n_runs=6)
    config = SplitConfig(scheme="explicit", train=["1", "2"], test=["3", "5"])
    (finding,) = audit(made, make_splits(config, made.table))
    assert (finding.code, finding.severity) == ("runs-not-used", "note")
    assert "2 of 6 runs are neither trained on nor tested: 4, 6." in finding.message


def test_subjects_in_both_sets_are_reported():
    made = samples()
    made = replace(made, table=made.table.assign(subject=np.repeat(["x", "y"], 96)))
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("subject-in-both-parts", "note")
    assert codes(made, make_splits(SplitConfig(scheme="leave-one-subject-out"), made.table)) == []
