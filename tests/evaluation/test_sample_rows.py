"""Which sample each volume became part of, and which fold held it out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results

from napari_fmri_decoder.evaluation.sample_rows import held_out_by, sample_rows, volumes_in_cell
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.samples.prepare_config import PrepareConfig


def test_each_volume_has_its_sample_and_excluded_volumes_have_none() -> None:
    samples = make_samples(("a", "b"), runs=2, length=2)
    table = samples.table.assign(volume=np.arange(8))
    used = replace(samples, X=samples.X[[1, 4, 7]], table=table.iloc[[1, 4, 7]].reset_index(drop=True))
    assert sample_rows(table, used, PrepareConfig()).tolist() == [-1, 0, -1, -1, 1, -1, -1, 2]


@pytest.mark.parametrize("option", ["average_blocks", "average_runs"])
def test_volumes_of_an_average_share_its_sample(option: str) -> None:
    samples = make_samples(("a", "b"), runs=2, blocks=1, length=3)
    table = samples.table.assign(volume=np.arange(12))
    first = [0, 3, 6, 9]
    averages = replace(samples, X=samples.X[first], table=table.iloc[first].reset_index(drop=True))
    rows = sample_rows(table, averages, PrepareConfig(**{option: True}))
    assert rows.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_each_sample_has_the_first_fold_that_held_it_out() -> None:
    samples = make_samples(runs=3)
    folds = random_results(samples, leave_one_run_out(samples))
    assert held_out_by(samples, folds).tolist() == [0] * 9 + [1] * 9 + [2] * 9
    assert held_out_by(samples, [folds[2], folds[0], folds[2]]).tolist() == [1] * 9 + [-1] * 9 + [0] * 9


def test_cells_have_as_many_samples_as_the_confusion_matrices_count() -> None:
    samples = make_samples(runs=3)
    folds = random_results(samples, leave_one_run_out(samples), right=0.5)
    scores = score_folds(folds, samples)
    label_of_volume = dict(zip(samples.table["volume"], samples.table["label"], strict=True))
    for i, true in enumerate(samples.classes):
        for j, predicted in enumerate(samples.classes):
            test = volumes_in_cell(samples, folds, "test", true, predicted)
            training = volumes_in_cell(samples, folds, "training", true, predicted)
            assert (len(test), len(training)) == (scores.confusion[i, j], scores.train_confusion[i, j])
            assert all(label_of_volume[volume] == true for volume, _ in test + training)
