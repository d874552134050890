"""The numbers behind the pictures, against plain linear algebra and counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results
from sklearn.metrics import balanced_accuracy_score

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.diagnostics import (
    fold_design,
    histogram,
    pca,
    probability_histograms,
    run_accuracy,
    tsne,
    voxel_statistics,
)
from napari_fmri_decoder.evaluation.scores import predictions_table
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.config import TrainingConfig


def test_pca_is_the_singular_value_decomposition_of_scaled_voxels() -> None:
    X = make_samples(signal=1.0).X * np.linspace(1, 9, 12, dtype=np.float32) + 100
    found = pca(X)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    u, s, _ = np.linalg.svd(scaled.astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(found.explained, s**2 / (s**2).sum(), rtol=1e-3)
    np.testing.assert_allclose(np.abs(found.points), np.abs(u[:, :2] * s[:2]), rtol=1e-2, atol=1e-3)


def test_a_constant_voxel_changes_no_layout() -> None:
    X = make_samples(signal=1.0).X
    padded = np.hstack([X, np.full((len(X), 1), 7, dtype=np.float32)])
    np.testing.assert_allclose(np.abs(pca(padded).points), np.abs(pca(X).points), atol=1e-3)


def test_tsne_keeps_far_groups_apart_and_repeats_with_its_seed() -> None:
    samples = make_samples(("a", "b"), length=6, signal=8.0)
    first, again = tsne(samples.X, seed=4), tsne(samples.X, seed=4)
    np.testing.assert_array_equal(first.points, again.points)
    assert first.explained.size == 0
    away = np.linalg.norm(first.points[:, None] - first.points[None], axis=2) + np.eye(len(samples.X)) * 1e9
    assert (samples.y[away.argmin(axis=1)] == samples.y).all()


@pytest.mark.parametrize("n", [4, 5, 31])
def test_tsne_takes_few_samples(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    assert np.isfinite(tsne(X).points).all()


@pytest.mark.parametrize("layout", [pca, tsne])
def test_what_cannot_be_laid_out_says_so(layout: type) -> None:
    with pytest.raises(InputError, match="At least 4 samples"):
        layout(np.zeros((3, 5), dtype=np.float32))
    with pytest.raises(InputError, match="must differ"):
        layout(np.ones((9, 5), dtype=np.float32))
    assert layout(np.arange(8, dtype=np.float32)[:, None]).points.shape == (8, 2)


def test_voxel_statistics_and_their_histogram() -> None:
    X = np.array([[1, 5, np.pi], [3, 5, -np.pi]], dtype=np.float32)
    means, stds = voxel_statistics(X)
    np.testing.assert_allclose(means, [2, 5, 0], atol=1e-6)
    np.testing.assert_allclose(stds, [1, 0, np.pi], rtol=1e-6)
    counted = histogram(np.array([0.0, 0.1, 1.0, np.nan, np.inf]), bins=4, floor=0.05)
    assert counted.counts.tolist() == [2, 0, 0, 1]
    assert (counted.edges[0], counted.edges[-1], counted.floor) == (0, 1, 0.05)


@pytest.mark.parametrize("value", [0.5, 1.0, 1e30, -3e38])
def test_values_that_differ_by_rounding_alone_are_counted(value) -> None:
    values = np.array([value, np.nextafter(value, 0), value])
    found = histogram(values, bins=50)
    assert found.counts.sum() == 3
    assert len(found.edges) == 51


def test_probabilities_are_counted_for_the_class_and_for_others() -> None:
    samples = make_samples()
    results = random_results(samples, leave_one_run_out(samples))
    table = predictions_table(results, samples)
    counted = probability_histograms(table, samples.classes, bins=10)
    assert list(counted) == ["cat", "dog", "owl"]
    own, others = counted["dog"]
    assert (own.counts.sum(), others.counts.sum()) == (12, 24)
    assert own.counts[5:].sum() == (table.loc[table["true"] == "dog", "p_dog"] >= 0.5).sum()


def test_each_run_has_its_accuracy() -> None:
    samples = make_samples(runs=3)
    table = predictions_table(random_results(samples, leave_one_run_out(samples)), samples)
    found = run_accuracy(table)
    assert found.index.tolist() == ["1", "2", "3"]
    second = table[table["run"] == "2"]
    assert found["2"] == (second["true"] == second["predicted"]).mean()


def test_the_balanced_accuracy_of_a_run_is_scikit_learns() -> None:
    samples = make_samples(runs=3)
    table = predictions_table(random_results(samples, leave_one_run_out(samples)), samples)
    table = table[(table["true"] != "cat") | (table["volume"] % 2 == 0)]
    found = run_accuracy(table, "balanced_accuracy")
    for run, part in table.groupby("run"):
        assert found[run] == pytest.approx(balanced_accuracy_score(part["true"], part["predicted"]))
    assert found.index.tolist() == ["1", "2", "3"]


def test_the_design_says_what_each_fold_does_with_each_sample() -> None:
    samples = make_samples(runs=3)
    splits = leave_one_run_out(samples)
    design = fold_design(splits[1:], samples)
    assert design.names == ("run 2", "run 3")
    assert design.use.shape == (2, 27)
    assert set(np.array(design.runs)[design.use[0] == 2]) == {"2"}
    assert set(np.array(design.runs)[design.use[0] == 1]) == {"1", "3"}
    assert design.labels == tuple(samples.table["label"])


def test_the_design_puts_the_volumes_of_a_run_side_by_side_in_time_order() -> None:
    samples = make_samples(runs=2, length=2)  # three blocks of two volumes in each run
    order = np.array([6, 0, 7, 1, 8, 2, 9, 3, 10, 4, 11, 5])
    mixed = replace(samples, X=samples.X[order], table=samples.table.iloc[order].reset_index(drop=True))
    design = fold_design(leave_one_run_out(mixed), mixed)
    assert design.spans == [("2", 0, 6), ("1", 6, 12)]  # in the order in which they first come
    assert design.volumes == tuple(samples.table["volume"].iloc[[*range(6, 12), *range(6)]])
    assert design.use[0].tolist() == [2] * 6 + [1] * 6
    assert design.use[1].tolist() == [1] * 6 + [2] * 6


def test_the_design_shows_the_validation_part_of_networks() -> None:
    samples = make_samples(runs=4)
    splits = [leave_one_run_out(samples)[0], Split("odd", np.arange(18), np.arange(27, 36))]
    training = TrainingConfig(validation="runs", validation_size=0.3)
    design = fold_design(splits, samples, get_decoder({"name": "mlp"}), training)
    # nine samples a run; the last run of each training part is held back, run 3 in none of the second's
    assert design.use[0].tolist() == [2] * 9 + [1] * 18 + [3] * 9
    assert design.use[1].tolist() == [1] * 9 + [3] * 9 + [0] * 9 + [2] * 9
    linear = fold_design(splits, samples, get_decoder({"name": "linear"}), training)
    assert 3 not in linear.use
