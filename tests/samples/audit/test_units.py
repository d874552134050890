"""Runs that are interleaved, and stimuli in both the training and the test set, are reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from audit_samples import averages, codes, samples

from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits


def with_columns(**columns):
    made = samples()
    return replace(made, table=made.table.assign(**columns))


def test_runs_that_are_interrupted_by_another_one_are_an_error():
    runs = np.repeat(["1", "2", "1", "3"], 48)
    made = with_columns(run=runs)
    (finding, *_) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("runs-interleaved", "error")
    assert "1 of 3 runs are interrupted by another run: '1'." in finding.message
    assert "Run '1' starts at volumes 0, 96." in finding.message
    alternating = with_columns(run=np.tile(["1", "2"], 96))
    assert "runs-interleaved" in codes(alternating)


def test_consecutive_runs_averages_and_maps_in_any_order_are_no_error():
    assert "runs-interleaved" not in codes(samples())
    for made in (averages(average_blocks=True), averages(average_runs=True)):
        assert "runs-interleaved" not in codes(made)
    assert "runs-interleaved" not in codes(with_columns(run=np.tile(list("1234"), 48)), neighbors=0)


def test_a_stimulus_in_both_sets_is_reported():
    label = samples().table["label"].to_numpy()
    blocks = np.arange(192) // 4
    each = np.char.add(label.astype(str), (blocks % 3).astype(str))
    made = with_columns(stim_file=each, response=each)
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("stimulus-in-both-parts", "warning")
    assert "6 of 6 stimuli (column stim_file) are in both" in finding.message
    config = SplitConfig(scheme="leave-one-group-out", group="stim_file", runs_apart=True)
    assert "stimulus-in-both-parts" not in codes(made, make_splits(config, made.table))
    assert "run-in-both-parts" not in codes(made, make_splits(config, made.table))


def test_new_stimuli_and_one_stimulus_per_class_are_not_reported():
    made = samples()
    new = with_columns(stim_file=[f"{i // 4}.png" for i in range(192)])
    assert codes(new) == []
    assert codes(with_columns(stim_file=made.table["label"])) == []
