"""The mean of learning curves, by hand."""

from __future__ import annotations

import numpy as np

from napari_fmri_decoder.evaluation.learning import mean_curves

NAN = np.nan


def test_a_fold_that_ended_early_counts_only_as_far_as_it_went() -> None:
    # epoch, loss, validation loss, accuracy, validation accuracy
    patient = np.array([[0, 4.0, 5.0, 0.2, 0.1], [1, 2.0, 4.0, 0.6, 0.3], [2, 1.0, 3.0, 0.9, 0.5]])
    early = np.array([[0, 2.0, 3.0, 0.4, 0.3], [1, 1.0, 6.0, 0.8, 0.1]])
    third = np.array([[0, 3.0, 1.0, 0.3, 0.2], [1, 0.0, 2.0, 1.0, 0.2], [2, 0.5, 1.0, 1.0, 0.7]])
    np.testing.assert_allclose(
        mean_curves([patient, early, third]),
        [[0, 3.0, 3.0, 0.3, 0.2], [1, 1.0, 4.0, 0.8, 0.2], [2, 0.75, 2.0, 0.95, 0.6]],
    )


def test_what_is_not_a_number_does_not_count() -> None:
    watched, alone = np.array([[1, 1.0, 2.0], [2, 1.0, NAN]]), np.array([[1, 3.0, NAN], [2, np.inf, NAN]])
    np.testing.assert_array_equal(mean_curves([watched, alone]), [[1, 2.0, 2.0], [2, 1.0, NAN]])
