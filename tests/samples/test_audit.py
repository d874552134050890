"""Each leak, planted by itself, is found by its name; a clean design has none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.audit import audit, blocking, checks, unbalanced
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import PrepareConfig, prepare
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.splits import Split, SplitConfig, make_splits
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.nifti import read


def samples(n_runs: int = 4, per_run: int = 48, labels: list[str] | None = None) -> Samples:
    n = n_runs * per_run
    table = pd.DataFrame({"volume": np.arange(n), "label": labels or (["a"] * 4 + ["b"] * 4) * (n // 8)})
    table["run"] = [str(i // per_run + 1) for i in range(n)]
    table = table.assign(subject="", session="")
    table["block"] = number_blocks(table)
    X = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    space = Space(Grid((6, 1, 1), np.eye(4)), np.ones((6, 1, 1), dtype=bool))
    return Samples(X, table, tuple(sorted(set(table["label"]))), space)


def codes(made: Samples, splits: list[Split] | None = None, **options: object) -> list[str]:
    splits = make_splits(SplitConfig(), made.table) if splits is None else splits
    return [finding.code for finding in audit(made, splits, **options)]


def test_a_clean_design_has_no_finding():
    assert codes(samples()) == []


def test_a_shared_run_is_found_with_its_numbers():
    made = samples()
    # half of run 2's blocks are moved to the test part, far from those that stay, and a block is parted
    test = np.r_[0:48, 48:50]
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
    labels = (["a"] * 6 + ["b"] * 2) * 24
    (finding,) = audit(samples(labels=labels), make_splits(SplitConfig(), samples(labels=labels).table))
    assert (finding.code, finding.severity) == ("class-imbalance", "warning")
    assert "a 144, b 48" in finding.message
    assert unbalanced(labels)
    assert not unbalanced(["a", "a", "a", "b", "b"])


def test_few_samples_are_told():
    made = samples(n_runs=3, per_run=8)
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("few-samples", "warning")
    assert "'a' has 8 in 'run 1'" in finding.message


def test_errors_block_until_they_are_allowed_by_name():
    made = samples()
    splits = make_splits(SplitConfig(scheme="random"), made.table)
    findings = audit(made, splits)
    assert {f.code for f in blocking(findings)} == {"run-in-both-parts", "neighbours-across-split"}
    assert {f.code for f in blocking(findings, ["run-in-both-parts"])} == {"neighbours-across-split"}
    allowed = audit(made, splits, allow=["run-in-both-parts", "neighbours-across-split"])
    assert [f.allowed for f in allowed] == [True, True]
    assert blocking(allowed) == []


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
    assert f"12 of 12 runs and {len(parted)} of 96 blocks" in audit(made, [split])[0].message
