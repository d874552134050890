"""The dummy and linear baselines, and the linear baseline with whole runs held out."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_fakes import leave_one_run_out, make_samples

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.evaluation.baselines import (
    BaselinesDone,
    baseline_by_run,
    baseline_events,
    baselines,
    divides_runs,
)
from napari_fmri_decoder.samples.labels.base import parse_labels
from napari_fmri_decoder.samples.labels.volume_table import label_table
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, Progress
from napari_fmri_decoder.volumes.read import read

ONE_THREAD = TrainingConfig(threads=1)


def test_the_linear_baseline_finds_a_signal_and_the_dummy_is_at_chance() -> None:
    samples = make_samples(blocks=2, signal=3.0, features=8)
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found == {"dummy": pytest.approx(1 / 3), "lda": 1.0, "linear": 1.0}


def test_the_recipe_chooses_the_models_and_the_dummy_is_always_there() -> None:
    samples = make_samples(blocks=2, signal=3.0, features=8)
    splits = leave_one_run_out(samples)
    for models in ((), ("linear",), ("linear", "lda", "linear")):
        found = baselines(samples, splits, ONE_THREAD, BaselineConfig(models=models))
        assert list(found) == ["dummy", *dict.fromkeys(models)]


def test_a_decoder_that_is_a_baseline_is_not_fitted_again() -> None:
    samples = make_samples(blocks=2, signal=1.0, features=8)
    splits = leave_one_run_out(samples)
    decoder = get_decoder({"name": "lda"})
    config = ONE_THREAD.resolved(decoder)
    folds = [e.result for e in cross_validate(decoder, samples, splits, config) if isinstance(e, FoldDone)]
    other = config.model_copy(update={"balance": "weights"})
    for settings, again in ((config, False), (config.model_copy(update={"epochs": 7}), False), (other, True)):
        *events, done = baseline_events(samples, splits, config, fitted=[(decoder, settings, folds)])
        assert isinstance(done, BaselinesDone)
        assert (done.folds["lda"] is not folds) == again
        counted = [event.done for event in events if isinstance(event, Progress)]
        assert counted == sorted(counted)
        assert done.scores == baselines(samples, splits, config)


def test_the_dummy_is_at_chance_with_unbalanced_classes() -> None:
    samples = make_samples(blocks=2, extra=6, features=8)
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found["dummy"] == pytest.approx(1 / 3)


def test_baselines_report_progress_and_can_stop_between_any_two_steps() -> None:
    samples = make_samples(features=6)
    events = list(baseline_events(samples, leave_one_run_out(samples), ONE_THREAD))
    progress = [event for event in events if isinstance(event, Progress)]
    # Four folds, each of which fits several C in inner folds: many places to stop.
    assert len(progress) > 50
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert progress[-1].done == progress[-1].total
    done = events[-1]
    assert isinstance(done, BaselinesDone)
    # Leave-one-run-out with runs of one size: the mean of the runs is the score.
    assert set(done.runs) == {"dummy", "lda", "linear"}
    for name, by_run in done.runs.items():
        assert list(by_run) == list(dict.fromkeys(samples.groups))
        assert sum(by_run.values()) / len(by_run) == pytest.approx(done.scores[name])


def test_baselines_on_real_data(haxby: Path) -> None:
    """Averaged to 96 patterns, scikit-learn's LinearSVC reaches 0.698 (the README of the data)."""
    series, mask = read(haxby / "bold.nii.gz"), read(haxby / "mask.nii.gz")
    table, _ = label_table(parse_labels({"source": "table", "table": "volumes.tsv"}), series, haxby)
    config = PrepareConfig(detrend=True, standardize_runs=True, average_blocks=True)
    samples = prepare(series, table, config, mask=mask, exclude=["rest"])
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found["dummy"] == 0.125
    assert found["linear"] > 0.6


def score_by_run(samples, splits):
    events = baseline_by_run(samples, splits, TrainingConfig(threads=1))
    while True:
        try:
            assert isinstance(next(events), Progress)
        except StopIteration as stop:
            return stop.value


def test_a_random_split_also_has_the_score_with_runs_held_out():
    samples = make_samples(("cat", "dog"), runs=4, blocks=3, signal=0.3, noise_of_blocks=1.0)
    splits = make_splits(SplitConfig(scheme="random"), samples.table)
    assert divides_runs(samples, splits)
    whole = baselines(samples, leave_one_run_out(samples), TrainingConfig(threads=1))
    assert score_by_run(samples, splits) == whole["linear"]


def test_no_score_by_run_if_runs_are_not_divided_or_cannot_be_held_out():
    samples = make_samples(("cat", "dog"), runs=4)
    assert score_by_run(samples, leave_one_run_out(samples)) is None
    alone = make_samples(("cat", "dog"), runs=1, blocks=4)
    splits = make_splits(SplitConfig(scheme="random"), alone.table)
    assert score_by_run(alone, splits) is None
