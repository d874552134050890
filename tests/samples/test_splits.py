"""Splits compared with scikit-learn, and with the code of the original notebooks."""

# ruff: noqa: NPY002 - the notebooks used numpy's global state

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    train_test_split,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits


def table(n_runs: int = 6, per_run: int = 8, **columns: object) -> pd.DataFrame:
    n = n_runs * per_run
    made = pd.DataFrame(
        {
            "volume": np.arange(n),
            "label": ["face", "house"] * (n // 2),
            "subject": "",
            "session": "",
            "run": [str(i // per_run + 1) for i in range(n)],
        }
    )
    return made.assign(**columns)


def as_sets(splits):
    return {(tuple(train), tuple(test)) for train, test in splits}


def train_and_test(config, rows):
    return [(s.train.tolist(), s.test.tolist()) for s in make_splits(config, rows)]


def test_leave_one_run_out_equals_scikit_learn():
    rows = table(12)
    theirs = LeaveOneGroupOut().split(rows, groups=group_keys(rows))
    assert as_sets(train_and_test(SplitConfig(), rows)) == as_sets(theirs)


def test_folds_are_in_the_order_of_runs_and_named():
    assert [s.name for s in make_splits(SplitConfig(), table(12))] == [f"run {i}" for i in range(1, 13)]


def test_a_run_is_subject_session_and_run():
    rows = table(4, subject=["a", "b"] * 16)
    splits = make_splits(SplitConfig(), rows)
    assert len(splits) == 8
    assert splits[0].name == "run a/1"
    assert all(len(s.test) == 4 for s in splits)


def test_group_k_fold_equals_scikit_learn_and_keeps_runs_together():
    rows = table(7)
    config = SplitConfig(scheme="group-k-fold", n_splits=3)
    theirs = GroupKFold(3).split(rows, groups=group_keys(rows))
    assert train_and_test(config, rows) == [(a.tolist(), b.tolist()) for a, b in theirs]
    for i, split in enumerate(make_splits(config, rows)):
        assert split.name == f"fold {i}"  # the number in the files of a run
        assert not set(rows["run"].iloc[split.train]) & set(rows["run"].iloc[split.test])


def people() -> pd.DataFrame:
    """Three subjects with two sessions of two runs each."""
    subjects, sessions = np.repeat(["01", "02", "03"], 16), np.tile(np.repeat(["a", "b"], 8), 3)
    return table(12, 4, subject=subjects, session=sessions, run=np.tile(np.repeat(["1", "2"], 4), 6))


@pytest.mark.parametrize(("kind", "n"), [("subject", 3), ("session", 6), ("run", 12)])
def test_leave_one_subject_session_or_run_out_equals_scikit_learn(kind, n):
    rows = people()
    columns = ["subject", "session", "run"]
    keys = rows[columns[: columns.index(kind) + 1]].agg("/".join, axis=1)
    splits = make_splits(SplitConfig(scheme=f"leave-one-{kind}-out"), rows)
    assert len(splits) == n
    theirs = LeaveOneGroupOut().split(rows, groups=keys)
    assert as_sets((s.train.tolist(), s.test.tolist()) for s in splits) == as_sets(theirs)
    assert splits[0].name == f"{kind} {keys[0]}"
    fold_of = pd.factorize(keys)[0]
    predefined = [(a.tolist(), b.tolist()) for a, b in PredefinedSplit(fold_of).split()]
    assert [(s.train.tolist(), s.test.tolist()) for s in splits] == predefined


@pytest.mark.parametrize("group", ["run", "subject"])
def test_stratified_group_k_fold_equals_scikit_learn(group):
    rows = people()
    rows["label"] = np.random.default_rng(1).choice(["a", "b", "c"], len(rows), p=[0.5, 0.3, 0.2])
    keys = rows["subject"] if group == "subject" else group_keys(rows)
    config = SplitConfig(scheme="stratified-group-k-fold", n_splits=3, group=group)
    theirs = StratifiedGroupKFold(3).split(rows, rows["label"], groups=keys)
    assert train_and_test(config, rows) == [(a.tolist(), b.tolist()) for a, b in theirs]


def test_random_stratified_equals_stratified_shuffle_split():
    rows = table(10, 13, label=(["a"] * 10 + ["b"] * 3) * 10)
    (split,) = make_splits(SplitConfig(scheme="random", method="stratified"), rows)
    splitter = StratifiedShuffleSplit(1, test_size=0.2, random_state=42)
    ((train, test),) = splitter.split(rows, rows["label"])
    assert split.train.tolist() == train.tolist()
    assert split.test.tolist() == test.tolist()


def test_explicit_sets_can_name_subjects_sessions_or_runs():
    rows = people()
    config = SplitConfig(scheme="explicit", train=("sub-01/ses-a", "sub-02"), test=("sub-03/run-2",))
    (split,) = make_splits(config, rows)
    trained, tested = rows.iloc[split.train], rows.iloc[split.test]
    assert set(group_keys(trained)) == {"01/a/1", "01/a/2", "02/a/1", "02/a/2", "02/b/1", "02/b/2"}
    assert set(group_keys(tested)) == {"03/a/2", "03/b/2"}


def test_random_equals_the_notebooks_train_test_split():
    rows = table(10, 13, label=["a", "b"] * 65)
    (split,) = make_splits(SplitConfig(scheme="random"), rows)
    train, test = train_test_split(np.arange(130), test_size=0.2, random_state=42)
    assert split.train.tolist() == train.tolist()
    assert split.test.tolist() == test.tolist()


def test_shuffle_cut_equals_the_notebooks_code():
    rows = table(11, 8)
    (split,) = make_splits(SplitConfig(scheme="random", method="shuffle-cut", seed=0), rows)
    state = np.random.get_state()
    try:
        np.random.seed(0)
        order = np.arange(88)
        np.random.shuffle(order)
    finally:
        np.random.set_state(state)
    cut = int(0.8 * 88)
    assert split.train.tolist() == order[:cut].tolist()
    assert split.test.tolist() == order[cut:].tolist()


@pytest.mark.parametrize("method", ["train_test_split", "shuffle-cut"])
def test_a_random_split_does_not_change_numpys_global_state(method):
    before = np.random.get_state()[1].copy()
    make_splits(SplitConfig(scheme="random", method=method), table())
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_explicit_runs_are_the_training_and_test_sets():
    rows = table(6)
    (split,) = make_splits(SplitConfig(scheme="explicit", train=(1, 2), test=(5,)), rows)
    assert set(rows["run"].iloc[split.train]) == {"1", "2"}
    assert set(rows["run"].iloc[split.test]) == {"5"}
    (rest,) = make_splits(SplitConfig(scheme="explicit", test=("5", "6")), rows)
    assert set(rows["run"].iloc[rest.train]) == {"1", "2", "3", "4"}


def test_explicit_runs_can_be_patterns_with_a_subject():
    rows = table(4, subject=["a"] * 16 + ["b"] * 16)
    (split,) = make_splits(SplitConfig(scheme="explicit", train=("a/*",), test=("b/3",)), rows)
    assert set(rows["subject"].iloc[split.train]) == {"a"}
    assert set(rows["run"].iloc[split.test]) == {"3"}


@pytest.mark.parametrize(
    ("config", "rows", "message"),
    [
        ({}, table(1), "at least two runs, found one .*'1'"),
        ({"scheme": "group-k-fold", "n_splits": 7}, table(6), "7 folds for 6 run"),
        ({"scheme": "leave-one-subject-out"}, table(), "the labels have none. Add a column subject"),
        ({"scheme": "leave-one-session-out"}, table(session="1"), "at least two sessions, found one"),
        ({"scheme": "group-k-fold", "group": "subject"}, table(subject="1"), "5 folds for 1 subject"),
        ({"scheme": "explicit", "test": ["sub-9"]}, people(), "got 'sub-9'"),
        ({"scheme": "explicit"}, table(), "must name its test runs"),
        ({"scheme": "explicit", "test": ["13"]}, table(), "got '13'. The runs are: 1, 2, 3, 4, 5, 6"),
        ({"scheme": "explicit", "train": ["1", "2"], "test": ["2", "3"]}, table(), "not both; found 2 in"),
        ({"scheme": "explicit", "test": ["*"]}, table(), "Some runs must remain for training"),
        ({}, table(label=["cat"] * 47 + ["dog"]), "dog has 1 of 48"),
        ({}, table(label="cat"), "at least two classes, found 1"),
        (
            {},
            table(2, 4, label=["a", "b", "a", "b", "a", "b", "c", "c"]),
            "in 'run 2' c is tested but never trained on",
        ),
        ({"scheme": "random", "test_size": 0.99}, table(1, 4), "must leave samples in both sets"),
        ({"scheme": "random", "test_size": 0.99, "method": "shuffle-cut"}, table(1, 4), "trains on 0"),
    ],
)
def test_invalid_splits_are_errors(config, rows, message):
    with pytest.raises(InputError, match=message):
        make_splits(SplitConfig(**config), rows)


def test_options_have_descriptions_and_limits():
    assert all(field.description for field in SplitConfig.model_fields.values())
    for wrong in ({"test_size": 1.0}, {"n_splits": 1}, {"scheme": "loro"}, {"folds": 3}):
        with pytest.raises(ValidationError):
            SplitConfig(**wrong)


@pytest.mark.parametrize(
    ("runs", "name"),
    [
        (["1", "2"], "01"),
        (["01", "02"], "1"),
        (["01", "02"], "run-1"),
        (["run-01", "run-02"], "1"),
        (["1.0", "2.0"], "01"),
        (["001", "002"], "sub-07/run-1"),
        (["1", "2"], "07/01"),
        (["01", "02"], "7/*1"),
    ],
)
def test_leading_zeros_of_runs_are_ignored(runs, name):
    table = pd.DataFrame({"label": ["a", "b"] * 4, "run": np.repeat(runs, 4), "subject": "07", "session": ""})
    (split,) = make_splits(SplitConfig(scheme="explicit", test=[name]), table)
    assert split.test.tolist() == [0, 1, 2, 3]


def test_a_run_in_two_spellings_is_never_in_both_sets():
    table = pd.DataFrame({"label": ["a", "b"] * 6, "subject": "", "session": ""})
    table["run"] = np.repeat(["1", "01", "2"], 4)
    splits = make_splits(SplitConfig(), table)
    assert [split.test.tolist() for split in splits] == [list(range(8)), [8, 9, 10, 11]]


def pictures() -> pd.DataFrame:
    """Four runs that each show the eight stimuli once; four of each class, two of them old."""
    stimuli = [f"{kind}{i}" for kind in ("face", "house") for i in range(4)]
    rows = table(4, 8, label=[s[:-1] for s in stimuli] * 4, stim_file=stimuli * 4)
    return rows.assign(age=[s[-1] for s in stimuli] * 4, rt=[f"0.{s[-1]}" for s in stimuli] * 4)


def test_any_column_can_be_the_group_as_in_scikit_learn():
    rows = pictures()
    config = SplitConfig(scheme="leave-one-group-out", group="stim_file")
    assert [s.name for s in make_splits(config, rows)][:2] == ["stim_file face0", "stim_file face1"]
    theirs = LeaveOneGroupOut().split(rows, groups=rows["stim_file"])
    assert as_sets(train_and_test(config, rows)) == as_sets((a.tolist(), b.tolist()) for a, b in theirs)
    config = SplitConfig(scheme="group-k-fold", group="stim_file", n_splits=3)
    theirs = GroupKFold(3).split(rows, groups=rows["stim_file"])
    assert train_and_test(config, rows) == [(a.tolist(), b.tolist()) for a, b in theirs]


def test_groups_can_be_stratified_by_another_column():
    rows = people().assign(site=np.repeat(["x", "y", "y"], 16))
    rows["label"] = np.random.default_rng(1).choice(["a", "b"], len(rows))
    config = SplitConfig(scheme="stratified-group-k-fold", n_splits=2, group="run", stratify="site")
    theirs = StratifiedGroupKFold(2).split(rows, rows["site"], groups=group_keys(rows))
    assert train_and_test(config, rows) == [(a.tolist(), b.tolist()) for a, b in theirs]


def test_groups_within_runs_can_be_kept_apart_from_their_runs():
    rows = pictures()
    config = SplitConfig(scheme="leave-one-group-out", group="stim_file", runs_apart=True)
    splits = make_splits(config, rows)
    assert len(splits) == 8 * 4
    assert sorted(np.concatenate([s.test for s in splits])) == list(range(len(rows)))
    for split in splits:
        trained, tested = rows.iloc[split.train], rows.iloc[split.test]
        assert len(trained) == 3 * 7
        assert not set(trained["run"]) & set(tested["run"])
        assert not set(trained["stim_file"]) & set(tested["stim_file"])


def test_a_column_that_is_missing_or_incomplete_is_refused():
    with pytest.raises(InputError, match=r"got 'shape'. The labels have: label, .*stim_file, age, rt"):
        make_splits(SplitConfig(scheme="leave-one-group-out", group="shape"), pictures())
    rows = pictures()
    rows.loc[[3, 4], "stim_file"] = ""
    with pytest.raises(InputError, match="needs its value for each sample, but 2 of 32 have none"):
        make_splits(SplitConfig(scheme="leave-one-group-out", group="stim_file"), rows)


def test_cross_decoding_trains_and_tests_where_conditions_hold_in_both_directions():
    rows = pictures()
    young, old = rows["age"].isin(["0", "1"]).to_numpy(), rows["age"].isin(["2", "3"]).to_numpy()
    config = SplitConfig(train_where={"age": [0, 1]}, test_where={"rt": ">= 0.2"})
    splits = make_splits(config, rows)
    assert [s.direction for s in splits] == ["0 or 1 to >= 0.2"] * 4 + [">= 0.2 to 0 or 1"] * 4
    assert splits[0].name == "run 1, 0 or 1 to >= 0.2"
    expected = []
    for first, second in ((young, old), (old, young)):
        for run in "1234":
            other = (rows["run"] != run).to_numpy()
            expected.append(
                (np.flatnonzero(other & first).tolist(), np.flatnonzero(~other & second).tolist())
            )
    assert train_and_test(config, rows) == expected
    one = config.model_copy(update={"both_directions": False})
    assert train_and_test(one, rows) == expected[:4]


def test_conditions_that_differ_between_runs_leave_out_empty_folds():
    rows = table(4, 8, task=["seen"] * 16 + ["imagined"] * 16)
    splits = make_splits(SplitConfig(train_where={"task": "seen"}, test_where={"task": "im*"}), rows)
    assert [(len(s.train), len(s.test)) for s in splits] == [(16, 8)] * 4
    assert [s.name for s in splits[:2]] == ["run 3, seen to im*", "run 4, seen to im*"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"task": "heard"}, "no sample has task = 'heard'. Its values are: imagined, seen."),
        ({"tasks": "seen"}, "got 'tasks'"),
        ({"task": "seen", "run": "4"}, "no fold of leave-one-run-out has both from seen, 4 to imagined"),
    ],
)
def test_conditions_that_leave_nothing_are_refused(where, message):
    rows = table(4, 8, task=["seen"] * 16 + ["imagined"] * 16)
    with pytest.raises(InputError, match=message):
        make_splits(SplitConfig(train_where=where, test_where={"task": "imagined"}), rows)
