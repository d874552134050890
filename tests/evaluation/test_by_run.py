"""The linear model with whole runs left out stands beside splits that part runs, and beside no other."""

from __future__ import annotations

from evaluation_fakes import leave_one_run_out, make_samples

from napari_fmri_decoder.evaluation.by_run import baseline_by_run, parts_runs
from napari_fmri_decoder.evaluation.null import Progress, baselines
from napari_fmri_decoder.samples.splits import SplitConfig, make_splits
from napari_fmri_decoder.training.config import TrainingConfig


def scored(samples, splits):
    events = baseline_by_run(samples, splits, TrainingConfig(threads=1))
    while True:
        try:
            assert isinstance(next(events), Progress)
        except StopIteration as stop:
            return stop.value


def test_a_random_split_gets_the_score_of_leaving_runs_out():
    samples = make_samples(("cat", "dog"), runs=4, blocks=3, signal=0.3, noise_of_blocks=1.0)
    splits = make_splits(SplitConfig(scheme="random"), samples.table)
    assert parts_runs(samples, splits)
    whole = baselines(samples, leave_one_run_out(samples), TrainingConfig(threads=1))
    assert scored(samples, splits) == whole["linear"]


def test_nothing_is_computed_where_runs_are_whole_or_cannot_be_left_out():
    samples = make_samples(("cat", "dog"), runs=4)
    assert scored(samples, leave_one_run_out(samples)) is None
    alone = make_samples(("cat", "dog"), runs=1, blocks=4)
    splits = make_splits(SplitConfig(scheme="random"), alone.table)
    assert scored(alone, splits) is None
