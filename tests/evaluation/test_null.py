"""Baselines and permutations: what is exchanged, what is kept, and that p values are honest."""

from __future__ import annotations

from collections import Counter
from itertools import permutations as orders
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples
from scipy.stats import binomtest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.null import (
    BaselinesDone,
    PermutationsDone,
    Progress,
    baseline_events,
    baselines,
    n_exchanges,
    permutation_test,
    permute_labels,
    summarise,
)
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.samples.labels.base import label_table, parse_labels
from napari_fmri_decoder.samples.prepare import PrepareConfig, prepare
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, Note
from napari_fmri_decoder.volumes.nifti import read

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

ONE_THREAD = TrainingConfig(threads=1)
LINEAR = get_decoder({"name": "linear", "C": 0.01})


def labels_of_blocks(table: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    return table.assign(label=labels).groupby(["run", "block"], sort=False)["label"].agg(["first", "nunique"])


def observed_score(samples: Samples, splits: list[Split]) -> float:
    events = cross_validate(LINEAR, samples, splits, ONE_THREAD)
    return score_folds([event.result for event in events if isinstance(event, FoldDone)], samples).score


def run_test(samples: Samples, permutations: int, seed: int) -> PermutationsDone:
    splits = leave_one_run_out(samples)
    config, observed = TrainingConfig(threads=1, seed=seed), observed_score(samples, splits)
    events = permutation_test(LINEAR, samples, splits, config, permutations=permutations, observed=observed)
    *_, last = events
    assert isinstance(last, PermutationsDone)
    return last


@pytest.mark.parametrize("extra", [0, 4])
def test_whole_blocks_exchange_labels_within_their_run(extra: int) -> None:
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


def test_runs_are_told_apart_by_subject_and_session() -> None:
    table = make_samples(runs=2, blocks=1).table
    table["subject"], table["run"] = table["run"], "1"
    for seed in range(20):
        labels = table.assign(label=permute_labels(table, np.random.default_rng(seed)))
        assert labels.groupby(["subject", "label"]).size().eq(3).all()


def test_every_order_of_the_blocks_comes_up_equally_often() -> None:
    table = make_samples(("a", "b", "c"), runs=1, length=1).table
    rng = np.random.default_rng(0)
    seen = Counter("".join(permute_labels(table, rng)) for _ in range(600))
    assert set(seen) == {"".join(order) for order in orders("abc")}
    assert all(70 < n < 130 for n in seen.values())


def test_possible_labellings_are_counted() -> None:
    table = make_samples(("a", "b"), runs=2, blocks=2, length=2).table
    found = {tuple(permute_labels(table, np.random.default_rng(seed))) for seed in range(400)}
    assert n_exchanges(table) == len(found) == 36


def test_a_signal_beats_exchanged_labels_and_noise_does_not() -> None:
    easy = run_test(make_samples(blocks=2, signal=3.0, features=8), 20, 0)
    assert easy.observed == 1.0
    assert easy.summary.p == pytest.approx(1 / 21)
    assert easy.summary.mean == pytest.approx(1 / 3, abs=0.1)
    noise = run_test(make_samples(blocks=2, signal=0.0, noise_of_blocks=1.0, features=8, seed=3), 20, 0)
    assert noise.summary.p > 0.05
    assert noise.scores.shape == (20,)


def test_the_same_seed_gives_the_same_permutations() -> None:
    samples = make_samples(blocks=2, features=6, signal=0.3)
    first, again = run_test(samples, 6, 0), run_test(samples, 6, 0)
    other = run_test(samples, 6, 5)
    np.testing.assert_array_equal(first.scores, again.scores)
    assert (first.scores != other.scores).any()


def accuracy_of_nearest_mean(samples: Samples, labels: np.ndarray) -> float:
    """Leave one run out with the quickest decoder there is, written out."""
    runs, names, right = samples.table["run"].to_numpy(), np.unique(labels), 0
    for run in np.unique(runs):
        out = runs == run
        means = np.array([samples.X[~out & (labels == name)].mean(axis=0) for name in names])
        away = ((samples.X[out][:, None] - means) ** 2).sum(axis=2)
        right += int((names[away.argmin(axis=1)] == labels[out]).sum())
    return right / len(labels)


def test_p_values_of_null_data_are_uniform_though_volumes_of_a_block_are_alike() -> None:
    """With 19 permutations p is one of 0.05, 0.10, ... 1; shuffling volumes one by one fails here."""
    by_block, by_volume = [], []
    for seed in range(60):
        samples = make_samples(("a", "b"), runs=3, blocks=3, features=5, noise_of_blocks=2.0, seed=100 + seed)
        rng, labels = np.random.default_rng(seed), samples.table["label"].to_numpy(dtype=str)
        observed = accuracy_of_nearest_mean(samples, labels)
        blocks = [accuracy_of_nearest_mean(samples, permute_labels(samples.table, rng)) for _ in range(19)]
        volumes = [accuracy_of_nearest_mean(samples, rng.permutation(labels)) for _ in range(19)]
        by_block.append(summarise(np.array(blocks), observed).p)
        by_volume.append(summarise(np.array(volumes), observed).p)
    assert binomtest(sum(p <= 0.05 for p in by_block), 60, 0.05, alternative="greater").pvalue > 0.01
    for limit in (0.25, 0.5, 0.75):
        assert np.mean(np.array(by_block) <= limit) == pytest.approx(limit, abs=0.2)
    assert sum(p <= 0.05 for p in by_volume) > 2 * sum(p <= 0.05 for p in by_block)


def test_p_counts_the_true_labelling_and_ties() -> None:
    assert summarise(np.array([0.1, 0.2, 0.3]), 0.9).p == 0.25
    assert summarise(np.array([0.9, 0.2, 0.3]), 0.9).p == 0.5
    assert summarise(np.array([1.0, 1.0]), 0.9).p == 1.0


def test_unequal_blocks_keep_the_measure_of_the_true_labels() -> None:
    """Exchanged labels change how many volumes a class has; the score must not change its kind with it."""
    samples = make_samples(blocks=2, extra=3, features=6)
    result = run_test(samples, 12, 0)
    # Balanced accuracies of noise lie around chance; accuracies would follow the longest class.
    assert result.summary.mean == pytest.approx(1 / 3, abs=0.12)


def test_where_nothing_can_be_exchanged_it_says_so() -> None:
    samples = make_samples(("a", "b"), runs=4, length=3)
    alone = samples.relabelled(np.where(samples.table["run"].isin(["1", "2"]), "a", "b"))
    with pytest.raises(InputError, match="at least one run with blocks of two labels"):
        next(permutation_test(LINEAR, alone, [], ONE_THREAD, permutations=5, observed=0.5))


def test_few_possible_labellings_are_said() -> None:
    samples = make_samples(("a", "b"), runs=2, length=4, features=4)
    splits = leave_one_run_out(samples)
    events = list(permutation_test(LINEAR, samples, splits, ONE_THREAD, permutations=9, observed=0.5))
    notes = [event.message for event in events if isinstance(event, Note)]
    assert any("Only 4 labellings" in note for note in notes)


def test_baselines_see_signal_and_guess_at_chance() -> None:
    samples = make_samples(blocks=2, signal=3.0, features=8)
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found == {"dummy": pytest.approx(1 / 3), "linear": 1.0}


def test_the_dummy_is_at_chance_in_unbalanced_classes_too() -> None:
    samples = make_samples(blocks=2, extra=6, features=8)
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found["dummy"] == pytest.approx(1 / 3)


def test_work_can_stop_between_any_two_steps_and_tells_how_far_it_is() -> None:
    samples = make_samples(features=6)
    events = list(baseline_events(samples, leave_one_run_out(samples), ONE_THREAD))
    progress = [event for event in events if isinstance(event, Progress)]
    # Four folds, each of which fits several C in inner folds: many places to stop.
    assert len(progress) > 50
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert progress[-1].done == progress[-1].total
    assert isinstance(events[-1], BaselinesDone)
    started = permutation_test(
        LINEAR, samples, leave_one_run_out(samples), ONE_THREAD, permutations=1000, observed=0.5
    )
    assert isinstance(next(started), Progress)
    started.close()  # type: ignore[attr-defined]


def test_baselines_on_real_data(haxby: Path) -> None:
    """Averaged to 96 patterns, scikit-learn's LinearSVC reaches 0.698 (the README of the data)."""
    series, mask = read(haxby / "bold.nii.gz"), read(haxby / "mask.nii.gz")
    table, _ = label_table(parse_labels({"source": "table", "table": "volumes.tsv"}), series, haxby)
    config = PrepareConfig(detrend=True, standardize_runs=True, average_blocks=True)
    samples = prepare(series, table, config, mask=mask, exclude=["rest"])
    found = baselines(samples, leave_one_run_out(samples), ONE_THREAD)
    assert found["dummy"] == 0.125
    assert found["linear"] > 0.6
