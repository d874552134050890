"""Splits into training and test sets, by whole runs except for the random scheme.

A run is (subject, session, run). Random splits reproduce those of the original notebooks; `audit`
reports that they leak.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.conditions import cells_of, conditions_text, rows_where
from napari_fmri_decoder.samples.run_selection import rows_of_runs
from napari_fmri_decoder.samples.samples import RUN_COLUMNS, group_keys

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.split_config import SplitConfig

Indices = NDArray[np.int64]

_HELD_OUT = {
    "leave-one-run-out": "run",
    "leave-one-session-out": "session",
    "leave-one-subject-out": "subject",
}


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One fold.

    Attributes
    ----------
    name : str
        Name in plots and tables: "run 3".
    train, test : (n,) int64 array
        Rows of the samples.
    direction : str
        For cross-decoding: where it trains and where it tests; otherwise "".
    """

    name: str
    train: Indices
    test: Indices
    direction: str = ""


def make_splits(config: SplitConfig, table: pd.DataFrame) -> list[Split]:
    """Split samples.

    Parameters
    ----------
    config : SplitConfig
    table : DataFrame of n rows
        Table of the samples: `label`, `subject`, `session`, `run`, one row per sample.

    Returns
    -------
    list of Split
        In the order in which the runs first occur.

    Raises
    ------
    InputError
        If there are too few runs, a run or column is unknown, a run is in both sets, a condition leaves no
        samples, a class has a single sample, or a class of the test set is missing from the training set.
    """
    labels, groups = table["label"].to_numpy(dtype=str), group_keys(table)
    _check_counts(labels)
    match config.scheme:
        case "leave-one-run-out" | "leave-one-session-out" | "leave-one-subject-out":
            splits = _leave_one_out(table, _HELD_OUT[config.scheme])
        case "leave-one-group-out":
            splits = _leave_one_out(table, config.group)
        case "group-k-fold" | "stratified-group-k-fold":
            splits = _k_fold(table, labels, config)
        case "explicit":
            splits = [_explicit(table, groups, config)]
        case "random":
            splits = [_random(labels, config)]
    if config.runs_apart:
        splits = [apart for split in splits for apart in _runs_apart(split, groups)]
    if config.train_where or config.test_where:
        splits = _crossed(splits, table, config)
    for split in splits:
        _check_classes(split, labels)
    return splits


def _leave_one_out(table: pd.DataFrame, kind: str) -> list[Split]:
    groups = _groups(table, kind)
    names = list(dict.fromkeys(groups.tolist()))
    if len(names) < 2:
        raise InputError(
            f"Leave-one-{kind}-out needs at least two {kind}s, found one ({names[0]!r}). Provide the {kind} "
            "of each volume in the labels, or choose scheme = random and interpret its score with care."
        )
    return [
        Split(f"{kind} {name}", np.flatnonzero(groups != name), np.flatnonzero(groups == name))
        for name in names
    ]


def _groups(table: pd.DataFrame, kind: str) -> NDArray[np.str_]:
    """Keys of the units that are kept together: a session, for example, is (subject, session)."""
    if kind not in RUN_COLUMNS:
        return _filled_cells(table, kind, "Splitting by")
    finer = RUN_COLUMNS[RUN_COLUMNS.index(kind) + 1 :]
    if kind != "run" and not (table[kind].astype(str) != "").any():
        raise InputError(
            f"Splitting by {kind} needs the {kind} of each volume, but the labels have none. "
            f"Add a column {kind}, or split by runs."
        )
    return group_keys(table.assign(**dict.fromkeys(finer, "")))


def _filled_cells(table: pd.DataFrame, column: str, purpose: str) -> NDArray[np.str_]:
    cells = cells_of(table, column)
    if empty := int((cells == "").sum()):
        raise InputError(
            f"{purpose} {column} needs its value for each sample, but {empty} of {len(cells)} have none. "
            "Fill them in, exclude these samples, or choose another column."
        )
    return cells


def _runs_apart(split: Split, runs: NDArray[np.str_]) -> list[Split]:
    """Divide a fold by the runs of its test set; each part trains on neither its group nor its run."""
    parts = []
    for run in dict.fromkeys(runs[split.test].tolist()):
        train, test = split.train[runs[split.train] != run], split.test[runs[split.test] == run]
        parts.append(Split(f"{split.name}, run {run}", train, test))
    return parts


def _crossed(splits: Sequence[Split], table: pd.DataFrame, config: SplitConfig) -> list[Split]:
    """Train where one condition holds and test where the other does, in the same folds."""
    of_train, of_test = (rows_where(where, table) for where in (config.train_where, config.test_where))
    names = [conditions_text(where) or "all" for where in (config.train_where, config.test_where)]
    directions = [(of_train, of_test, f"{names[0]} to {names[1]}")]
    if config.both_directions and config.train_where and config.test_where:
        directions.append((of_test, of_train, f"{names[1]} to {names[0]}"))
    crossed = [
        replace(
            split,
            name=f"{split.name}, {name}",
            train=split.train[trained[split.train]],
            test=split.test[tested[split.test]],
            direction=name,
        )
        for trained, tested, name in directions
        for split in splits
    ]
    found = [split for split in crossed if len(split.train) and len(split.test)]
    for _, _, name in directions:
        if not any(split.direction == name for split in found):
            raise InputError(
                f"Cross-decoding needs a fold with training and test samples, but no fold of {config.scheme} "
                f"has both from {name}. Correct the conditions, or choose another scheme."
            )
    return found


