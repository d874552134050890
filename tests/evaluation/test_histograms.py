"""Histograms compared with plain counting."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results

from napari_fmri_decoder.evaluation.histograms import histogram, probability_histograms, voxel_statistics
from napari_fmri_decoder.evaluation.predictions import predictions_table


def test_voxel_statistics_and_their_histogram() -> None:
    X = np.array([[1, 5, np.pi], [3, 5, -np.pi]], dtype=np.float32)
    means, stds = voxel_statistics(X)
    np.testing.assert_allclose(means, [2, 5, 0], atol=1e-6)
    np.testing.assert_allclose(stds, [1, 0, np.pi], rtol=1e-6)
    counted = histogram(np.array([0.0, 0.1, 1.0, np.nan, np.inf]), bins=4, floor=0.05)
    assert counted.counts.tolist() == [2, 0, 0, 1]
    assert (counted.edges[0], counted.edges[-1], counted.floor) == (0, 1, 0.05)


@pytest.mark.parametrize("value", [0.5, 1.0, 1e30, -3e38])
def test_values_that_differ_only_by_rounding_are_counted(value) -> None:
    values = np.array([value, np.nextafter(value, 0), value])
    found = histogram(values, bins=50)
    assert found.counts.sum() == 3
    assert len(found.edges) == 51


def test_probabilities_are_counted_for_the_class_and_for_other_classes() -> None:
    samples = make_samples()
    results = random_results(samples, leave_one_run_out(samples))
    table = predictions_table(results, samples)
    counted = probability_histograms(table, samples.classes, bins=10)
    assert list(counted) == ["cat", "dog", "owl"]
    own, others = counted["dog"]
    assert (own.counts.sum(), others.counts.sum()) == (12, 24)
    assert own.counts[5:].sum() == (table.loc[table["true"] == "dog", "p_dog"] >= 0.5).sum()
