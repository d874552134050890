"""Each leak, planted by itself, is found by its name; a clean design has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.feature_selection import SelectKBest, f_classif

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.audit import audit, blocking, checks, unbalanced
from napari_fmri_decoder.samples.designs import least_above_chance
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.leaks import near_copies
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import PrepareConfig, prepare
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.splits import Split, SplitConfig, make_splits
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.nifti import read
from napari_fmri_decoder.volumes.volume import Volume


def samples(n_runs: int = 4, per_run: int = 48, labels: list[str] | None = None) -> Samples:
    """Blocks of four volumes, as many of each class in every run, in an order that each run has anew."""
    n, rng = n_runs * per_run, np.random.default_rng(3)
    order = [rng.permutation(["a", "b"] * (per_run // 8)) for _ in range(n_runs)]
    labels = np.repeat(np.concatenate(order), 4).tolist() if labels is None else labels
    table = pd.DataFrame({"volume": np.arange(n), "label": labels})
    table["run"] = [str(i // per_run + 1) for i in range(n)]
    table = table.assign(subject="", session="", block=np.arange(n) // 4)
    X = rng.normal(size=(n, 40)).astype(np.float32)
    space = Space(Grid((40, 1, 1), np.eye(4)), np.ones((40, 1, 1), dtype=bool))
    return Samples(X, table, tuple(sorted(set(table["label"]))), space)


def codes(made: Samples, splits: list[Split] | None = None, **options: object) -> list[str]:
    splits = make_splits(SplitConfig(), made.table) if splits is None else splits
    return [finding.code for finding in audit(made, splits, **options)]


def test_a_clean_design_has_no_finding():
    assert codes(samples()) == []


def test_a_shared_run_is_found_with_its_numbers():
    made = samples()
    # half of run 2's blocks are moved to the test part, far from those that stay, and a block is parted
    test = np.r_[0:50, 96:144]
    split = Split("planted", np.setdiff1d(np.arange(192), np.r_[test, 50:60]), test)
    (finding,) = audit(made, [split], neighbours=1)
    assert (finding.code, finding.severity) == ("run-in-both-parts", "error")
    assert "1 of 4 runs and 0 of 48 blocks" in finding.message
    parted = Split("planted", np.setdiff1d(np.arange(192), test), test)
    assert "1 of 4 runs and 1 of 48 blocks" in audit(made, [parted])[0].message


def test_neighbours_in_time_are_counted_within_runs_only():
    made = samples()
    test = np.r_[0:48, 48:50]
    split = Split("planted", np.arange(52, 192), test)
    found = {finding.code: finding.message for finding in audit(made, [split], neighbours=3)}
    # volume 52 is trained on; of run 2 the test volume 49 lies three away, 48 four; run 1 ends at 47
    assert "1 of 50 test samples" in found["neighbours-across-split"]
    assert "neighbours-across-split" not in codes(made, [split], neighbours=2)
    assert "neighbours-across-split" not in codes(made, [split], neighbours=0)


def averages(**how: bool) -> Samples:
    """One recording of two runs; each four blocks of ten volumes, a b a b."""
    table = pd.DataFrame({"volume": np.arange(80), "label": np.tile(np.repeat(list("abab"), 10), 2)})
    table = table.assign(run=np.repeat(["1", "2"], 40), subject="", session="")
    data = np.random.default_rng(2).normal(size=(30, 1, 1, 80)).astype(np.float32)
    raw = {"detrend": False, "standardize_runs": False}
    return prepare(Volume(data, np.eye(4), "bold", 2.0), table, PrepareConfig(**raw, **how))


def test_neighbours_of_averaged_blocks_are_counted_from_their_nearest_volumes():
    """Blocks begin ten volumes apart, but the last volume of one lies beside the first of the next."""
    made = averages(average_blocks=True)
    assert made.table["volume"].tolist() == list(range(0, 80, 10))
    split = Split("planted", np.array([0, 3, 4, 5, 6, 7]), np.array([1, 2]))
    found = {f.code: f.message for f in audit(made, [split], neighbours=1)}
    # tested: volumes 10 to 19 and 20 to 29; trained on beside them: 9, and 30
    assert "2 of 2 test samples have a training one within 1 volumes" in found["run-in-both-parts"]
    assert "2 of 2 test samples" in found["neighbours-across-split"]
    # 10 to 19 alone, trained on from 30: eleven volumes from last to first, though 20 from first to first
    apart = Split("planted", np.array([3, 4, 5, 6, 7]), np.array([1]))
    assert "neighbours-across-split" not in codes(made, [apart], neighbours=10)
    found = {f.code: f.message for f in audit(made, [apart], neighbours=11)}
    assert "1 of 1 test samples" in found["neighbours-across-split"]


def test_neighbours_of_averages_over_a_run_are_the_volumes_that_went_into_them():
    made = averages(average_runs=True)
    assert made.table["label"].tolist() == list("abab")
    assert made.volumes[made.volumes[:, 0] == 1, 1].tolist() == [*range(10, 20), *range(30, 40)]
    parted = Split("planted", np.array([1, 2, 3]), np.array([0]))  # a and b of run 1 take turns
    assert "neighbours-across-split" in codes(made, [parted], neighbours=1)


def test_averaged_blocks_at_the_seam_of_two_runs_in_one_file_are_told():
    made = averages(average_blocks=True)
    splits = make_splits(SplitConfig(), made.table)
    found = {f.code: f.message for f in audit(made, splits, neighbours=1, recording=np.zeros(80, int))}
    # volume 39, the last of run 1's last block, lies beside 40, and no other block does
    assert "1 of 4 test samples of 'run 1'" in found["neighbours-across-runs"]
    own_files = np.repeat([0, 1], 40)
    assert "neighbours-across-runs" not in codes(made, splits, neighbours=1, recording=own_files)


def test_runs_that_touch_in_one_recording_are_told_and_runs_of_their_own_files_are_not():
    made = samples()
    found = audit(made, make_splits(SplitConfig(), made.table), neighbours=3, recording=np.zeros(192, int))
    ((code, severity, message),) = [(f.code, f.severity, f.message) for f in found]
    assert (code, severity) == ("neighbours-across-runs", "warning")
    assert "6 of 48 test samples of 'run 2'" in message  # three at each end
    assert codes(made, neighbours=3, recording=np.arange(192) // 48) == []
    assert codes(made, neighbours=0, recording=np.zeros(192, int)) == []
    apart = replace(made, table=made.table.assign(volume=np.arange(192) + 4 * (np.arange(192) // 48)))
    assert codes(apart, neighbours=3, recording=np.zeros(204, int)) == []


def test_a_copy_across_the_split_is_found():
    made = samples()
    made.X[100] = made.X[7]
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("duplicate-volumes", "error")
    assert "2 of 192 samples" in finding.message
    assert "volume(s) 7, 100" in finding.message
    made.X[20] = made.X[7]  # a copy within the run crosses no split
    made.X[100] = 0
    assert codes(made) == []


def test_unequal_classes_are_told():
    rng = np.random.default_rng(4)
    order = [rng.permutation(["a"] * 9 + ["b"] * 3) for _ in range(4)]
    labels = np.repeat(np.concatenate(order), 4).tolist()
    (finding,) = audit(samples(labels=labels), make_splits(SplitConfig(), samples(labels=labels).table))
    assert (finding.code, finding.severity) == ("class-imbalance", "warning")
    assert "a 144, b 48" in finding.message
    assert unbalanced(labels)
    assert not unbalanced(["a", "a", "a", "b", "b"])


def test_few_training_samples_are_told():
    made = samples(n_runs=10, per_run=16)
    (split,) = make_splits(SplitConfig(scheme="explicit", train=["1"], test=[*"23456789", "10"]), made.table)
    (finding,) = audit(made, [split])
    assert (finding.code, finding.severity) == ("few-samples", "warning")
    assert "'a' has 8 in 'test on 2, 3" in finding.message


def test_few_tested_blocks_are_told_with_the_accuracy_that_they_could_call_above_chance():
    made = samples()
    config = SplitConfig(scheme="explicit", train=["1", "2", "3"], test=["4"])
    made = replace(made, X=made.X[:176], table=made.table.iloc[:176])  # 8 blocks of run 4 are left
    (finding,) = audit(made, make_splits(config, made.table))
    assert (finding.code, finding.severity) == ("few-tested-blocks", "warning")
    # of 8 guesses 7 or 8 are right in 9 of 256 cases (3.5%), 6 or more in 37 (14.5%)
    assert "32 samples are tested" in finding.message
    assert "of 8 blocks and 2 classes only an accuracy of 0.88" in finding.message


@pytest.mark.parametrize(
    ("n", "chance"), [(1, 0.5), (8, 0.5), (20, 0.5), (96, 1 / 8), (864, 1 / 8), (30, 1 / 3)]
)
def test_the_least_accuracy_above_chance_is_that_of_the_binomial_test(n, chance):
    enough = [k for k in range(n + 1) if binomtest(k, n, chance, alternative="greater").pvalue <= 0.05]
    assert least_above_chance(n, chance) == (enough[0] / n if enough else None)


@pytest.mark.parametrize("how", ["scaled", "resampled"])
def test_a_near_copy_across_the_split_is_found(how):
    made = samples()
    noise = np.random.default_rng(5).normal(size=40)
    center = made.X.mean(axis=0)
    copy = center + 1.7 * (made.X[7] - center) if how == "scaled" else made.X[7] + 0.02 * noise
    made.X[100] = copy
    # the mean of all samples is taken out first: with it, all would be alike
    made.X[:] += 50 * np.random.default_rng(6).normal(size=40)
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("near-duplicate-volumes", "error")
    assert "2 of 192 samples" in finding.message
    assert "volume(s) 7, 100" in finding.message


def test_near_copies_are_those_that_the_correlations_name():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(300, 9000)).astype(np.float32)
    for i in range(40):  # correlations from 0.995 to 1
        X[200 + i] = X[i] + 0.0025 * i * rng.normal(size=9000)
    r = np.triu(np.corrcoef(X - X.mean(axis=0)), 1)
    np.testing.assert_array_equal(np.argwhere(r > 0.999), sorted(near_copies(X).tolist()))
    assert 10 < (r > 0.999).sum() < 40


@pytest.mark.parametrize("scale", ["zscore", "zscore by n - 1", "minmax"])
def test_scaling_before_the_split_is_found(scale):
    made = samples()
    X = made.X + np.repeat(np.random.default_rng(8).normal(size=(4, 40)), 48, axis=0)
    if scale == "minmax":
        X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    else:
        X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=int(scale != "zscore"))
    (finding,) = audit(replace(made, X=X.astype(np.float32)), make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("scaled-across-parts", "warning")
    assert "All 40 voxels" in finding.message


def test_scaling_over_volumes_that_are_then_left_out_is_found():
    rng = np.random.default_rng(5)
    data = rng.normal(size=(5, 5, 2, 96)) + np.repeat(rng.normal(size=4), 24)
    rest = np.arange(96) % 4 == 0
    data[..., rest] += 2  # so that what is kept has another mean
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


def test_scaling_within_runs_is_no_leak():
    made = samples()
    runs = made.X.reshape(4, 48, 40)
    runs = (runs - runs.mean(axis=1, keepdims=True)) / runs.std(axis=1, keepdims=True)
    assert codes(replace(made, X=runs.reshape(192, 40))) == []


def test_voxels_chosen_by_the_labels_are_found():
    made = samples()
    noise = np.random.default_rng(9).normal(size=(192, 2000)).astype(np.float32)
    chosen = SelectKBest(f_classif, k=40).fit_transform(noise, made.y)
    (finding,) = audit(replace(made, X=chosen), make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("voxels-chosen-by-labels", "warning")
    assert "of the 40 voxels differ between the classes at p < 0.05 over 48 blocks" in finding.message
    # a true effect in half of the voxels is none
    informed = noise[:, :40] + (made.y[:, None] == 1) * (np.arange(40) % 2)
    assert codes(replace(made, X=informed.astype(np.float32))) == []


@pytest.mark.parametrize(
    ("mask", "drawn"),
    [
        ("mask.nii", None),
        ({"strategy": "template"}, None),
        ({"strategy": "floors"}, "floors"),
        ({"strategy": "epi"}, "epi"),
        ({"strategy": "combine", "masks": ["mask.nii", {"strategy": "threshold"}]}, "threshold"),
    ],
)
def test_a_mask_that_was_drawn_from_the_series_is_told(mask, drawn):
    made = samples()
    found = audit(made, make_splits(SplitConfig(), made.table), mask=parse_mask(mask))
    assert [f.code for f in found] == (["mask-from-test-data"] if drawn else [])
    assert all(f"({drawn})" in f.message and "the 192 tested samples" in f.message for f in found)


def test_labels_that_follow_the_run_are_found():
    # runs 1 and 2 hold more of a, runs 3 and 4 of b: 9 of 12 blocks
    rng = np.random.default_rng(10)
    order = [rng.permutation([most] * 10 + [least] * 2) for most, least in ("ab", "ab", "ba", "ba")]
    made = samples(labels=np.repeat(np.concatenate(order), 4).tolist())
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("labels-follow-run", "warning")
    assert "is right for 83% of 48 blocks" in finding.message
    assert "the most frequent class 50%" in finding.message


def test_a_class_in_some_runs_alone_is_named():
    order = np.repeat(["a", "b"], 2 * 12)
    made = samples(labels=np.repeat(order, 4).tolist())
    split = Split("planted", np.r_[0:48, 96:144], np.r_[48:96, 144:192])
    (finding,) = audit(made, [split])
    assert finding.code == "labels-follow-run"
    assert "right for 100% of 48 blocks" in finding.message
    assert "Of 4 runs, there is a in 2, b in 2" in finding.message


def test_labels_that_follow_time_are_found():
    order = np.random.default_rng(11).permutation(["a", "b"] * 6)
    made = samples(labels=np.tile(np.repeat(order, 4), 4).tolist())
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("labels-follow-time", "warning")
    assert "right for 100% of 48 blocks" in finding.message
    assert codes(made, neighbours=0) == []  # maps have no time


def test_runs_in_neither_part_are_told():
    made = samples(n_runs=6)
    config = SplitConfig(scheme="explicit", train=["1", "2"], test=["3", "5"])
    (finding,) = audit(made, make_splits(config, made.table))
    assert (finding.code, finding.severity) == ("runs-not-used", "note")
    assert "2 of 6 runs are neither trained on nor tested: 4, 6." in finding.message


def test_people_in_both_parts_are_told():
    made = samples()
    made = replace(made, table=made.table.assign(subject=np.repeat(["x", "y"], 96)))
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("subject-in-both-parts", "note")
    assert codes(made, make_splits(SplitConfig(scheme="leave-one-subject-out"), made.table)) == []


def test_errors_block_until_they_are_allowed_by_name():
    made = samples()
    splits = make_splits(SplitConfig(scheme="random"), made.table)
    findings = audit(made, splits)
    assert {f.code for f in blocking(findings)} == {"run-in-both-parts", "neighbours-across-split"}
    assert {f.code for f in blocking(findings, ["run-in-both-parts"])} == {"neighbours-across-split"}
    allowed = audit(made, splits, allow=["run-in-both-parts", "neighbours-across-split"])
    assert [f.allowed for f in allowed] == [True, True]
    assert blocking(allowed) == []


def test_every_code_is_explained_in_the_docs_with_its_severity():
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    for code, (severity, _) in checks.items():
        assert f"| `{code}` | {severity} |" in page


def test_a_misspelt_code_is_refused():
    with pytest.raises(InputError, match=f"run-in-both is none. The codes are: {', '.join(checks)}"):
        audit(samples(), [], allow=["run-in-both"])


def test_real_runs_left_out_are_clean_and_a_random_split_is_not(haxby):
    series = read(haxby / "bold.nii.gz")
    rows, _ = label_table(parse_labels({"source": "table", "table": "volumes.tsv"}), series, haxby)
    mask, _ = make_mask(parse_mask("mask.nii.gz"), series, haxby)
    config = PrepareConfig(detrend=True, standardize_runs=True)
    made = prepare(series, rows, config, mask=mask, exclude=["rest"])
    assert codes(made) == []
    (split,) = make_splits(SplitConfig(scheme="random"), made.table)
    block = made.table["block"]
    parted = set(block[split.train]) & set(block[split.test])
    assert block.nunique() == 96
    tested = made.table.iloc[split.test]
    trained = set(made.table["volume"].iloc[split.train])
    near = sum(any(v + d in trained for d in range(-4, 5)) for v in tested["volume"])  # no run is so near
    message = audit(made, [split])[0].message
    assert f"12 of 12 runs and {len(parted)} of 96 blocks" in message
    assert f"{near} of 173 test volumes have a training one within 4 volumes" in message
