"""The table of predictions, and the score of each run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results
from sklearn.metrics import balanced_accuracy_score

from napari_fmri_decoder.evaluation.predictions import predictions_table, run_accuracy
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits


def test_predictions_of_each_fold_for_its_test_set() -> None:
    samples = make_samples()
    splits = leave_one_run_out(samples)
    results = random_results(samples, splits)
    table = predictions_table(results, samples)
    assert list(table.columns) == [
        *("volume", "subject", "session", "run", "fold", "true", "predicted"),
        *("p_cat", "p_dog", "p_owl"),
    ]
    assert sorted(table["volume"]) == sorted(samples.table["volume"])
    third = table[table["fold"] == 2]
    assert set(third["run"]) == {"3"}
    rows = samples.table.iloc[splits[2].test]
    assert third["volume"].tolist() == rows["volume"].tolist()
    assert third["true"].tolist() == rows["label"].tolist()
    np.testing.assert_allclose(third[["p_cat", "p_dog", "p_owl"]], results[2].probabilities)
    best = table[["p_cat", "p_dog", "p_owl"]].idxmax(axis=1).str.removeprefix("p_")
    assert best.tolist() == table["predicted"].tolist()
    assert (table["true"] == table["predicted"]).groupby(table["fold"]).mean().tolist() == pytest.approx(
        [fold.accuracy for fold in score_folds(results, samples).folds]
    )


def test_predictions_survive_a_round_trip_through_a_file(tmp_path: Path) -> None:
    samples = make_samples(("a b", "2", "ä"))
    table = predictions_table(random_results(samples, leave_one_run_out(samples)), samples)
    path = tmp_path / "predictions.tsv"
    table.to_csv(path, sep="\t", index=False)
    text = {"run": str, "subject": str, "session": str, "true": str, "predicted": str}
    back = pd.read_csv(path, sep="\t", dtype=text, keep_default_na=False)
    pd.testing.assert_frame_equal(back, table, check_dtype=False, rtol=1e-6)


def test_a_random_split_predicts_its_test_set() -> None:
    samples = make_samples(runs=1, length=8)
    splits = make_splits(SplitConfig(scheme="random"), samples.table)
    table = predictions_table(random_results(samples, splits), samples)
    assert table["volume"].tolist() == samples.table["volume"].iloc[splits[0].test].tolist()


def test_accuracy_of_each_run() -> None:
    samples = make_samples(runs=3)
    table = predictions_table(random_results(samples, leave_one_run_out(samples)), samples)
    found = run_accuracy(table)
    assert found.index.tolist() == ["1", "2", "3"]
    second = table[table["run"] == "2"]
    assert found["2"] == (second["true"] == second["predicted"]).mean()


def test_balanced_accuracy_of_each_run_is_that_of_scikit_learn() -> None:
    samples = make_samples(runs=3)
    table = predictions_table(random_results(samples, leave_one_run_out(samples)), samples)
    table = table[(table["true"] != "cat") | (table["volume"] % 2 == 0)]
    found = run_accuracy(table, "balanced_accuracy")
    for run, part in table.groupby("run"):
        assert found[run] == pytest.approx(balanced_accuracy_score(part["true"], part["predicted"]))
    assert found.index.tolist() == ["1", "2", "3"]
