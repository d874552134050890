"""Decoding from anything but the voxels: equal to scikit-learn, found on real runs, and calibrated."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import random_results
from scipy.signal import lfilter
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from napari_fmri_decoder.evaluation.label_permutation import permuted, permuted_labels
from napari_fmri_decoder.evaluation.nuisance import decode_nuisance
from napari_fmri_decoder.evaluation.nuisance_scores import Discriminant, Labelings, score_of_labels
from napari_fmri_decoder.evaluation.nuisance_test import NuisanceTest, nuisance_finding
from napari_fmri_decoder.evaluation.saved_scores import scores_from
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.nuisance import Nuisance
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.volumes.frames import Grid

RUNS, BLOCKS, LENGTH, REST = 6, 8, 6, 4


def noise(rng: np.random.Generator, n: int, columns: int) -> np.ndarray:
    """Slow noise, such as movement."""
    return lfilter([1], [1, -0.97], rng.normal(size=(n + 100, columns)), axis=0)[100:]


def scan(seed: int, r: float = 0.0, rest: int = REST) -> tuple[Samples, pd.DataFrame, Nuisance]:
    """Six runs of two classes in random order; one motion parameter correlates with the class."""
    rng = np.random.default_rng(seed)
    labels: list[str] = []
    for _ in range(RUNS):
        for label in rng.permutation(["a", "b"] * (BLOCKS // 2)):
            labels += [""] * rest + [label] * LENGTH
    n = len(labels)
    table = pd.DataFrame({"volume": np.arange(n), "label": labels, "subject": "", "session": ""})
    table["run"] = np.repeat([str(i + 1) for i in range(RUNS)], n // RUNS)
    motion = np.concatenate([noise(rng, n // RUNS, 6) for _ in range(RUNS)])
    is_a = (table["label"] == "a").to_numpy() * 1.0
    is_a = (is_a - is_a.mean()) / is_a.std()
    own = motion[:, 0] - motion[:, 0].mean()
    own -= (own @ is_a) / n * is_a
    motion[:, 0] = r * is_a + np.sqrt(1 - r**2) * own / own.std()
    shown = table[table["label"] != ""].reset_index(drop=True)
    shown["block"] = number_blocks(shown)
    X = rng.normal(size=(len(shown), 12)).astype(np.float32)
    space = Space(Grid((12, 1, 1), np.eye(4)), np.ones((12, 1, 1), dtype=bool))
    names = tuple(f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz")
    return Samples(X, shown, ("a", "b"), space), table, Nuisance("motion", names, motion)


def decoded(made: Samples, table: pd.DataFrame, motion: Nuisance, n: int = 99) -> NuisanceTest:
    splits = make_splits(SplitConfig(), made.table)
    return decode_nuisance(made, splits, table=table, confounds=[motion], permutations=n)


def p_of(test: NuisanceTest) -> dict[str, float | None]:
    return {row.name: row.p_all for row in test.rows}


def test_scores_equal_those_of_scikit_learn():
    made, _, _ = scan(0)
    features = np.random.default_rng(1).normal(size=(len(made.X), 5)) @ np.diag([1, 2, 3, 4, 5])
    features[:, 0] += made.y
    splits, decoder = make_splits(SplitConfig(), made.table), Discriminant(features)
    labels = np.concatenate([made.y[None], permuted_labels(made, 0, [1, 2])])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=decoder.weight)
    expected = [
        np.mean([model.fit(features[s.train], y[s.train]).score(features[s.test], y[s.test]) for s in splits])
        for y in labels
    ]
    of = Labelings(labels, made.table["block"].to_numpy(), 2)
    np.testing.assert_allclose(score_of_labels(made, splits, of, decoder), expected)


def test_permutations_are_those_of_the_permutation_test():
    made, _, _ = scan(0)
    expected = [permuted(made, 7, number).y for number in (1, 5)]
    np.testing.assert_array_equal(permuted_labels(made, 7, [1, 5]), expected)


def test_motion_that_follows_the_labels_is_found():
    found = [p_of(decoded(*scan(seed, r=0.5)))["motion"] for seed in range(8)]
    assert sum(p <= 0.07 for p in found if p is not None) >= 7
    finding = nuisance_finding(decoded(*scan(0, r=0.5)), 0.5)
    assert finding is not None
    assert (finding.code, finding.severity) == ("confounds-decode-labels", "warning")
    assert "motion 0." in finding.message


def test_without_effect_there_are_few_alarms():
    alarms = [nuisance_finding(decoded(*scan(100 + seed)), 0.5) is not None for seed in range(20)]
    assert sum(alarms) <= 4


@pytest.mark.slow
def test_motion_is_found_in_95_of_100_scans_and_there_are_at_most_10_alarms():
    found = sum((p_of(decoded(*scan(seed, r=0.5)))["motion"] or 1) <= 0.07 for seed in range(100))
    assert found >= 95
    for rest in (REST, 0):
        tests = [decoded(*scan(1000 + seed, rest=rest), n=199) for seed in range(100)]
        assert sum(nuisance_finding(test, 0.5) is not None for test in tests) <= 10


def test_reaction_times_and_previous_labels_are_found():
    made, table, motion = scan(1)
    seconds = 1 + 0.3 * made.y + np.random.default_rng(0).normal(size=len(made.y)) * 0.1
    cells = [f"{value:.3f}" for value in seconds]
    cells[5] = "n/a"
    test = decoded(replace(made, table=made.table.assign(response_time=cells, item="x")), table, motion)
    assert p_of(test)["reaction time"] == pytest.approx(0.01)
    assert [row.columns for row in test.rows if row.name == "reaction time"] == [2]  # one marks the missing
    assert "duration" not in p_of(test)
    pairs = made.table["block"].to_numpy() % BLOCKS // 2 % 2  # a a b b a a b b
    again = made.relabeled(np.where(pairs == made.table["run"].astype(int) % 2, "a", "b"))
    assert p_of(decoded(again, table, motion))["previous label"] is not None


def test_the_previous_label_is_not_used_where_blocks_touch():
    """Blocks of one class are joined without rest, so two classes alternate in any order."""
    made, table, motion = scan(2, rest=0)
    assert "previous label" not in p_of(decoded(made, table, motion))
    assert "previous label" in p_of(decoded(*scan(2)))


def test_without_permutations_there_are_scores_and_no_p():
    made, table, motion = scan(3)
    one = made.relabeled(np.where(made.table["run"].astype(int) % 2, "a", "b"))
    splits = [s for s in make_splits(SplitConfig(), made.table) if s.name]
    test = decode_nuisance(one, splits, table=table, confounds=[motion])
    assert test.permutations == 0
    assert set(p_of(test).values()) == {None}
    assert nuisance_finding(test, 0.5) is None


def test_scores_keep_the_table():
    made, table, motion = scan(0)
    test = decoded(made, table, motion, n=9)
    scores = score_folds(random_results(made, make_splits(SplitConfig(), made.table)), made)
    content = json.loads(json.dumps(replace(scores, nuisance=test).to_dict()))
    assert scores_from(content).nuisance == test
    del content["nuisance"]  # of an earlier version
    assert scores_from(content).nuisance is None
