"""How each fold uses each sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from evaluation_fakes import leave_one_run_out, make_samples

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.config import TrainingConfig


def test_the_design_has_the_use_of_each_sample_in_each_fold() -> None:
    samples = make_samples(runs=3)
    splits = leave_one_run_out(samples)
    design = fold_design(splits[1:], samples)
    assert design.names == ("run 2", "run 3")
    assert design.use.shape == (2, 27)
    assert set(np.array(design.runs)[design.use[0] == 2]) == {"2"}
    assert set(np.array(design.runs)[design.use[0] == 1]) == {"1", "3"}
    assert design.labels == tuple(samples.table["label"])


def test_the_design_is_sorted_by_run_and_time() -> None:
    samples = make_samples(runs=2, length=2)  # three blocks of two volumes in each run
    order = np.array([6, 0, 7, 1, 8, 2, 9, 3, 10, 4, 11, 5])
    mixed = replace(samples, X=samples.X[order], table=samples.table.iloc[order].reset_index(drop=True))
    design = fold_design(leave_one_run_out(mixed), mixed)
    assert design.spans == [("2", 0, 6), ("1", 6, 12)]  # in the order in which they first come
    assert design.volumes == tuple(samples.table["volume"].iloc[[*range(6, 12), *range(6)]])
    assert design.use[0].tolist() == [2] * 6 + [1] * 6
    assert design.use[1].tolist() == [1] * 6 + [2] * 6


def test_the_design_marks_validation_sets_of_networks() -> None:
    samples = make_samples(runs=4)
    splits = [leave_one_run_out(samples)[0], Split("odd", np.arange(18), np.arange(27, 36))]
    training = TrainingConfig(validation="runs", validation_size=0.3)
    design = fold_design(splits, samples, get_decoder({"name": "mlp"}), training)
    # Nine samples per run; the last run of each training set is used for validation. The second split
    # omits run 3.
    assert design.use[0].tolist() == [2] * 9 + [1] * 18 + [3] * 9
    assert design.use[1].tolist() == [1] * 9 + [3] * 9 + [0] * 9 + [2] * 9
    linear = fold_design(splits, samples, get_decoder({"name": "linear"}), training)
    assert 3 not in linear.use
