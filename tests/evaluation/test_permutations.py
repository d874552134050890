"""The permutation test: scores under permuted labels, and valid p values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples
from scipy.stats import binomtest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.label_permutation import permute_labels
from napari_fmri_decoder.evaluation.permutations import PermutationsDone, permutation_test, summarize
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, Note, Progress

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

ONE_THREAD = TrainingConfig(threads=1)
LINEAR = get_decoder({"name": "linear", "C": 0.01})


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


def test_a_signal_exceeds_permuted_labels_and_noise_does_not() -> None:
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
    """Leave-one-run-out accuracy of a nearest-mean classifier, without the package."""
    runs, names, right = samples.table["run"].to_numpy(), np.unique(labels), 0
    for run in np.unique(runs):
        out = runs == run
        means = np.array([samples.X[~out & (labels == name)].mean(axis=0) for name in names])
        away = ((samples.X[out][:, None] - means) ** 2).sum(axis=2)
        right += int((names[away.argmin(axis=1)] == labels[out]).sum())
    return right / len(labels)


def test_p_values_of_null_data_are_uniform_with_correlated_volumes_in_blocks() -> None:
    """With 19 permutations, p is 0.05, 0.10, ... or 1; permuting single volumes fails this test."""
    by_block, by_volume = [], []
    for seed in range(60):
        samples = make_samples(("a", "b"), runs=3, blocks=3, features=5, noise_of_blocks=2.0, seed=100 + seed)
        rng, labels = np.random.default_rng(seed), samples.table["label"].to_numpy(dtype=str)
        observed = accuracy_of_nearest_mean(samples, labels)
        blocks = [accuracy_of_nearest_mean(samples, permute_labels(samples.table, rng)) for _ in range(19)]
        volumes = [accuracy_of_nearest_mean(samples, rng.permutation(labels)) for _ in range(19)]
        by_block.append(summarize(np.array(blocks), observed).p)
        by_volume.append(summarize(np.array(volumes), observed).p)
    assert binomtest(sum(p <= 0.05 for p in by_block), 60, 0.05, alternative="greater").pvalue > 0.01
    for limit in (0.25, 0.5, 0.75):
        assert np.mean(np.array(by_block) <= limit) == pytest.approx(limit, abs=0.2)
    assert sum(p <= 0.05 for p in by_volume) > 2 * sum(p <= 0.05 for p in by_block)


def test_p_counts_the_true_labeling_and_ties() -> None:
    assert summarize(np.array([0.1, 0.2, 0.3]), 0.9).p == 0.25
    assert summarize(np.array([0.9, 0.2, 0.3]), 0.9).p == 0.5
    assert summarize(np.array([1.0, 1.0]), 0.9).p == 1.0


def test_with_unequal_blocks_the_measure_is_that_of_the_true_labels() -> None:
    """Permuted labels change how many volumes a class has, but must not change the type of score."""
    samples = make_samples(blocks=2, extra=3, features=6)
    result = run_test(samples, 12, 0)
    # Balanced accuracies of noise are near chance; accuracies would follow the longest class.
    assert result.summary.mean == pytest.approx(1 / 3, abs=0.12)


def test_labels_that_cannot_be_permuted_are_an_error() -> None:
    samples = make_samples(("a", "b"), runs=4, length=3)
    alone = samples.relabeled(np.where(samples.table["run"].isin(["1", "2"]), "a", "b"))
    with pytest.raises(InputError, match="at least one run that has blocks with different labels"):
        next(permutation_test(LINEAR, alone, [], ONE_THREAD, permutations=5, observed=0.5))


def test_few_possible_labelings_are_noted() -> None:
    samples = make_samples(("a", "b"), runs=2, length=4, features=4)
    splits = leave_one_run_out(samples)
    events = list(permutation_test(LINEAR, samples, splits, ONE_THREAD, permutations=9, observed=0.5))
    notes = [event.message for event in events if isinstance(event, Note)]
    assert any("Only 4 labelings" in note for note in notes)


def test_a_permutation_test_can_stop_after_its_first_step() -> None:
    samples = make_samples(features=6)
    started = permutation_test(
        LINEAR, samples, leave_one_run_out(samples), ONE_THREAD, permutations=1000, observed=0.5
    )
    assert isinstance(next(started), Progress)
    started.close()  # type: ignore[attr-defined]
