"""The table of the training history, and the mean of learning curves, computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results

from napari_fmri_decoder.evaluation.history import history_table, mean_curves

NAN = np.nan


def test_history_starts_with_the_untrained_network() -> None:
    samples = make_samples()
    results = random_results(samples, leave_one_run_out(samples), epochs=3)
    table = history_table(results)
    assert list(table.columns) == ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert table[table["fold"] == 1]["epoch"].tolist() == [0, 1, 2, 3]
    assert table["loss"][0] == pytest.approx(np.log(3))
    assert table["val_accuracy"][3] == results[0].history[-1].test.accuracy
    unwatched = [
        replace(r, untrained_train=None, history=(replace(r.history[0], test=None),)) for r in results
    ]
    table = history_table(unwatched)
    assert table["epoch"].tolist() == [1, 1, 1, 1]
    assert table["val_loss"].isna().all()
    assert history_table([replace(results[0], untrained_train=None, history=())]).empty


def test_a_fold_that_stopped_early_counts_only_up_to_its_last_epoch() -> None:
    # epoch, loss, validation loss, accuracy, validation accuracy
    patient = np.array([[0, 4.0, 5.0, 0.2, 0.1], [1, 2.0, 4.0, 0.6, 0.3], [2, 1.0, 3.0, 0.9, 0.5]])
    early = np.array([[0, 2.0, 3.0, 0.4, 0.3], [1, 1.0, 6.0, 0.8, 0.1]])
    third = np.array([[0, 3.0, 1.0, 0.3, 0.2], [1, 0.0, 2.0, 1.0, 0.2], [2, 0.5, 1.0, 1.0, 0.7]])
    np.testing.assert_allclose(
        mean_curves([patient, early, third]),
        [[0, 3.0, 3.0, 0.3, 0.2], [1, 1.0, 4.0, 0.8, 0.2], [2, 0.75, 2.0, 0.95, 0.6]],
    )


def test_values_that_are_not_finite_are_ignored() -> None:
    watched, alone = np.array([[1, 1.0, 2.0], [2, 1.0, NAN]]), np.array([[1, 3.0, NAN], [2, np.inf, NAN]])
    np.testing.assert_array_equal(mean_curves([watched, alone]), [[1, 2.0, 2.0], [2, 1.0, NAN]])
