"""Each leak between training and test set is found, and reported with its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audit_samples import averages, codes, samples

from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.audit.leaks import near_copies
from napari_fmri_decoder.samples.masks import parse_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.volumes.volume import Volume


def test_a_shared_run_is_reported_with_numbers():
    made = samples()
    # half of run 2 is in the test set, far from its training blocks; then one block is split as well
    test = np.r_[0:50, 96:144]
    split = Split("planted", np.setdiff1d(np.arange(192), np.r_[test, 50:60]), test)
    (finding,) = audit(made, [split], neighbors=1)
    assert (finding.code, finding.severity) == ("run-in-both-parts", "error")
    assert "1 of 4 runs and 0 of 48 blocks" in finding.message
    divided = Split("planted", np.setdiff1d(np.arange(192), test), test)
    assert "1 of 4 runs and 1 of 48 blocks" in audit(made, [divided])[0].message


def test_neighbors_in_time_are_counted_within_runs_only():
    made = samples()
    test = np.r_[0:48, 48:50]
    split = Split("planted", np.arange(52, 192), test)
    found = {finding.code: finding.message for finding in audit(made, [split], neighbors=3)}
    # volume 52 is a training sample; of its run, 48 and 49 (three away) are test samples
    assert "1 of 50 test samples" in found["neighbours-across-split"]
    assert "neighbours-across-split" not in codes(made, [split], neighbors=2)
    assert "neighbours-across-split" not in codes(made, [split], neighbors=0)


def test_neighbors_of_averaged_blocks_are_counted_from_their_nearest_volumes():
    """Blocks start ten volumes apart, but the last volume of one is next to the first of the next."""
    made = averages(average_blocks=True)
    assert made.table["volume"].tolist() == list(range(0, 80, 10))
    split = Split("planted", np.array([0, 3, 4, 5, 6, 7]), np.array([1, 2]))
    found = {f.code: f.message for f in audit(made, [split], neighbors=1)}
    # test set: volumes 10 to 19 and 20 to 29; adjacent training volumes: 9 and 30
    assert "2 of 2 test samples have a training one within 1 volumes" in found["run-in-both-parts"]
    assert "2 of 2 test samples" in found["neighbours-across-split"]
    # test set 10 to 19, training set from 30: eleven volumes from last to first, but 20 from first to first
    apart = Split("planted", np.array([3, 4, 5, 6, 7]), np.array([1]))
    assert "neighbours-across-split" not in codes(made, [apart], neighbors=10)
    found = {f.code: f.message for f in audit(made, [apart], neighbors=11)}
    assert "1 of 1 test samples" in found["neighbours-across-split"]


def test_neighbors_of_averages_over_a_run_are_counted_from_their_volumes():
    made = averages(average_runs=True)
    assert made.table["label"].tolist() == list("abab")
    assert made.volumes[made.volumes[:, 0] == 1, 1].tolist() == [*range(10, 20), *range(30, 40)]
    divided = Split("planted", np.array([1, 2, 3]), np.array([0]))  # a and b of run 1 alternate
    assert "neighbours-across-split" in codes(made, [divided], neighbors=1)


def test_averaged_blocks_at_the_border_of_two_runs_in_one_file_are_reported():
    made = averages(average_blocks=True)
    splits = make_splits(SplitConfig(), made.table)
    found = {f.code: f.message for f in audit(made, splits, neighbors=1, recording=np.zeros(80, int))}
    # volume 39, the last of run 1, is next to 40; no other block touches the next run
    assert "1 of 4 test samples of 'run 1'" in found["neighbours-across-runs"]
    separate_files = np.repeat([0, 1], 40)
    assert "neighbours-across-runs" not in codes(made, splits, neighbors=1, recording=separate_files)


def test_adjacent_runs_are_reported_only_if_they_are_in_one_file():
    made = samples()
    found = audit(made, make_splits(SplitConfig(), made.table), neighbors=3, recording=np.zeros(192, int))
    ((code, severity, message),) = [(f.code, f.severity, f.message) for f in found]
    assert (code, severity) == ("neighbours-across-runs", "warning")
    assert "6 of 48 test samples of 'run 2'" in message  # three at each end
    assert codes(made, neighbors=3, recording=np.arange(192) // 48) == []
    assert codes(made, neighbors=0, recording=np.zeros(192, int)) == []
    apart = replace(made, table=made.table.assign(volume=np.arange(192) + 4 * (np.arange(192) // 48)))
    assert codes(apart, neighbors=3, recording=np.zeros(204, int)) == []


def test_a_copy_across_the_split_is_reported():
    made = samples()
    made.X[100] = made.X[7]
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("duplicate-volumes", "error")
    assert "2 of 192 test samples" in finding.message
    assert "volume(s) 7, 100" in finding.message
    made.X[20] = made.X[7]  # a copy within the run is not split
    made.X[100] = 0
    assert codes(made) == []


@pytest.mark.parametrize("how", ["scaled", "resampled"])
def test_a_near_copy_across_the_split_is_reported(how):
    made = samples()
    noise = np.random.default_rng(5).normal(size=40)
    center = made.X.mean(axis=0)
    copy = center + 1.7 * (made.X[7] - center) if how == "scaled" else made.X[7] + 0.02 * noise
    made.X[100] = copy
    # the mean of all samples is subtracted first: otherwise all would be similar
    made.X[:] += 50 * np.random.default_rng(6).normal(size=40)
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("near-duplicate-volumes", "error")
    assert "2 of 192 test samples" in finding.message
    assert "volume(s) 7, 100" in finding.message


def test_near_copies_equal_those_by_correlation():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(300, 9000)).astype(np.float32)
    for i in range(40):  # correlations from 0.995 to 1
        X[200 + i] = X[i] + 0.0025 * i * rng.normal(size=9000)
    r = np.triu(np.corrcoef(X - X.mean(axis=0)), 1)
    np.testing.assert_array_equal(np.argwhere(r > 0.999), sorted(near_copies(X).tolist()))
    assert 10 < (r > 0.999).sum() < 40


@pytest.mark.parametrize("scale", ["zscore", "zscore by n - 1", "minmax"])
def test_scaling_before_the_split_is_reported(scale):
    made = samples()
    X = made.X + np.repeat(np.random.default_rng(8).normal(size=(4, 40)), 48, axis=0)
    if scale == "minmax":
        X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    else:
        X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=int(scale != "zscore"))
    (finding,) = audit(replace(made, X=X.astype(np.float32)), make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("scaled-across-parts", "warning")
    assert "All 40 voxels" in finding.message


def test_scaling_that_includes_excluded_volumes_is_reported():
    rng = np.random.default_rng(5)
    data = rng.normal(size=(5, 5, 2, 96)) + np.repeat(rng.normal(size=4), 24)
    rest = np.arange(96) % 4 == 0
    data[..., rest] += 2  # so that the remaining volumes have a different mean
    data = (data - data.mean(axis=3, keepdims=True)) / data.std(axis=3, keepdims=True)
    table = pd.DataFrame({"volume": np.arange(96), "label": np.where(np.arange(96) % 8 < 4, "a", "b")})
    table = table.assign(run=(np.arange(96) // 24).astype(str), subject="", session="")
    table.loc[rest, "label"] = "rest"
    table["block"] = np.arange(96) // 4
    series = Volume(data.astype(np.float32), np.eye(4), "bold", 2.0)
    raw = PrepareConfig(detrend=False, standardize_runs=False)
    for options, expected in ((raw, True), (PrepareConfig(), False)):
        made = prepare(series, table, options, exclude=["rest"])
        assert ("scaled-across-parts" in codes(made)) == expected


def test_scaling_within_runs_is_not_reported():
    made = samples()
    runs = made.X.reshape(4, 48, 40)
    runs = (runs - runs.mean(axis=1, keepdims=True)) / runs.std(axis=1, keepdims=True)
    assert codes(replace(made, X=runs.reshape(192, 40))) == []


@pytest.mark.parametrize(
    ("mask", "strategy"),
    [
        ("mask.nii", None),
        ({"strategy": "template"}, None),
        ({"strategy": "floors"}, "floors"),
        ({"strategy": "epi"}, "epi"),
        ({"strategy": "combine", "masks": ["mask.nii", {"strategy": "threshold"}]}, "threshold"),
    ],
)
def test_a_mask_from_the_series_is_reported(mask, strategy):
    made = samples()
    found = audit(made, make_splits(SplitConfig(), made.table), mask=parse_mask(mask))
    found = [f for f in found if f.code != "mask-not-compared"]
    assert [f.code for f in found] == (["mask-from-test-data"] if strategy else [])
    assert all(f"({strategy})" in f.message and "the 192 tested samples" in f.message for f in found)