def _k_fold(table: pd.DataFrame, labels: NDArray[np.str_], config: SplitConfig) -> list[Split]:
    groups, n_splits = _groups(table, config.group), config.n_splits
    n_groups = len(set(groups.tolist()))
    if n_groups < n_splits:
        raise InputError(
            f"Each fold must test at least one {config.group}, got {n_splits} folds for {n_groups} "
            f"{config.group}(s). Choose n_splits between 2 and the number of {config.group}s."
        )
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    stratified = config.scheme == "stratified-group-k-fold"
    splitter = StratifiedGroupKFold(n_splits) if stratified else GroupKFold(n_splits)
    if stratified and config.stratify != "label":
        labels = _filled_cells(table, config.stratify, "Stratifying by")
    with warnings.catch_warnings():
        # It warns about classes with fewer samples than folds; _check_classes makes the stricter check.
        warnings.simplefilter("ignore", UserWarning)
        try:
            folds = list(splitter.split(np.zeros(len(groups)), labels, groups))
        except ValueError as error:
            raise InputError(
                f"Stratified folds need at least as many samples per class as folds: {error} Choose fewer "
                "folds."
            ) from error
    return [
        Split(f"fold {i}", train.astype(np.int64), test.astype(np.int64))
        for i, (train, test) in enumerate(folds)
    ]


def _explicit(table: pd.DataFrame, groups: NDArray[np.str_], config: SplitConfig) -> Split:
    if not config.test:
        raise InputError(
            'An explicit split must name its test runs, got none. Set, for example, test = ["12"].'
        )
    test = rows_of_runs(config.test, table, groups)
    train = rows_of_runs(config.train, table, groups) if config.train else ~test
    both = sorted(set(groups[train & test].tolist()))
    if both:
        raise InputError(
            f"A run must be in the training or the test set, not both; found {', '.join(both)} in train and "
            "test. Remove it from one of them."
        )
    if not train.any():
        raise InputError("Some runs must remain for training, but test names all of them. Name fewer.")
    return Split(f"test on {', '.join(config.test)}", np.flatnonzero(train), np.flatnonzero(test))


def _random(labels: NDArray[np.str_], config: SplitConfig) -> Split:
    n = len(labels)
    if config.method == "shuffle-cut":
        # Equals numpy.random.seed and numpy.random.shuffle, without the global state.
        order = np.arange(n)
        np.random.RandomState(config.seed).shuffle(order)
        cut = int(round(1 - config.test_size, 12) * n)
        train, test = order[:cut], order[cut:]
    else:
        from sklearn.model_selection import train_test_split

        stratify = labels if config.method == "stratified" else None
        try:
            train, test = train_test_split(
                np.arange(n), test_size=config.test_size, random_state=config.seed, stratify=stratify
            )
        except ValueError as error:
            raise InputError(f"A random split must leave samples in both sets: {error}") from error
    return Split("random", np.asarray(train, dtype=np.int64), np.asarray(test, dtype=np.int64))


def _check_counts(labels: NDArray[np.str_]) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InputError(
            f"Decoding needs at least two classes, found {len(classes)} ({', '.join(classes)}). "
            "Check the labels and the excluded ones."
        )
    single = classes[counts == 1]
    if len(single):
        raise InputError(
            f"Each class needs at least two samples, one for training and one for testing; "
            f"{', '.join(single)} has 1 of {len(labels)}. Exclude it, or merge it with another class."
        )


def _check_classes(split: Split, labels: NDArray[np.str_]) -> None:
    if not len(split.train) or not len(split.test):
        raise InputError(
            f"Training and test set must both have samples; {split.name!r} trains on {len(split.train)} and "
            f"tests on {len(split.test)}. Change test_size or the runs."
        )
    missing = sorted(set(labels[split.test].tolist()) - set(labels[split.train].tolist()))
    if missing:
        raise InputError(
            f"Each class of the test set must also be in the training set; in {split.name!r} "
            f"{', '.join(missing)} is tested but never trained on. Exclude it, or choose another split."
        )


def inner_folds(groups: NDArray[np.str_], max_folds: int = 5) -> list[tuple[Indices, Indices]]:
    """Split a training set into inner folds by whole runs, to select options.

    Parameters
    ----------
    groups : (n,) str array
        The run of each sample.
    max_folds : int
        Largest number of folds.

    Returns
    -------
    list of (training rows, held-out rows)
        Empty if there is only one run.
    """
    from sklearn.model_selection import GroupKFold

    n = min(max_folds, len(np.unique(groups)))
    return list(GroupKFold(n).split(groups, groups=groups)) if n > 1 else []
